"""One detector, run after run: what it scores before it learns."""

from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from skdqm._lumisections import RUN
from skdqm.benchmark._dqm_contenders import Watcher, gated
from skdqm.benchmark._dqm_rows import Halves
from skdqm.benchmark._quiet import quiet
from skdqm.benchmark._trial import Record
from skdqm.exceptions import DataError
from skdqm.metrics import alarms_per_day, alarms_per_run, evaluate_by_run, signal_efficiency

Labels = NDArray[np.int64]


def watched(
    watcher: Watcher, halves: Halves, *, n_elements: int, min_entries: float, seed: int
) -> Record:
    """Fit a detector to the first runs, let it judge and learn the later ones, and measure.

    Parameters
    ----------
    watcher : Watcher
        The detector.
    halves : Halves
        First and later lumisections.
    n_elements : int
        Number of monitoring elements.
    min_entries : float
        Entries that a verdict needs.
    seed : int
        Random state.

    Returns
    -------
    record : dict
        Figures and seconds: ``score_seconds`` are those to judge and to learn.
    """
    with quiet(seed):
        detector = gated(watcher.make(seed), n_elements, min_entries)
        began, started = process_time(), perf_counter()
        detector.fit(halves.first)
        fitted = perf_counter()
        evaluation = evaluate_by_run(
            detector, halves.later, halves.labels, learn="good" if watcher.learns else "none"
        )
        ended = perf_counter()
    return {
        **figures(halves.labels, evaluation),
        "fit_seconds": fitted - started,
        "score_seconds": ended - fitted,
        "cpu_seconds": process_time() - began,
    }


def figures(labels: Labels, evaluation: pd.DataFrame) -> dict[str, Any]:
    """Measure verdicts; those that do not exist are in no figure of merit.

    Parameters
    ----------
    labels : ndarray of shape (n_lumisections,)
        1 = faulty.
    evaluation : DataFrame of shape (n_lumisections, 3)
        Of :func:`skdqm.metrics.evaluate_by_run`.

    Returns
    -------
    figures : dict
        ``auroc`` and ``aupr`` over all verdicts, ``auroc_by_run``, the mean over runs that have
        good and faulty ones (missing where none has), ``tpr_at_1_percent``; ``detected`` and
        ``false_alarm_rate``, the shares of the faulty and of the good that the threshold flags;
        ``alarms_per_run`` and ``false_alarms_per_day``, where flagged lumisections that follow each
        other are one alarm, false if the first of them is good: a run that is flagged from end to
        end is one alarm, and at most one false one, so read ``false_alarm_rate`` beside them;
        ``n_judged`` and ``n_faulty``.

    Raises
    ------
    DataError
        When the verdicts are all on good or all on faulty ones.
    """
    prediction = evaluation["prediction"]
    exists = prediction.to_numpy() != 0
    y, scores = labels[exists], evaluation["anomaly_score"].to_numpy()[exists]
    if len(np.unique(y)) < 2:
        raise DataError(f"{int(y.sum())} of {len(y)} verdicts are on faulty lumisections")
    flagged = prediction.to_numpy()[exists] == -1
    by_run = _by_run(evaluation.index.get_level_values(RUN)[exists].to_numpy(), y, scores)
    return {
        "auroc": float(roc_auc_score(y, scores)),
        "aupr": float(average_precision_score(y, scores)),
        **({"auroc_by_run": float(np.mean(by_run))} if by_run else {}),
        "tpr_at_1_percent": signal_efficiency(y, scores, background_efficiency=0.01),
        "detected": float(flagged[y == 1].mean()),
        "false_alarm_rate": float(flagged[y == 0].mean()),
        "alarms_per_run": float(alarms_per_run(prediction)["alarms"].mean()),
        "false_alarms_per_day": alarms_per_day(prediction, y_true=labels),
        "n_judged": len(y),
        "n_faulty": int(y.sum()),
    }


def _by_run(runs: NDArray[Any], y: Labels, scores: NDArray[np.float64]) -> list[float]:
    both = [run for run in np.unique(runs) if len(np.unique(y[runs == run])) == 2]
    return [float(roc_auc_score(y[runs == run], scores[runs == run])) for run in both]
