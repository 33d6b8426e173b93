"""Model cards: what a model is, what it learned from, what it promises and what it does not."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

# Items of a list that are named.
MOST_ITEMS = 16
# What stands in a section of its own.
ELSEWHERE = {
    "alarm_rate",
    "alarm_rate_interval",
    "checksum",
    "experts",
    "features",
    "model",
    "parameters",
    "rows_seen",
    "status",
    "steps",
    "threshold",
    "tickets",
    "updates",
    "version",
    "versions",
    "versions_kept",
}
OF_THE_MODEL = ("epochs",)
IN_WORDS = {
    "n_rows": "rows",
    "sha256": "SHA-256 of the rows",
    "key": "table in the file",
    "n_flagged": "flagged",
    "n_learned": "rows learned",
    "n_used": "rows judged",
    "model_sha256": "SHA-256 of the file",
}
LIMITS = """\
* It knows what the rows above looked like, not what is good: faults among them count as normal, and
  good rows of other conditions (another run, trigger menu or detector setting) may be flagged.
* An anomaly score is no probability; it orders rows of this model, and cannot be compared with that
  of another.
* A flag says that a row is unusual, not why, nor that it is a signal or a fault: somebody has to
  look.
* No range of the features is checked: rows far outside of the training data get a score too."""
CALIBRATED = (
    "The alarm rate holds for good rows that are exchangeable with those it was calibrated on. "
    "Drift ends that: calibrate again on recent good rows that were not learned."
)
NOT_CALIBRATED = (
    "No alarm rate is promised: the threshold is a quantile of training scores, which are "
    "optimistic. Calibrate on good rows that were not learned."
)


def model_card(
    facts: Mapping[str, Any],
    *,
    metrics: Mapping[str, Any] | None = None,
    versions: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Describe a model in Markdown: origin, threshold, metrics, history and limits.

    The same input gives the same text: it has no date of its own.

    Parameters
    ----------
    facts : dict
        What ``skdqm info --json`` prints of the model, and under ``"checksum"`` the SHA-256 of its
        file. ``"model"``, ``"steps"`` and ``"threshold"`` are needed.
    metrics : dict, default=None
        What ``skdqm evaluate --report`` wrote to ``metrics.json``.
    versions : sequence of dict, default=()
        Versions of the model in a service, the oldest first, each with ``version``, ``time`` (unix
        seconds), ``actor``, ``action`` and ``threshold``.

    Returns
    -------
    card : str
        The card; it ends in a line break.

    References
    ----------
    .. [1] M. Mitchell et al., "Model cards for model reporting", FAT* (2019) 220,
           arXiv:1810.03993.

    Examples
    --------
    >>> from skdqm.report import model_card
    >>> facts = {"model": "jets.skdqm", "steps": ["VAEDetector"], "threshold": 27.5}
    >>> print(model_card(facts)[:55])
    # Model card: jets.skdqm
    <BLANKLINE>
    `VAEDetector`: gives each row
    """
    sections = {
        "": _summary(facts),
        "Intended use": _use(facts),
        "Model": _table(("what", "value"), _of_the_model(facts)),
        "Training data": _table(("what", "value"), _origin(facts)),
        "Threshold": _threshold(facts),
        "Metrics": _metrics(metrics, facts["threshold"]),
        "Updates": _history(facts),
        "Versions in service": _records(_dated(versions)),
        "Limits": _limits(facts),
        "Software": _table(("package", "version"), facts.get("versions", {}).items()),
    }
    title = f"# Model card: {_cell(facts['model'])}"
    body = [f"## {name}\n\n{text}" if name else text for name, text in sections.items() if text]
    return "\n\n".join([title, *body]) + "\n"


def _summary(facts: Mapping[str, Any]) -> str:
    *before, detector = facts["steps"]
    behind = f", behind {', '.join(f'`{step}`' for step in before)}" if before else ""
    checksum = facts.get("checksum")
    sealed = f"\n\nSHA-256 of the file: `{checksum}`" if checksum else ""
    return (
        f"`{detector}`{behind}: gives each row an anomaly score, high is abnormal, and flags rows "
        f"whose score is above a threshold.{sealed}"
    )


def _use(facts: Mapping[str, Any]) -> str:
    what = "lumisections by their histograms" if facts.get("kind") == "dqm" else "rows of a table"
    return (
        f"To point people to unusual {what}, of the kind that it was trained on. It is made for "
        "screening: what it flags is looked at, and what it does not flag is not certified as good."
    )


def _of_the_model(facts: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    yield "steps", facts["steps"]
    features = facts.get("features")
    yield "features", "without names" if features is None else features
    for name in OF_THE_MODEL:
        if facts.get(name) is not None:
            yield name, facts[name]
    for name, value in facts.get("parameters", {}).items():
        yield f"`{name}`", value


def _origin(facts: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in facts.items():
        if name not in ELSEWHERE and name not in OF_THE_MODEL:
            yield _named(name), value


def _threshold(facts: Mapping[str, Any]) -> str:
    text = f"Rows are flagged above an anomaly score of {facts['threshold']:.6g}."
    rate, interval = facts.get("alarm_rate"), facts.get("alarm_rate_interval")
    if rate is None:
        return f"{text} {NOT_CALIBRATED}"
    text += f" It was calibrated on good rows to flag at most a share of {rate:.4g} of such rows."
    if interval is None:
        return text
    low, high = interval
    return (
        f"{text} By chance the share on endless new good rows lies between {low:.3g} and "
        f"{high:.3g} (95 %)."
    )


def _metrics(metrics: Mapping[str, Any] | None, threshold: float) -> str:
    if metrics is None:
        return ""
    header = "figure", "value", "low", "high", "meaning"
    figures = [
        (name, *(each.get(key) for key in ("estimate", "low", "high", "meaning")))
        for name, each in metrics.get("figures", {}).items()
    ]
    about = [(_named(name), value) for name, value in metrics.items() if _is_plain(name, value)]
    level = metrics.get("confidence_level", 0.95)
    note = f"Low and high bound the {100 * level:g} % confidence interval."
    if metrics.get("threshold", threshold) != threshold:
        note += (
            f" These figures belong to a threshold of {metrics['threshold']:.6g}: to another "
            "model, or to this one before an update."
        )
    return "\n\n".join([_table(("what", "value"), about), _table(header, figures), note])


def _is_plain(name: str, value: Any) -> bool:
    return name not in {"confidence_level", "threshold", "alarm_rate"} and not isinstance(
        value, Mapping
    )


def _history(facts: Mapping[str, Any]) -> str:
    parts = [_records(facts.get("updates", ())) or "None since it was trained."]
    if "status" in facts:
        parts.append(
            f"It follows a stream: {facts['rows_seen']:,} rows seen, the latest block was found "
            f'to be "{facts["status"]}". Version {facts["version"]} is in force; kept are '
            f"{_cell(facts['versions_kept'])}."
        )
        for name in ("experts", "tickets"):
            parts += [f"{name.capitalize()}:", _records(facts[name]) or "none."]
    return "\n\n".join(parts)


def _dated(versions: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return versions with their time in words."""
    return [
        {**each, "time": f"{datetime.fromtimestamp(each['time'], UTC):%Y-%m-%d %H:%M:%S} UTC"}
        for each in versions
    ]


def _limits(facts: Mapping[str, Any]) -> str:
    promise = NOT_CALIBRATED if facts.get("alarm_rate") is None else CALIBRATED
    return f"* {promise}\n{LIMITS}"


def _records(records: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of dicts, which need not have the same keys."""
    names = list(dict.fromkeys(name for record in records for name in record))
    rows = [[record.get(name, "") for name in names] for record in records]
    return _table([_named(name) for name in names], rows)


def _named(name: str) -> str:
    return IN_WORDS.get(name, name.replace("_", " "))


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    lines = [_line(row) for row in rows]
    return "\n".join([_line(header), _line(["---"] * len(header)), *lines]) if lines else ""


def _line(cells: Iterable[Any]) -> str:
    return f"| {' | '.join(map(_cell, cells))} |"


def _cell(value: Any) -> str:
    """Return a JSON value in words, which cannot leave its cell."""
    text = " ".join(_text(value).split())
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")


def _text(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_named(name)}: {_text(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        more = f", ... ({len(value):,} in all)" if len(value) > MOST_ITEMS else ""
        return ", ".join(map(_text, value[:MOST_ITEMS])) + more or "none"
    return str(value)
