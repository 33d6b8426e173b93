"""What a block of rows is found to be."""

from typing import TYPE_CHECKING

from scipy.stats import binom

from skdqm.continual._block import Block

if TYPE_CHECKING:
    from skdqm.continual._course import Course

NORMAL, ANOMALY, DRIFT = "normal", "anomaly", "drift"
NEW_CONDITION, NOT_ENOUGH_DATA = "new condition", "not enough data"

# A block with more flagged rows than chance gives once in so many is an anomaly.
CHANCE = 1e-3


def status_of(course: "Course", block: Block, unknown: Block) -> str:
    """Return what the block is found to be."""
    if 2 * len(unknown.rows) < (block.verdicts == 0).sum() or not block.enough.any():
        return NOT_ENOUGH_DATA
    if course.hold is not None:
        asks = bool(course.hold.condition) or course.hold.n_rows >= course.hold.patience
        return NEW_CONDITION if asks and not course.hold.is_fault else ANOMALY
    if course.n_rows < course.provisional_until:
        return NEW_CONDITION
    n_judged = len(unknown.rows) + (block.verdicts != 0).sum()
    n_bad = (unknown.surprise > course.level.limit).sum() + (block.verdicts == -1).sum()
    if n_bad and binom.sf(n_bad - 1, n_judged, course.level.rate) < CHANCE:
        return ANOMALY
    return DRIFT if course.monitor.warning_ or course.level.is_drifting() else NORMAL
