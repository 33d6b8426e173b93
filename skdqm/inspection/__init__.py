"""Pictures of what estimators found, in scikit-learn's way: objects whose names end in Display."""

from skdqm.inspection._agreement import AgreementDisplay
from skdqm.inspection._alarm_rate import AlarmRateDisplay
from skdqm.inspection._continual import ContinualDisplay
from skdqm.inspection._detection_delay import DetectionDelayDisplay
from skdqm.inspection._drift import DriftDisplay
from skdqm.inspection._feature_scores import FeatureScoresDisplay
from skdqm.inspection._latent import LatentDisplay
from skdqm.inspection._reconstruction import ReconstructionDisplay
from skdqm.inspection._roc_sic import RocSicDisplay
from skdqm.inspection._score_distribution import ScoreDistributionDisplay
from skdqm.inspection._score_stream import ScoreStreamDisplay
from skdqm.inspection._training import TrainingDisplay

__all__ = [
    "AgreementDisplay",
    "AlarmRateDisplay",
    "ContinualDisplay",
    "DetectionDelayDisplay",
    "DriftDisplay",
    "FeatureScoresDisplay",
    "LatentDisplay",
    "ReconstructionDisplay",
    "RocSicDisplay",
    "ScoreDistributionDisplay",
    "ScoreStreamDisplay",
    "TrainingDisplay",
]
