"""An ensemble of any detectors: their scores on one scale, combined softly or by vote."""

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import SGDOneClassSVM
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skdqm._sklearn import StrOptions, _BaseComposition
from skdqm.detectors import AutoencoderDetector
from skdqm.ensemble._blend import BlendDetector, Blending
from skdqm.ensemble._members import Named, checked_members
from skdqm.ensemble._scales import SCALES
from skdqm.exceptions import UsageError


def default_detectors() -> list[tuple[str, Any]]:
    """Return the members of an :class:`EnsembleDetector` that is given none.

    Returns
    -------
    detectors : list of (str, object)
        ``"isolation_forest"``, ``"one_class_svm"``, ``"elliptic_envelope"`` and
        ``"autoencoder"``, unfitted. The support vector machine sees 100 features of a Nystroem
        approximation of its kernel: its time grows with the number of rows, not with the
        square of it.

    Examples
    --------
    >>> from skdqm.ensemble import default_detectors
    >>> [name for name, _ in default_detectors()]
    ['isolation_forest', 'one_class_svm', 'elliptic_envelope', 'autoencoder']
    """
    kernel_machine = make_pipeline(StandardScaler(), Nystroem(), SGDOneClassSVM())
    return [
        ("isolation_forest", IsolationForest()),
        ("one_class_svm", kernel_machine),
        ("elliptic_envelope", EllipticEnvelope()),
        ("autoencoder", AutoencoderDetector()),
    ]


class EnsembleDetector(BlendDetector, _BaseComposition):
    """Several detectors, whose scores are brought to one scale and combined.

    Every member is fitted on all rows. The scores of detectors have nothing in common, so each is
    first compared with those of up to 2,048 training rows (`scale`):

    * ``"p_value"``: minus the logarithm of the share of them that are as abnormal, with an
      exponential tail [1]_ beyond the highest tenth. A mean of these is Fisher's combination of
      p-values [2]_, up to the dependence between members;
    * ``"rank"``: the share that is less abnormal, in [0, 1]. Blind to how far beyond all of them
      a row is;
    * ``"standard"``: the distance from their median in units of their interquartile range.

    The members then vote softly (`combination` of the scores) or hard: a row is flagged when more
    than half of the members, by weight, find it at least as abnormal as the threshold. That
    threshold, one for all members, is what `contamination` and :meth:`calibrate` set; the score
    of a hard vote is the highest threshold at which the majority still flags the row.

    ``partial_fit`` exists where all members have it; the transformers of a Pipeline stay as they
    were first fitted. ``feature_scores`` are the mean of those of the members that localise, each
    in units of its usual size. Members of other packages see rows cut at a million standard
    deviations, and score in blocks of 256 rows, so that a score does not depend on the rows
    beside it.

    Parameters
    ----------
    detectors : list of (str, object) or None, default=None
        Names and unfitted detectors: of skdqm, of scikit-learn (or a Pipeline that ends in one) or
        of PyOD. Clones are fitted. None takes :func:`default_detectors`; give that function's
        list to search over the parameters of its members.
    voting : {"soft", "hard"}, default="soft"
        Combine scores, or count verdicts.
    scale : {"p_value", "rank", "standard"}, default="p_value"
        What scores are brought to, see above.
    combination : {"mean", "max"}, default="mean"
        Of the scores, in a soft vote; ``"max"`` flags what a single member is sure of.
    weights : sequence of float or None, default=None
        Weight of each member, none negative; equal without.
    n_jobs : int or None, default=None
        Processes that fit members side by side; -1 takes all processors.
    random_state : int, RandomState instance or None, default=None
        Seeds every member whose own ``random_state`` is None.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. See
        :meth:`calibrate` for an alarm rate that holds on new rows.

    Attributes
    ----------
    detectors_ : list
        The fitted members.
    named_detectors_ : dict
        The fitted members by name.
    reference_scores_ : ndarray of shape (n_reference, n_members)
        Anomaly scores of training rows, those of each member sorted: what new ones are compared
        with.
    location_, scale_ : ndarray of shape (n_features,)
        Mean and spread of the features, by which extremes are cut.
    offset_ : float
        The threshold on ``score_samples``.
    n_features_in_ : int
        Number of features seen in ``fit``.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the features, when ``fit`` saw a data frame.

    See Also
    --------
    AutoDetector : A fixed blend, chosen for you.

    References
    ----------
    .. [1] J. Pickands, "Statistical inference using extreme order statistics", Annals of Statistics
           3 (1975) 119.
    .. [2] R. A. Fisher, "Statistical methods for research workers", 4th edition (1932),
           section 21.1.

    Examples
    --------
    >>> from sklearn.ensemble import IsolationForest
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.detectors import AutoencoderDetector
    >>> from skdqm.ensemble import EnsembleDetector
    >>> X, y = make_detector_data(1000, random_state=0)
    >>> members = [("forest", IsolationForest()), ("net", AutoencoderDetector(max_epochs=20))]
    >>> ensemble = EnsembleDetector(members, random_state=0).fit(X[y == 0])
    >>> ensemble.member_predictions(X).shape
    (1000, 2)
    >>> float((ensemble.predict(X[y == 1]) == -1).mean()) > 0.5
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BlendDetector._parameter_constraints,
        "detectors": [list, tuple, None],
        "voting": [StrOptions({"soft", "hard"})],
        "scale": [StrOptions(set(SCALES))],
        "combination": [StrOptions({"mean", "max"})],
        "weights": ["array-like", None],
    }

    def __init__(
        self,
        detectors: Named | None = None,
        *,
        voting: str = "soft",
        scale: str = "p_value",
        combination: str = "mean",
        weights: Sequence[float] | None = None,
        n_jobs: int | None = None,
        random_state: Any = None,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.detectors = detectors
        self.voting = voting
        self.scale = scale
        self.combination = combination
        self.weights = weights
        self.n_jobs = n_jobs
        self.random_state = random_state

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 (scikit-learn's)
        """Return the parameters by name, with those of the members as ``name__parameter``.

        Parameters
        ----------
        deep : bool, default=True
            Also return the members and their parameters.

        Returns
        -------
        parameters : dict
            Names and values.
        """
        parameters: dict[str, Any] = self._get_params("detectors", deep=deep)
        return parameters

    def set_params(self, **parameters: Any) -> "EnsembleDetector":
        """Set parameters, those of members as ``name__parameter``, or whole members by name.

        Parameters
        ----------
        **parameters : dict
            Names and values.

        Returns
        -------
        self : object
            The ensemble.
        """
        self._set_params("detectors", **parameters)
        return self

    def _members(self) -> Named:
        if self.detectors is None:
            return default_detectors()
        members = checked_members(self.detectors)
        self._validate_names([name for name, _ in members])
        return members

    def _blending(self, n_members: int) -> Blending:
        rule = "majority" if self.voting == "hard" else self.combination
        return {"scale": self.scale, "rule": rule, "weights": self._shares(n_members)}

    def _shares(self, n_members: int) -> list[float]:
        """Return the weights of the members, with sum one."""
        if self.weights is None:
            return [1 / n_members] * n_members
        weights = list(self.weights)
        numbers = all(isinstance(weight, Real) and weight >= 0 for weight in weights)
        if not (numbers and len(weights) == n_members and 0 < sum(weights) < np.inf):
            raise UsageError(
                f"weights must hold one number of at least 0 for each of the {n_members} "
                f"detectors, not all of them 0; found {weights!r}"
            )
        return [float(weight) / float(sum(weights)) for weight in weights]
