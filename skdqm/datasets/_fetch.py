"""Downloads of public data sets."""

from os import PathLike
from pathlib import Path

from skdqm.exceptions import DataError

__all__ = ["fetch_lhco_features"]

LHCO_FILE = "events_anomalydetection_v2.features.h5"
LHCO_MD5 = "271cf5e71fc756b2a8d2b32730689bdb"
# The record, and its newer version for which the checksum was published: it serves if the file of
# the first one differs.
LHCO_URLS = tuple(
    f"https://zenodo.org/records/{record}/files/{LHCO_FILE}" for record in (4536377, 6466204)
)
TIMEOUT_SECONDS = 30


def _download(url: str, folder: Path) -> Path:
    import pooch

    path = pooch.retrieve(
        url,
        known_hash=f"md5:{LHCO_MD5}",
        fname=LHCO_FILE,
        path=folder,
        downloader=pooch.HTTPDownloader(chunk_size=1 << 20, timeout=TIMEOUT_SECONDS),
    )
    return Path(path)


def fetch_lhco_features(data_home: str | PathLike[str] | None = None) -> Path:
    """Download the features of the LHC Olympics 2020 R&D data set, once.

    The file (74 MB, CC-BY-4.0) holds 1,000,000 background and 100,000 signal events, as a pandas
    table of 14 columns and the column ``label`` (1 = signal). It is looked for in `data_home` by
    its MD5 checksum, and downloaded from Zenodo if it is not there.

    Parameters
    ----------
    data_home : str, path or None, default=None
        Folder of the file; None means the user's cache folder, as :func:`pooch.os_cache` names it.

    Returns
    -------
    path : Path
        The file.

    Raises
    ------
    DataError
        When the file can be neither found nor downloaded, for example without a network. The
        message says where to get it and where to put it by hand.

    See Also
    --------
    make_lhco_events : Events of the same columns without a download.

    References
    ----------
    .. [1] G. Kasieczka, B. Nachman and D. Shih, "R&D dataset for LHC Olympics 2020 anomaly
       detection challenge", Zenodo, doi:10.5281/zenodo.4536377, newer version
       doi:10.5281/zenodo.6466204.

    Examples
    --------
    >>> from skdqm.datasets import fetch_lhco_features
    >>> path = fetch_lhco_features()  # doctest: +SKIP
    """
    import pooch

    folder = Path(data_home or pooch.os_cache("skdqm")).expanduser()
    failures: list[str] = []
    for url in LHCO_URLS:
        try:
            return _download(url, folder)
        except (OSError, ValueError) as error:  # no network, a bad checksum, a full disk
            failures.append(f"{url}: {error}")
    raise DataError(
        f"cannot download the LHC Olympics features of Zenodo record 4536377. Download "
        f"{LHCO_URLS[0]} by hand and save it as {folder / LHCO_FILE} (MD5 {LHCO_MD5}), or give "
        f"its folder as data_home. What was tried: {'; '.join(failures)}"
    )
