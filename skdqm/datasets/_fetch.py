"""Downloads of public data sets."""

from dataclasses import dataclass
from os import PathLike
from pathlib import Path

from skdqm.exceptions import DataError

__all__ = ["fetch_lhco_events", "fetch_lhco_features"]

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class _RemoteFile:
    """A file, and the addresses that are tried in turn."""

    title: str
    name: str
    checksum: str
    urls: tuple[str, ...]


def _on_zenodo(title: str, name: str, checksum: str, records: tuple[int, ...]) -> _RemoteFile:
    urls = tuple(f"https://zenodo.org/records/{record}/files/{name}" for record in records)
    return _RemoteFile(title, name, checksum, urls)


# The first record, and its newer version for which the checksum was published: it serves if the
# file of the first one differs.
FEATURES = _on_zenodo(
    "LHC Olympics features",
    "events_anomalydetection_v2.features.h5",
    "md5:271cf5e71fc756b2a8d2b32730689bdb",
    (4536377, 6466204),
)
# The checksum is the one that the package GroupAD.jl publishes.
EVENTS = _on_zenodo(
    "LHC Olympics events",
    "events_anomalydetection_v2.h5",
    "sha256:5da8fda2ca78edf8fa5acc0af92fcb6a2d464ba7bf0fd75e3944a169b88cecc6",
    (6466204,),
)


def _download(file: _RemoteFile, url: str, folder: Path) -> Path:
    import pooch

    path = pooch.retrieve(
        url,
        known_hash=file.checksum,
        fname=file.name,
        path=folder,
        downloader=pooch.HTTPDownloader(chunk_size=1 << 20, timeout=TIMEOUT_SECONDS),
    )
    return Path(path)


def _fetch(file: _RemoteFile, data_home: str | PathLike[str] | None) -> Path:
    """Return the file, downloaded from the first address that has it."""
    import pooch

    folder = Path(data_home or pooch.os_cache("skdqm")).expanduser()
    failures: list[str] = []
    for url in file.urls:
        try:
            return _download(file, url, folder)
        except (OSError, ValueError) as error:  # no network, a bad checksum, a full disk
            failures.append(f"{url}: {error}")
    raise DataError(
        f"cannot download the {file.title}. Download {file.urls[0]} by hand and save "
        f"it as {folder / file.name} ({file.checksum}), or give its folder as data_home. "
        f"What was tried: {'; '.join(failures)}"
    )


def fetch_lhco_features(data_home: str | PathLike[str] | None = None) -> Path:
    """Download the features of the LHC Olympics 2020 R&D data set, once.

    The file (74 MB, CC-BY-4.0) holds 1,000,000 background and 100,000 signal events, as a pandas
    table of 14 columns and the column ``label`` (1 = signal). It is looked for in `data_home` by
    its MD5 checksum, and downloaded from Zenodo if it is not there.

    Parameters
    ----------
    data_home : str, path or None, default=None
        Folder of the file; None means the user's cache folder, as ``pooch.os_cache`` names it.

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
    fetch_lhco_events : The particles of the same events.
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
    return _fetch(FEATURES, data_home)


def fetch_lhco_events(data_home: str | PathLike[str] | None = None) -> Path:
    """Download the particles of the LHC Olympics 2020 R&D data set, once.

    The file (about 3 GB, 18.5 GB uncompressed, CC-BY-4.0) holds 1,000,000 background and 100,000
    signal events, as a pandas frame of 2101 columns: (pt, eta, phi) of up to 700 particles, padded
    with zeros, and the label in the column ``2100`` (1 = signal). It is looked for in `data_home`
    by its SHA-256 checksum, and downloaded from Zenodo if it is not there. Read it in pieces, with
    :func:`skdqm.io.iter_batches`.

    Parameters
    ----------
    data_home : str, path or None, default=None
        Folder of the file; None means the user's cache folder, as ``pooch.os_cache`` names it.

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
    fetch_lhco_features : Features of the two jets of the same events.
    make_jet_events : A toy of the same columns without a download.
    skdqm.preprocessing.JetImages : Images of the jets in these events.

    References
    ----------
    .. [1] G. Kasieczka, B. Nachman and D. Shih, "R&D dataset for LHC Olympics 2020 anomaly
       detection challenge", Zenodo, doi:10.5281/zenodo.6466204.

    Examples
    --------
    >>> from skdqm.datasets import fetch_lhco_events
    >>> path = fetch_lhco_events()  # doctest: +SKIP
    """
    return _fetch(EVENTS, data_home)
