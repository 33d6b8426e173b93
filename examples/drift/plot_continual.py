"""
A detector that learns from everything learns the fault
=======================================================

Conditions change, come back, and faults last for hundreds of rows. A model that is never updated
takes the other condition for a fault; one that learns each row takes the fault for a condition. The
guarded pool of :class:`~skdqm.continual.ContinualDetector` stops learning while something looks
wrong, recognises the condition that comes back, and asks one question per event.
"""

import matplotlib.pyplot as plt
import numpy as np

from skdqm.continual import ContinualDetector, FadingMemory, ReservoirMemory
from skdqm.datasets import make_drift_stream
from skdqm.inspection import ContinualDisplay
from skdqm.metrics import alarm_storms, share_of_faulty_learned, windowed_roc_auc

# Condition A, then C, and both again; a fault of 400 rows comes three times.
X, y, truth = make_drift_stream(
    16_000,
    drift=[("A", 6), ("C", 4), ("A", 3), ("C", 3)],
    n_faults=3,
    fault_density=1.0,
    random_state=0,
    return_truth=True,
)
n_first = 2500
first, X, y = X[:n_first][y[:n_first] == 0], X[n_first:], y[n_first:]
# What deserves a question: a fault, a burst of anomalies, a condition that was never met.
events = [*truth.faults["start"], *truth.bursts["start"], truth.change_points[0]]
n_events = sum(event >= n_first for event in events)


class Noting:
    """Any memory, which also notes the positions of the rows that were learned."""

    learned: tuple[np.ndarray, ...] = ()

    def kept(self, old, new, n_before, random):
        """Note the new rows; those that were fitted in the beginning have negative positions."""
        Noting.learned += (new.positions[new.positions >= 0],)
        return super().kept(old, new, n_before, random)


class NotingReservoir(Noting, ReservoirMemory):
    """What naive and static detectors would have, and notes."""


class NotingFading(Noting, FadingMemory):
    """What a pool would have, and notes."""


figure, axes = plt.subplots(3, 1, figsize=(10, 11), layout="constrained")
print(f"{n_events} events; good rows are flagged as promised at 1.0 %")
print("            AUC   good rows flagged   faulty learned   tickets")
contenders = {"naive": NotingReservoir(), "static": NotingReservoir(), "pool": NotingFading()}
for axis, (strategy, memory) in zip(axes, contenders.items(), strict=True):
    Noting.learned = ()
    detector = ContinualDetector(strategy=strategy, memory=memory, random_state=0).fit(first)
    verdicts = detector.observe(X)

    # While rows are held one ticket stands for all their alarms.
    outside = verdicts["verdict"].to_numpy().copy()
    for ticket in detector.tickets_:
        outside[ticket["first_row"] : ticket["last_row"] + 1] = 0
    learned = np.zeros(len(X), dtype=bool)
    learned[np.concatenate([*Noting.learned, np.empty(0, dtype=int)])] = True

    area = windowed_roc_auc(y, verdicts["anomaly_score"], window=1000).mean
    rate = alarm_storms(y, outside, promised_rate=0.01).rate
    poison, n_tickets = share_of_faulty_learned(y, learned), len(detector.tickets_)
    print(f"{strategy:8s} {area:6.3f} {rate:19.1%} {poison:16.0%} {n_tickets:9d}")

    # Without a guard a drift is found again every few blocks, too often to draw.
    shown = [event for event in detector.events_ if event["event"] != "drift"]
    ContinualDisplay.from_verdicts(verdicts, shown, y, ax=axis)
    axis.set_title(
        f"{strategy}: AUC {area:.2f}, false alarms {rate:.1%}, faulty rows learned {poison:.0%}",
        pad=24,
    )
plt.show()

# %%
# What was shown
# --------------
# The middle panel is one long false alarm, the upper one goes quiet during faults; the lower one
# does neither. On five seeds the pool learned 1 to 8 % of the faulty rows (the naive detector 79 to
# 80 %), flagged 0.5 to 1.1 % of the good ones (the static detector 51 to 58 %), had the largest
# area, 0.93 to 0.98, and asked once for each event.
