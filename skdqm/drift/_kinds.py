"""The kinds of charts by their words; what has no word is a detector of river."""

from typing import Any

from skdqm.drift._chart import Chart
from skdqm.drift._cusum import CusumChart, ShiryaevRobertsChart
from skdqm.drift._energy import EnergyChart
from skdqm.drift._ks import KolmogorovSmirnovChart
from skdqm.drift._river import WORDS, RiverChart

CHARTS: dict[str, type[Chart]] = {
    "cusum": CusumChart,
    "shiryaev-roberts": ShiryaevRobertsChart,
    "ks": KolmogorovSmirnovChart,
    "energy": EnergyChart,
    **dict.fromkeys(WORDS, RiverChart),
}


def chart_class(detector: Any) -> type[Chart]:
    """Return the chart for a word or a detector of river."""
    return CHARTS[detector] if isinstance(detector, str) else RiverChart
