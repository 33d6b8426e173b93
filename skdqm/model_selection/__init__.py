"""Splits of lumisections into training and test rows: by run, forward in time."""

from skdqm.model_selection._run_split import RunSplit

__all__ = ["RunSplit"]
