"""A threshold that holds an alarm rate, set on rows that the detector did not learn from."""

from typing import Any

from rich.console import Console


def calibrate(detector: Any, X: Any, alarm_rate: float, say: Console) -> None:
    """Calibrate a detector and say what it promises."""
    detector.calibrate(X, alarm_rate=alarm_rate)
    low, high = detector.alarm_rate_interval_
    say.print(
        f"calibrated on {len(X):,} held-out rows: the false-alarm rate on new good rows "
        f"lies between {low:.3%} and {high:.3%} (95 %)"
    )
