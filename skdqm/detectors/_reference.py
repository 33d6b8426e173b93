"""Statistical tests of histograms against a reference that may follow the detector."""

from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from skdqm._lumisections import cut_at_runs, lumisections_of, runs_of
from skdqm._row_shape import column_number
from skdqm._sklearn import Interval, StrOptions
from skdqm.base import BaseDetector, turned
from skdqm.detectors._projections import PROJECTIONS, Projection
from skdqm.detectors._reference_tests import TESTS, BinnedRows, Comparison, SeenRows
from skdqm.detectors._references import REFERENCES, Block, Reference, Settings
from skdqm.detectors._standardise import warn_of_few_first_rows
from skdqm.detectors._template import Template
from skdqm.exceptions import DataError, UsageError
from skdqm.statistics import adjust_p_values, two_sided_p_values

Floats = NDArray[np.float64]

# Larger contents are cut: deviances keep their digits, and squares of values stay finite.
LARGEST_COUNT, LARGEST_VALUE = 1e15, 1e30
# Exposures may be luminosities in inverse square centimetres.
LARGEST_EXPOSURE = 1e60
# Values that are compared with their expectation at a time.
VALUES_AT_ONCE = 2**20
# Parameters that decide what the scores mean: they are those of the fit.
FROZEN = (
    "test",
    "reference",
    "exposure",
    "fluctuations",
    "tolerance",
    "half_life",
    "window",
    "n_runs",
    "max_runs",
    "n_components",
)


class ReferenceDetector(BaseDetector):
    """A statistical test of each histogram against a reference.

    A row is a histogram of counts. The reference says what share of the row's exposure each bin
    should hold, how far that varies from row to row beyond counting, and how well it is known; the
    pull of a bin is its distance from that in standard deviations, and a test makes one score of
    all pulls. Pulls are signed roots of the deviance (:func:`skdqm.statistics.deviance_residuals`),
    which hold in bins of few entries too.

    Good runs differ more from each other than faults do from good runs, so the reference matters
    as much as the test: `reference` says which rows it is made of, and ``partial_fit`` takes it on.
    Learn only rows of runs that were found good; templates stand up to some bad ones among them.
    Where the reference moves, runs are learned one after the other, and the threshold comes from
    scores that rows had before their run was learned, as those of the next run will have.

    Parameters
    ----------
    test : {"max_pull", "chi2", "kolmogorov_smirnov", "beta_binomial", "modified_chi2", "pca", \
"nmf"}, default="max_pull"
        ``"max_pull"``
            the largest pull: one bin is enough;
        ``"chi2"``
            the mean squared pull: what many bins share;
        ``"kolmogorov_smirnov"``
            the largest distance of the cumulative distributions, of bins along one axis;
        ``"beta_binomial"``
            the largest residual of a beta-binomial law [1]_, for shares of a total;
        ``"modified_chi2"``
            the size of the deviation instead of its significance, for very many entries [1]_;
        ``"pca"``, ``"nmf"``
            the mean squared pull of what `n_components` shapes cannot express, principal
            components or parts without negative values, learned from the rows of the first fit.
    reference : {"fit", "rolling", "last-good-run", "k-nearest-runs"}, default="fit"
        ``"fit"``
            all rows ever learned, pooled; with `half_life` old ones count less;
        ``"rolling"``
            the latest `window` rows;
        ``"last-good-run"``
            the last run learned, with the freedom that runs in a row have shown;
        ``"k-nearest-runs"``
            of the runs learned, the `n_runs` that are nearest to the row.

        Runs are those of the index level ``run`` of a data frame. Rows without are one run for
        each time that they are learned.
    exposure : "total", int, str or None, default="total"
        What contents are proportional to: the ``"total"`` of the row (the test is one of its
        shape), the column of that name or number, such as a luminosity or a beam charge, which then
        is no bin, or None where all rows have the same.
    fluctuations : {"poisson", "empirical"}, default="poisson"
        ``"poisson"``: rows hold counts. ``"empirical"``: means, rates, scores or other values that
        only vary as the training rows do.
    tolerance : float, default=0.01
        Relative deviation of a bin that is never held against a row, as one standard deviation;
        AutoDQM takes the same 1 % [1]_.
    half_life : float or None, default=None
        Rows after which a row counts half, of ``reference="fit"``; None: all count alike.
    window : int, default=400
        Rows that a rolling reference keeps.
    n_runs : int, default=3
        Number of runs that a row is compared with, of ``reference="k-nearest-runs"``.
    max_runs : int, default=100
        Number of runs that are kept, the latest ones.
    n_components : int, default=3
        Number of shapes of ``test="pca"`` and ``"nmf"``.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. See
        :meth:`calibrate` for an alarm rate that holds on new rows.

    Attributes
    ----------
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    skdqm.monitoring.MinimumEntries : No verdict on rows with few entries.
    skdqm.monitoring.ElementsDetector : One detector for each of many histograms.

    References
    ----------
    .. [1] A. Brinkerhoff et al., "Anomaly detection for automated data quality monitoring in the
           CMS detector", arXiv:2501.13789.

    Examples
    --------
    >>> import numpy as np
    >>> from skdqm.detectors import ReferenceDetector
    >>> rng = np.random.default_rng(0)
    >>> shape = np.array([50.0, 200.0, 400.0, 200.0, 50.0])
    >>> detector = ReferenceDetector().fit(rng.poisson(shape, size=(100, 5)))
    >>> detector.predict([shape, 10 * shape, [50, 200, 0, 200, 50]])
    array([ 1,  1, -1])
    >>> detector.feature_scores([[50, 200, 0, 200, 50]]).argmin()
    np.int64(2)
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BaseDetector._parameter_constraints,
        "test": [StrOptions({*TESTS, *PROJECTIONS})],
        "reference": [StrOptions(set(REFERENCES))],
        "exposure": [str, Integral, None],
        "fluctuations": [StrOptions({"poisson", "empirical"})],
        "tolerance": [Interval(Real, 0, None, closed="left")],
        "half_life": [Interval(Real, 0, None, closed="neither"), None],
        "window": [Interval(Integral, 2, None, closed="left")],
        "n_runs": [Interval(Integral, 1, None, closed="left")],
        "max_runs": [Interval(Integral, 1, None, closed="left")],
        "n_components": [Interval(Integral, 1, None, closed="left")],
    }

    signed_feature_scores = True
    takes_counts = True

    def __init__(
        self,
        *,
        test: str = "max_pull",
        reference: str = "fit",
        exposure: Any = "total",
        fluctuations: str = "poisson",
        tolerance: float = 0.01,
        half_life: float | None = None,
        window: int = 400,
        n_runs: int = 3,
        max_runs: int = 100,
        n_components: int = 3,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.test = test
        self.reference = reference
        self.exposure = exposure
        self.fluctuations = fluctuations
        self.tolerance = tolerance
        self.half_life = half_life
        self.window = window
        self.n_runs = n_runs
        self.max_runs = max_runs
        self.n_components = n_components

    def reconstruct(self, X: ArrayLike) -> Floats:
        """Return what the reference expects of rows of such exposure.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows whose exposure counts.

        Returns
        -------
        expected : ndarray of shape (n_samples, n_features)
            Expected contents, in the units of `X`; a column of exposure comes back as it is.
        """
        rows = self._rows_of(self._validated(X))
        return self._in_columns(self._in_chunks(lambda found: found.expected, rows), rows)

    def feature_p_values(self, X: ArrayLike, *, correction: str = "holm") -> Floats:
        """Return the chance of pulls as large in every bin, corrected for the number of bins.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows to judge.
        correction : {"holm", "bonferroni", "fdr"}, default="holm"
            As in :func:`skdqm.statistics.adjust_p_values`, over the bins of each row.

        Returns
        -------
        p_values : ndarray of shape (n_samples, n_features)
            In [0, 1]; a column of exposure has 1.

        Raises
        ------
        UsageError
            When there is no such correction.
        """
        pulls = self.feature_scores(X)
        p_values = np.ones_like(pulls)
        p_values[:, self._bins] = adjust_p_values(
            two_sided_p_values(pulls[:, self._bins]),
            correction,  # type: ignore[arg-type]
        )
        return p_values

    def _as_seen(self, rows: NDArray[Any], X: ArrayLike) -> SeenRows:
        runs = runs_of(X)
        return SeenRows(rows, runs, None if runs is None else lumisections_of(X))

    def _fit(self, X: SeenRows) -> None:
        self._start()
        self._learn(X)

    def _partial_fit(self, X: SeenRows) -> None:
        if not hasattr(self, "_reference"):
            warn_of_few_first_rows(X.values)
            self._start()
        self._learn(X)

    def _start(self) -> None:
        named = self.exposure not in {"total", None}
        self._exposure_column = column_number(self, "exposure", self.exposure) if named else None
        self._bins = np.delete(np.arange(self.n_features_in_), self._columns_of_exposure())
        if not len(self._bins):
            raise UsageError("the only column is the exposure; expected columns of bins beside it")
        self._frozen = {name: getattr(self, name) for name in FROZEN}
        self._reference: Reference = REFERENCES[self.reference]()
        self._projection: Projection | None = None
        self._n_blocks = 0

    def _columns_of_exposure(self) -> list[int]:
        return [] if self._exposure_column is None else [self._exposure_column]

    def _settings(self) -> Settings:
        kept = self._frozen
        return Settings(
            kept["fluctuations"] == "poisson",
            kept["window"],
            kept["half_life"],
            kept["n_runs"],
            kept["max_runs"],
        )

    def _learn(self, X: SeenRows) -> None:
        self._n_blocks += 1
        values, exposures = self._rows_of(X)
        kind = PROJECTIONS.get(self._frozen["test"])
        if kind is not None and self._projection is None:
            n_components, counted = self._frozen["n_components"], self._settings().counted
            self._projection = kind.of(values, exposures, n_components, counted=counted)
        runs = np.full(len(values), self._n_blocks) if X.runs is None else X.runs
        self._ahead = np.full(len(values), np.nan)
        for rows in self._blocks(X):
            block = Block(values[rows], exposures[rows], runs[rows])
            if self._reference.is_known():
                self._ahead[rows] = self._tested(BinnedRows(block.rows, block.exposures))
            self._reference = self._reference.learned(block, self._settings())
        early = np.isnan(self._ahead)
        if early.any():  # the first block of all has nothing before it
            self._ahead[early] = self._tested(BinnedRows(values[early], exposures[early]))

    def _blocks(self, X: SeenRows) -> list[NDArray[np.intp]]:
        """Return rows in the order of time, run by run where the reference moves."""
        if X.runs is None or X.lumisections is None:
            return [np.arange(len(X))]
        order = np.lexsort((X.lumisections, X.runs))
        if self._frozen["reference"] == "fit" and self._frozen["half_life"] is None:
            return [order]
        return cut_at_runs(X.runs, order)

    def _scores_of_learned(self, rows: SeenRows) -> Floats:
        # As they were before their run was learned: those of the next run will be so.
        del rows
        return turned(self._ahead)

    def _rows_of(self, X: SeenRows) -> BinnedRows:
        largest = LARGEST_COUNT if self._settings().counted else LARGEST_VALUE
        seen = X.values.astype(np.float64, copy=False)
        values = np.ascontiguousarray(np.clip(seen[:, self._bins], -largest, largest))
        if self._exposure_column is not None:
            return BinnedRows(values, _checked_exposures(seen[:, self._exposure_column]))
        if self._frozen["exposure"] == "total":
            return BinnedRows(values, np.add.reduce(np.abs(values), axis=1))
        return BinnedRows(values, np.ones(len(values)))

    def _in_columns(self, of_bins: Floats, rows: BinnedRows) -> Floats:
        """Put what belongs to bins beside the exposure."""
        found = np.empty((len(of_bins), self.n_features_in_))
        found[:, self._bins] = of_bins
        if self._exposure_column is not None:
            found[:, self._exposure_column] = rows.exposures
        return found

    def _in_chunks(self, function: Any, rows: BinnedRows) -> Floats:
        """Compare some rows at a time, so that intermediate arrays stay small."""
        size = max(1, VALUES_AT_ONCE // (rows.values.shape[1] * self._rows_of_reference()))
        parts = [
            function(self._compared(rows.values[i : i + size], rows.exposures[i : i + size]))
            for i in range(0, len(rows.values), size)
        ]
        return np.concatenate(parts)

    def _rows_of_reference(self) -> int:
        """Return with how many runs a row is compared at once."""
        nearest = self._frozen["reference"] == "k-nearest-runs"
        return int(self._frozen["n_runs"]) if nearest else 1

    def _compared(self, values: Floats, exposures: Floats) -> Comparison:
        template = self._known_template(values, exposures)
        rate, projection = template.rate, self._projection
        if projection is not None:
            expressed = projection.rates(values, exposures)
            rate = np.where(template.rate >= 0, np.maximum(expressed, 0.0), expressed)
            template = replace(template, spread=projection.spread, dispersion=projection.dispersion)
        rows, counted = BinnedRows(values, exposures), self._settings().counted
        return Comparison.of(
            rows, template, rate, tolerance=self._frozen["tolerance"], counted=counted
        )

    def _known_template(self, values: Floats, exposures: Floats) -> Template:
        return self._reference.expectation(values, exposures, self._settings())

    def _anomaly_score(self, X: SeenRows) -> Floats:
        return self._tested(self._rows_of(X))

    def _tested(self, rows: BinnedRows) -> Floats:
        return self._in_chunks(TESTS.get(self._frozen["test"], TESTS["chi2"]), rows)

    def _feature_scores(self, X: SeenRows) -> Floats:
        rows = self._rows_of(X)
        found = self._in_columns(self._in_chunks(lambda each: each.pulls, rows), rows)
        found[:, self._columns_of_exposure()] = 0.0
        return found

    def _get_state(self) -> dict[str, Any]:
        state = super()._get_state()
        state.pop("_ahead", None)
        if "_reference" in state:
            state["_reference"] = state["_reference"].as_state()
            projection = state["_projection"]
            state["_projection"] = None if projection is None else projection.as_state()
        return state

    def _set_state(self, state: dict[str, Any]) -> None:
        super()._set_state(state)
        if "_reference" in state:
            kept = self._frozen
            self._reference = REFERENCES[kept["reference"]].from_state(state["_reference"])
            if state["_projection"] is not None:
                self._projection = PROJECTIONS[kept["test"]](**state["_projection"])


def _checked_exposures(exposures: Floats) -> Floats:
    if (exposures < 0).any():
        row = int(np.argmax(exposures < 0))
        raise DataError(
            f"the exposure of row {row} is {exposures[row]:g}; expected 0 or more in every row"
        )
    return np.minimum(exposures, LARGEST_EXPOSURE)
