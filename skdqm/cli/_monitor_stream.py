"""A file as a stream: its rows in the order of time, and what the file says about them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skdqm._messages import listed
from skdqm.cli._model import Model
from skdqm.cli._monitor_parameters import KEYS, LUMISECTION, RUN, is_continual
from skdqm.cli._source import Source
from skdqm.exceptions import DataError, UsageError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from skdqm.io import Table

# Rows that a model sees at once. It remembers 10,000 decisions: all of so many rows.
ROWS_AT_ONCE = 4096


@dataclass(frozen=True)
class Columns:
    """Columns of a file that are no features.

    Attributes
    ----------
    label : str or None
        1 = anomaly, 0 = good: never learned from.
    verdicts : str or None
        What may be believed: +1 good, -1 bad, 0 or nothing not known.
    condition : str or None
        Tag of the run condition.
    """

    label: str | None = None
    verdicts: str | None = None
    condition: str | None = None

    def named(self) -> dict[str, str]:
        """Return the columns that are asked for, by their options."""
        found = {"label": self.label, "verdicts": self.verdicts, "condition": self.condition}
        return {option: name for option, name in found.items() if name is not None}


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some rows of a stream.

    Attributes
    ----------
    X : DataFrame or ndarray of shape (n_rows, n_features)
        As the detector takes it, with the index levels run and lumisection where the file has them.
    about : DataFrame
        ``row``, the number in the file; where they are known ``run`` and ``lumisection``, and
        ``label``.
    verdicts : ndarray of int of shape (n_rows,) or None
        What may be believed.
    tags : ndarray of str of shape (n_rows,) or None
        Conditions, "" where the file says none.
    n_dropped : int
        Rows left out around these.
    """

    X: Any
    about: "pd.DataFrame"
    verdicts: "NDArray[np.int64] | None"
    tags: "NDArray[Any] | None"
    n_dropped: int

    def __len__(self) -> int:
        return len(self.about)


@dataclass(frozen=True)
class Stream:
    """A file, as a model that goes on learning takes it."""

    model: Model
    source: Source
    columns: Columns

    @classmethod
    def of(cls, model: Model, source: Source, columns: Columns) -> "Stream":
        """Check that the columns are there, and that a model can follow the file."""
        check_continual(model)
        if model.features is None and columns.label is None:
            source = model.settle_label(replace(source, label="auto"))
        stream = cls(model, source, columns)
        stream.check()
        return stream

    def check(self) -> None:
        """Refuse columns that are missing, or that the model learns from."""
        summary, features = self.source.summary, self.model.features or []
        present = {*summary.columns, *summary.texts}
        for option, name in self.columns.named().items():
            if name in features:
                raise UsageError(f"--{option} {name}: the model takes it as a feature")
            if name not in present:
                raise DataError(
                    f"{self.source.path}: no column {name!r} for --{option}; the file has "
                    f"{listed(summary.columns)}"
                )
        self.features()

    def features(self) -> list[str]:
        """Return the columns that the model takes."""
        if self.model.features is not None:
            return self.model.columns_in(self.source)
        others = {*self.columns.named().values(), *self.keys()}
        found = [name for name in self.source.feature_columns() if name not in others]
        self.model._check_number(found, self.source.path)  # noqa: SLF001 (of this package)
        return found

    def keys(self) -> list[str]:
        """Return run and lumisection, if the file has both as columns."""
        is_there = all(name in self.source.summary.columns for name in KEYS)
        return list(KEYS) if is_there else []

    def chunks(self, batch_size: int | None) -> Iterator[Chunk]:
        """Read the rows, a few thousand at a time."""
        carried = list(dict.fromkeys([*self.keys(), *self.columns.named().values()]))
        unlabelled = replace(self.source, label="none")
        for table in unlabelled.batches(batch_size, self.features(), carried or None):
            for start in range(0, len(table), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                yield self._chunk(table, part, table.n_dropped if start == 0 else 0)

    def _chunk(self, table: "Table", part: slice, n_dropped: int) -> Chunk:
        import pandas as pd

        rows = table.X.iloc[part]
        carried = pd.DataFrame(index=rows.index)
        if table.carried is not None:
            carried = table.carried.iloc[part]
        about = {"row": rows.index.to_numpy()}
        about |= {name: self._whole(carried[name]) for name in self.keys()}
        if self.columns.label is not None:
            about["label"] = self._known(carried[self.columns.label], (0, 1), "label")
        return Chunk(
            self._taken(rows, about),
            pd.DataFrame(about),
            self._verdicts(carried),
            self._tags(carried),
            n_dropped,
        )

    def _taken(self, rows: "pd.DataFrame", about: dict[str, Any]) -> Any:
        """Return what the detector takes, behind the steps before it."""
        import pandas as pd

        from skdqm._lumisections import lumisection_index

        X = self.model.transform(rows, self.source.path)
        if self.keys() and isinstance(X, pd.DataFrame):
            X = X.set_axis(lumisection_index(about[RUN], about[LUMISECTION]))
        return X

    def _verdicts(self, carried: "pd.DataFrame") -> "NDArray[np.int64] | None":
        name = self.columns.verdicts
        if name is None:
            return None
        given = carried[name].astype("object")
        is_empty = given.isna() | (given.astype(str).str.strip() == "")
        return self._known(given.mask(is_empty, 0), (-1, 0, 1), "verdicts")

    def _tags(self, carried: "pd.DataFrame") -> "NDArray[Any] | None":
        name = self.columns.condition
        if name is None:
            return None
        tags: NDArray[Any] = carried[name].astype("object").fillna("").astype(str).to_numpy()
        return tags

    def _known(
        self, values: "pd.Series[Any]", expected: tuple[int, ...], option: str
    ) -> "NDArray[np.int64]":
        import numpy as np

        found = self._whole(values)
        wrong = ~np.isin(found, expected)
        if wrong.any():
            place = int(np.argmax(wrong))
            raise DataError(
                f"{self.source.path}: row {values.index[place]} has {values.iloc[place]!r} in "
                f"{values.name!r}; --{option} expects {', '.join(map(str, expected))}"
            )
        return found

    def _whole(self, values: "pd.Series[Any]") -> "NDArray[np.int64]":
        """Return whole numbers, of a CSV from their text."""
        import numpy as np
        import pandas as pd

        numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        wrong = ~np.isfinite(numbers) | (numbers != np.round(numbers))
        if wrong.any():
            place = int(np.argmax(wrong))
            raise DataError(
                f"{self.source.path}: row {values.index[place]} has {values.iloc[place]!r} in "
                f"{values.name!r}; expected a whole number"
            )
        return numbers.astype(np.int64)


def check_continual(model: Model) -> None:
    """Refuse a model that does not go on learning."""
    if not is_continual(model.detector):
        raise UsageError(
            f"{model.path} holds a {type(model.detector).__name__}, which does not follow a "
            "stream; train one that does on good rows: skdqm train DATA -o MODEL "
            "--detector continual --set detector=NAME"
        )


def open_continual(path: Path) -> Model:
    """Load a model that goes on learning."""
    model = Model.for_tables(path)
    check_continual(model)
    return model


def write_changed(model: Model, output: Path, step: dict[str, Any]) -> None:
    """Write a model that has changed, with one more entry in the list of its updates."""
    from skdqm.persistence import save

    metadata = {name: value for name, value in model.metadata.items() if name != "versions"}
    metadata["updates"] = [*metadata.get("updates", []), step]
    save(model.estimator, output, metadata=metadata)
