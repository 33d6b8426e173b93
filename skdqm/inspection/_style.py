"""The one look of all pictures: elements differ in shade and in line style, also in grey."""

from typing import Any

NORMAL: dict[str, Any] = {"color": "0.75"}
ANOMALY: dict[str, Any] = {"color": "tab:red", "linewidth": 1.8}
THRESHOLD: dict[str, Any] = {"color": "black", "linestyle": "--", "linewidth": 1.2}
GUIDE: dict[str, Any] = {"color": "0.4", "linestyle": ":", "linewidth": 1}
LINE: dict[str, Any] = {"color": "tab:blue", "linestyle": "-", "linewidth": 1.4}
SECOND: dict[str, Any] = {"color": "tab:orange", "linestyle": "-.", "linewidth": 1.8}
ALARM: dict[str, Any] = {
    "color": "tab:red",
    "marker": "x",
    "markersize": 6,
    "linestyle": "none",
}
DRIFT: dict[str, Any] = {"color": "tab:blue", "linestyle": "-.", "linewidth": 1.2}
MAP = "Greys"
