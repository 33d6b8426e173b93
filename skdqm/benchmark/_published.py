"""Published tables: one row per set, one column per method, figures of merit times 100."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from skdqm.exceptions import DataError, UsageError

PUBLISHED = "published:"
FILES = {"auroc": "dte_semi_aucroc.csv", "aupr": "dte_semi_aucpr.csv"}


def read_published(path: Path) -> dict[str, pd.DataFrame]:
    """Read the published results in a folder, or in one file.

    Parameters
    ----------
    path : Path
        A folder with ``dte_semi_aucroc.csv`` and maybe ``dte_semi_aucpr.csv``, or one CSV file:
        it holds AUPR when its name ends in ``pr.csv``, AUROC otherwise. The column ``dataset``
        names the sets, every other column holds a method times 100.

    Returns
    -------
    tables : dict of str to DataFrame
        ``"auroc"`` and ``"aupr"``, where found: from 0 to 1, sets in rows, methods in columns.

    Raises
    ------
    UsageError
        When there is no such file.
    DataError
        When a file is not such a table.
    """
    if path.is_file():
        metric = "aupr" if path.stem.lower().endswith(("pr", "prc")) else "auroc"
        return {metric: _read_table(path)}
    found = {metric: path / name for metric, name in FILES.items() if (path / name).is_file()}
    if not found:
        raise UsageError(f"{path}: found neither {' nor '.join(FILES.values())}; name their folder")
    return {metric: _read_table(file) for metric, file in found.items()}


def _read_table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path).set_index("dataset").astype(float) / 100
    except (ValueError, KeyError, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}: not a table of results ({error}); expected a column 'dataset' and numbers "
            "in all others"
        ) from error
    if not table.index.is_unique:
        raise DataError(f"{path}: a set comes twice in 'dataset'; expected each of them once")
    if ((table < 0) | (table > 1)).to_numpy().any():
        raise DataError(f"{path}: found numbers outside 0 to 100; expected figures times 100")
    return table.add_prefix(PUBLISHED)


def published_for(table: pd.DataFrame, sets: Sequence[str]) -> pd.DataFrame:
    """Return the published rows of our sets, missing where there are none.

    Parameters
    ----------
    table : DataFrame
        Of :func:`read_published`.
    sets : sequence of str
        Names such as ``"3_backdoor_rebuilt"``; numbers before, case, and a word after an
        underscore do not matter.

    Returns
    -------
    rows : DataFrame
        Indexed by `sets`.

    Raises
    ------
    DataError
        When two of our sets have one name there.
    """
    by_name = {name.lower(): name for name in map(str, table.index)}
    found = {name: _match(name, by_name) for name in sets}
    known = [name for name in found.values() if name is not None]
    for name in known:
        if known.count(name) > 1:
            raise DataError(
                f"several sets here are the published set {name!r}; keep one of them in the folder"
            )
    rows = table.reindex([np.nan if name is None else name for name in found.values()])
    return rows.set_axis(list(found))


def _match(name: str, by_name: dict[str, str]) -> str | None:
    plain = re.sub(r"^\d+_", "", name.lower())
    without_suffix = re.sub(r"_[a-z]+$", "", plain)
    return by_name.get(plain, by_name.get(without_suffix))
