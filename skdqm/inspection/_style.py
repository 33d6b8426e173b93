"""The one look of all pictures: elements differ in shade and in line style, also in grey."""

from typing import Any

NORMAL: dict[str, Any] = {"color": "0.75"}
ANOMALY: dict[str, Any] = {"color": "tab:red", "linewidth": 1.8}
THRESHOLD: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1.2}
GUIDE: dict[str, Any] = {"color": "0.4", "linestyle": ":", "linewidth": 1}
LINE: dict[str, Any] = {"color": "tab:blue", "linestyle": "-", "linewidth": 1.4}
MARK: dict[str, Any] = {"color": "black", "marker": "o", "linestyle": "none"}
SECOND: dict[str, Any] = {"color": "tab:orange", "linestyle": "-.", "linewidth": 1.8}
# Along a stream.
TRACE: dict[str, Any] = {"color": "0.45", "linestyle": "-", "linewidth": 0.8}
ALARM: dict[str, Any] = {
    "color": "tab:red",
    "marker": "x",
    "markersize": 6,
    "linestyle": "none",
}
DRIFT: dict[str, Any] = {"color": "tab:blue", "linestyle": "-.", "linewidth": 1.2}
# A stretch of an axis, and what chance allows.
BAND: dict[str, Any] = {"color": "0.85", "linewidth": 0}
# Points of a scatter.
NORMAL_POINT: dict[str, Any] = {"s": 8, "c": "0.7", "marker": "o"}
ANOMALY_POINT: dict[str, Any] = {"s": 24, "c": "tab:red", "marker": "x"}
MAP = "Greys"
# Beside a stream, so that it hides nothing.
LEGEND: dict[str, Any] = {
    "loc": "upper left",
    "bbox_to_anchor": (1.01, 1),
    "borderaxespad": 0,
    "fontsize": "small",
}
