"""Pictures of what estimators found, in scikit-learn's way: objects whose names end in Display."""

from skdqm.inspection._continual import ContinualDisplay
from skdqm.inspection._drift import DriftDisplay

__all__ = ["ContinualDisplay", "DriftDisplay"]
