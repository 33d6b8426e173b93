"""Sets of lumisections, kept as ranges per run."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import index as whole_number
from reprlib import repr as short
from types import MappingProxyType
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from skdqm._lumisections import LUMISECTION, RUN
from skdqm._messages import listed
from skdqm.exceptions import DataError, UsageError

Keys = NDArray[np.int64]

# A lumisection is one number, its run in the upper half: sets of them are ranges of a line.
_BITS = 31
_LARGEST = 2**_BITS - 2
_VERDICTS = (-1, 0, 1)


class LumisectionRanges:
    """A set of lumisections of many runs, such as a golden JSON [1]_ lists; it never changes.

    Overlapping and adjacent ranges are joined, so that two objects with the same lumisections are
    equal. ``a & b``, ``a | b`` and ``a - b`` are those of sets: a golden JSON and the bits of the
    detector control system go together as ``golden & dcs``. ``len`` counts ranges, a loop gives
    them as ``(run, first, last)`` in order.

    Parameters
    ----------
    ranges : mapping of int to sequence of (int, int), default=no ranges
        For each run its ranges, first and last lumisection, both inside. Runs are numbers from 0,
        as text too, lumisections from 1.

    Raises
    ------
    DataError
        When a run or a lumisection is no whole number, or a range no pair of first <= last. The
        message names the run and the range.

    References
    ----------
    .. [1] CMS Collaboration, "Validated runs", CMS Open Data guide,
           https://cms-opendata-guide.web.cern.ch/analysis/selection/validatedRuns

    Examples
    --------
    >>> golden = LumisectionRanges({297050: [(12, 137), (193, 776)], 297056: [(1, 203)]})
    >>> golden & LumisectionRanges({297050: [(100, 200)]})
    LumisectionRanges({297050: [(100, 137), (193, 200)]})
    >>> golden.runs, len(golden), golden.n_lumisections
    ((297050, 297056), 3, 913)
    """

    __slots__ = ("_bounds",)
    _bounds: Keys

    def __init__(self, ranges: Mapping[Any, Any] = MappingProxyType({})) -> None:
        pairs = [pair for run in ranges for pair in _pairs(run, ranges[run])]
        table = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
        self._remember(_joined(table[:, 0], table[:, 1]))

    def _remember(self, bounds: Keys) -> None:
        bounds.setflags(write=False)
        object.__setattr__(self, "_bounds", bounds)

    @classmethod
    def _of(cls, bounds: Keys) -> Self:
        made = cls()
        cls._remember(made, bounds)
        return made

    @classmethod
    def from_flags(cls, index: pd.MultiIndex, good: ArrayLike) -> Self:
        """Collect the lumisections whose flag is true.

        Parameters
        ----------
        index : pandas.MultiIndex of length n_rows
            With the levels ``run`` and ``lumisection``, in any order, each lumisection once.
        good : array-like of bool of shape (n_rows,)
            True where the lumisection belongs to the set.

        Returns
        -------
        ranges : LumisectionRanges
            Only lumisections of `index`: where one is missing, a range ends.

        Raises
        ------
        DataError
            When the index has other levels, or names a lumisection twice.
        UsageError
            When `good` has another length or is not of bool.

        Examples
        --------
        >>> index = pd.MultiIndex.from_product([[1], [7, 8, 9]], names=["run", "lumisection"])
        >>> LumisectionRanges.from_flags(index, [True, True, False])
        LumisectionRanges({1: [(7, 8)]})
        """
        keys, flags = _keys(index), np.asarray(good)
        if flags.shape != keys.shape or flags.dtype != bool:
            raise UsageError(
                f"good has the shape {flags.shape} and the type {flags.dtype}; expected "
                f"{len(keys)} flags of type bool, one for each lumisection of the index"
            )
        check_once(index)
        return cls._of(_joined(keys[flags], keys[flags] + 1))

    @classmethod
    def from_verdicts(cls, verdicts: pd.Series) -> Self:
        """Collect the lumisections with the verdict good; not enough data is not good.

        Parameters
        ----------
        verdicts : pandas.Series of length n_rows
            +1 good, -1 bad, 0 not enough data, indexed by ``run`` and ``lumisection``.

        Returns
        -------
        ranges : LumisectionRanges
            The good lumisections.

        Raises
        ------
        DataError
            When a verdict is another number, or the index is as in :meth:`from_flags`.

        Examples
        --------
        >>> index = pd.MultiIndex.from_product([[1], [7, 8, 9]], names=["run", "lumisection"])
        >>> LumisectionRanges.from_verdicts(pd.Series([1, 0, 1], index))
        LumisectionRanges({1: [(7, 7), (9, 9)]})
        """
        check_verdicts(verdicts)
        return cls.from_flags(verdicts.index, verdicts.to_numpy() == 1)

    def contains(self, index: pd.MultiIndex) -> NDArray[np.bool_]:
        """Tell for each lumisection whether it belongs to the set.

        Parameters
        ----------
        index : pandas.MultiIndex of length n_rows
            With the levels ``run`` and ``lumisection``, in any order. A lumisection 0 stands for a
            whole run, as :func:`read_histograms` has it, and belongs to no set.

        Returns
        -------
        inside : ndarray of bool of shape (n_rows,)
            True where the lumisection belongs to the set.

        Raises
        ------
        DataError
            When the index has other levels.
        """
        return _inside(self._bounds, _keys(index, smallest=0))

    @property
    def runs(self) -> tuple[int, ...]:
        """The runs that have a lumisection in the set, in order."""
        return tuple(map(int, np.unique(self._bounds[::2] >> _BITS)))

    @property
    def n_lumisections(self) -> int:
        """Number of lumisections in the set."""
        return int((self._bounds[1::2] - self._bounds[::2]).sum())

    def ranges_of(self, run: int) -> list[tuple[int, int]]:
        """Return the ranges of one run.

        Parameters
        ----------
        run : int
            Number of the run.

        Returns
        -------
        ranges : list of (int, int)
            First and last lumisection of each range, in order; empty for a run not in the set.

        Raises
        ------
        DataError
            When the run is no whole number.
        """
        run = _run_number(run)  # numpy's small integers would overflow below
        low, high = np.searchsorted(self._bounds[::2], [run << _BITS, (run + 1) << _BITS])
        return _as_pairs(self._bounds[2 * low : 2 * high])

    def to_dict(self) -> dict[int, list[tuple[int, int]]]:
        """Return the ranges of all runs.

        Returns
        -------
        ranges : dict of int to list of (int, int)
            What the constructor takes, in order.
        """
        found: dict[int, list[tuple[int, int]]] = {}
        for run, first, last in self:
            found.setdefault(run, []).append((first, last))
        return found

    def __iter__(self) -> Iterator[tuple[int, int, int]]:
        runs = self._bounds[::2] >> _BITS
        for run, (first, last) in zip(runs.tolist(), _as_pairs(self._bounds), strict=True):
            yield run, first, last

    def __len__(self) -> int:
        return len(self._bounds) // 2

    def __and__(self, other: object) -> Self:
        return self._combined(other, np.logical_and)

    def __or__(self, other: object) -> Self:
        return self._combined(other, np.logical_or)

    def __sub__(self, other: object) -> Self:
        return self._combined(other, np.greater)

    def _combined(self, other: object, rule: Callable[..., NDArray[np.bool_]]) -> Self:
        if not isinstance(other, LumisectionRanges):
            return NotImplemented
        mine, others = self._bounds, other._bounds  # noqa: SLF001 (of the same class)
        bounds = np.union1d(mine, others)
        inside = rule(_inside(mine, bounds), _inside(others, bounds))
        # A bound of either is one of the result where it changes sides; left of all is outside.
        return self._of(bounds[np.diff(inside, prepend=False)])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, LumisectionRanges):
            return NotImplemented
        return np.array_equal(self._bounds, other._bounds)

    def __hash__(self) -> int:
        return hash(self._bounds.tobytes())

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"cannot set {name!r}: LumisectionRanges never change; make new ones")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.to_dict(),)

    def __repr__(self) -> str:
        inside = str(self.to_dict()) if len(self) <= 8 else f"<{self._summary()}>"
        return f"{type(self).__name__}({inside if len(self) else ''})"

    def _summary(self) -> str:
        n_runs = len(self.runs)
        return f"{n_runs:,} runs, {len(self):,} ranges, {self.n_lumisections:,} lumisections"


def check_once(index: pd.MultiIndex) -> None:
    """Complain about an index that names a lumisection twice."""
    if not index.is_unique:
        raise DataError(
            f"found {where(index[index.duplicated()])} twice; expected each one once: drop the "
            "repeated rows, or combine them first"
        )


def check_verdicts(verdicts: pd.Series) -> None:
    """Complain about verdicts other than good, bad and not enough data."""
    known = verdicts.isin(_VERDICTS).to_numpy()
    if not known.all():
        strange = verdicts[~known].unique().tolist()
        raise DataError(
            f"found the verdicts {listed(strange)}; expected +1 (good), -1 (bad) and 0 (not "
            "enough data)"
        )


def where(index: pd.MultiIndex) -> str:
    """Name the first lumisection of an index."""
    run, lumisection = (index.get_level_values(name)[0] for name in (RUN, LUMISECTION))
    return f"lumisection {lumisection} of run {run}"


def check_levels(index: pd.Index) -> None:
    """Complain about an index that does not say the run and the lumisection."""
    missing = {RUN, LUMISECTION} - set(index.names)
    if missing:
        raise DataError(
            f"found an index with the levels {listed(list(index.names))}; expected 'run' and "
            "'lumisection', as skdqm's tables of lumisections have them"
        )


def _keys(index: pd.MultiIndex, smallest: int = 1) -> Keys:
    """Return a number for each lumisection, in the order of runs, then lumisections."""
    check_levels(index)
    runs, lumisections = (index.get_level_values(name) for name in (RUN, LUMISECTION))
    _check_range(RUN, runs, 0)
    _check_range(LUMISECTION, lumisections, smallest)
    keys: Keys = (runs.to_numpy(np.int64) << _BITS) + lumisections.to_numpy(np.int64)
    return keys


def _check_range(level: str, numbers: pd.Index, smallest: int) -> None:
    if not pd.api.types.is_integer_dtype(numbers.dtype) and len(numbers):
        raise DataError(f"the level {level!r} is of {numbers.dtype}; expected whole numbers")
    outside = (numbers < smallest) | (numbers > _LARGEST)
    if outside.any():
        raise DataError(
            f"found the {level} {numbers[outside][0]}; expected {smallest} to {_LARGEST}"
        )


def _inside(bounds: Keys, keys: Keys) -> NDArray[np.bool_]:
    # Between a start and its stop, an odd number of bounds lies to the left.
    return np.asarray(np.searchsorted(bounds, keys, side="right") % 2 == 1)


def _joined(starts: Keys, stops: Keys) -> Keys:
    """Return starts and stops in turn, of ranges that neither overlap nor touch."""
    order = np.argsort(starts, kind="stable")
    starts, reached = starts[order], np.maximum.accumulate(stops[order])
    is_new = np.append(True, starts[1:] > reached[:-1])[: len(starts)]
    is_end = np.append(is_new[1:], True)[: len(starts)]
    return np.column_stack([starts[is_new], reached[is_end]]).ravel()


def _as_pairs(bounds: Keys) -> list[tuple[int, int]]:
    inside_run = bounds & (2**_BITS - 1)
    return list(zip(inside_run[::2].tolist(), (inside_run[1::2] - 1).tolist(), strict=True))


def _pairs(run: Any, ranges: Any) -> Iterator[tuple[int, int]]:
    """Yield the bounds of the ranges of a run, or say which one is wrong."""
    number = _run_number(run)
    if isinstance(ranges, str | bytes | Mapping) or not isinstance(ranges, Iterable):
        raise DataError(
            f"run {run}: found {short(ranges)}; expected a list of ranges, as in [[12, 137]]"
        )
    for each in ranges:
        first, last = _checked_pair(run, each)
        yield (number << _BITS) + first, (number << _BITS) + last + 1


def _run_number(run: Any) -> int:
    number = int(run) if isinstance(run, str) and run.isascii() and run.isdecimal() else run
    if not _is_whole(number) or not 0 <= number <= _LARGEST:
        raise DataError(f"found the run {short(run)}; expected a whole number, as in 297050")
    return whole_number(number)


def _checked_pair(run: Any, pair: Any) -> tuple[int, int]:
    is_pair = isinstance(pair, list | tuple | np.ndarray) and len(pair) == 2
    if not is_pair or not all(map(_is_whole, pair)):
        raise DataError(
            f"run {run}: found the range {short(pair)}; expected two whole numbers, first and last "
            "lumisection, as in [12, 137]"
        )
    first, last = map(whole_number, pair)
    if not 1 <= first <= last <= _LARGEST:
        raise DataError(
            f"run {run}: found the range [{first}, {last}]; expected 1 <= first <= last: "
            "lumisections are counted from 1"
        )
    return first, last


def _is_whole(number: Any) -> bool:
    return isinstance(number, int | np.integer) and not isinstance(number, bool)
