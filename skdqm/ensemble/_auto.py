"""A strong default: a fixed blend for those who do not want to choose."""

from numbers import Integral
from typing import Any

from sklearn.pipeline import Pipeline

from skdqm._sklearn import Interval
from skdqm.detectors import ContrastiveDetector, HistogramDetector, NeighborsDetector
from skdqm.ensemble._blend import BlendDetector, Blending
from skdqm.ensemble._members import Named
from skdqm.preprocessing import NormalScores

# From the nearest neighbour to a twentieth of all: what is locally odd, and what is globally rare.
SCALES_OF_NEIGHBORS = (1, 5, 20, 0.05)
NEIGHBORS_MEMORY = 4096


class AutoDetector(BlendDetector):
    """The detector to begin with: a fixed blend of four that see different things.

    * ``"contrastive"``: distance to remembered rows in a learned space, where rows are locally odd;
    * ``"contrastive_ranks"``: Mahalanobis distance in a space learned from the ranks of values,
      where relations between features break, whatever their tails;
    * ``"histogram"``: rarity of each value by itself, the global tails;
    * ``"neighbors"``: distance to neighbours at four scales.

    Each score is brought to one scale, its distance from the median of training rows in units of
    their interquartile range (``scale="standard"`` of :class:`EnsembleDetector`), and the mean
    is the score of the blend. The blend was chosen once, on development sets, and is the same for
    all data: nothing is tuned, and no labels are used. It is for tables; images want
    :class:`~skdqm.detectors.ConvAutoencoderDetector`.

    ``partial_fit`` updates all members; ranks and bins stay those of the first rows.

    Parameters
    ----------
    max_epochs : int, default=50
        Passes of the two networks over the training rows.
    device : str, default="cpu"
        Torch device to train on, for example ``"cuda"``. Scoring runs on the CPU.
    n_jobs : int or None, default=None
        Processes that fit members side by side; -1 takes all processors.
    random_state : int, RandomState instance or None, default=None
        Seed of everything random. An int reproduces to the bit on the CPU.
    contamination : float, default=0.01
        Share of the training rows that the threshold flags, in (0, 0.5]. See
        :meth:`calibrate` for an alarm rate that holds on new rows.

    Attributes
    ----------
    detectors_ : list
        The fitted members.
    named_detectors_ : dict
        The fitted members by name.
    reference_scores_ : ndarray of shape (n_reference, 4)
        Anomaly scores of up to 2,048 training rows, those of each member sorted.
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
    EnsembleDetector : A blend of your own.

    Examples
    --------
    >>> from skdqm.datasets import make_detector_data
    >>> from skdqm.ensemble import AutoDetector
    >>> X, y = make_detector_data(1000, random_state=0)
    >>> detector = AutoDetector(max_epochs=5, random_state=0).fit(X[y == 0])
    >>> float((detector.predict(X[y == 1]) == -1).mean()) > 0.5
    True
    """

    _parameter_constraints: dict[str, list[Any]] = {  # noqa: RUF012
        **BlendDetector._parameter_constraints,
        "max_epochs": [Interval(Integral, 1, None, closed="left")],
        "device": [str],
    }

    def __init__(
        self,
        *,
        max_epochs: int = 50,
        device: str = "cpu",
        n_jobs: int | None = None,
        random_state: Any = None,
        contamination: float = 0.01,
    ) -> None:
        super().__init__(contamination=contamination)
        self.max_epochs = max_epochs
        self.device = device
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _members(self) -> Named:
        return [
            ("contrastive", self._network(score="knn")),
            (
                "contrastive_ranks",
                Pipeline(
                    [("ranks", NormalScores()), ("detector", self._network(score="mahalanobis"))]
                ),
            ),
            ("histogram", HistogramDetector()),
            (
                "neighbors",
                NeighborsDetector(n_neighbors=SCALES_OF_NEIGHBORS, memory_size=NEIGHBORS_MEMORY),
            ),
        ]

    def _network(self, score: str) -> ContrastiveDetector:
        return ContrastiveDetector(score=score, max_epochs=self.max_epochs, device=self.device)

    def _blending(self, n_members: int) -> Blending:
        return {"scale": "standard", "rule": "mean", "weights": [1 / n_members] * n_members}
