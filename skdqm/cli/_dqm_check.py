"""``skdqm dqm check``: histograms to a verdict on each lumisection."""

from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from skdqm.cli._dqm_data import Data, Source, count_of
from skdqm.cli._dqm_follow import NONE, Follow
from skdqm.cli._dqm_judge import BAD, GOOD, NOT_ENOUGH_DATA, judgements
from skdqm.cli._dqm_model import DqmModel
from skdqm.cli._dqm_options import (
    GOLDEN_SUFFIXES,
    VERDICT_SUFFIXES,
    FirstOption,
    FollowOption,
    HistogramsArgument,
    ModelOption,
    RunOption,
    RunsOption,
    check_outputs,
)
from skdqm.cli._options import QuietOption
from skdqm.cli._score import ANOMALIES_FOUND, STANDARD_OUTPUT, write
from skdqm.cli._terminal import messages
from skdqm.exceptions import UsageError

if TYPE_CHECKING:
    import pandas as pd

    from skdqm.io import LumisectionRanges

WORDS = {GOOD: "good", BAD: "bad", NOT_ENOUGH_DATA: "not enough data"}
# Alarms that a message lists.
MOST_ALARMS = 20


def check(
    histograms: HistogramsArgument,
    model: ModelOption,
    *,
    output: Annotated[
        Path,
        typer.Option("--output", "-o", help="A .csv, .csv.gz or .parquet file; - prints CSV."),
    ] = STANDARD_OUTPUT,
    golden: Annotated[
        Path | None,
        typer.Option(metavar="OUT.json", help="Also write the good lumisections."),
    ] = None,
    dcs: Annotated[
        Path | None,
        typer.Option(metavar="DCS.json", help="Of these, keep in --golden what this one lists."),
    ] = None,
    follow: FollowOption = NONE,
    update: Annotated[
        Path | None,
        typer.Option(metavar="NEWMODEL", help="Write the model as it is after the last run."),
    ] = None,
    raise_after: Annotated[
        int, typer.Option(min=1, help="Bad lumisections in a row that raise an alarm.")
    ] = 1,
    clear_after: Annotated[
        int, typer.Option(min=1, help="Good lumisections in a row that clear it.")
    ] = 1,
    fail_on_anomaly: Annotated[
        bool, typer.Option("--fail-on-anomaly", help="Exit with 1 when there is an alarm.")
    ] = False,
    runs: RunsOption = None,
    run: RunOption = None,
    first_lumisection: FirstOption = None,
    quiet: QuietOption = False,
) -> None:
    """Judge HISTOGRAMS: each lumisection is good, bad or has not enough data, and why.

    With --follow, each run is judged by a model that has learned earlier runs only.
    """
    say = messages(quiet=quiet)
    targets = [(golden, GOLDEN_SUFFIXES), (update, ())]
    if output != STANDARD_OUTPUT:
        targets.append((output, VERDICT_SUFFIXES))
    _check_options(dcs, golden, update, follow)
    check_outputs(targets, [*histograms, model, *_files(dcs, follow)])
    opened = DqmModel.open(model)
    bits = _read_ranges(dcs)
    following = Follow(opened, follow)
    started = perf_counter()
    data = opened.read(Source(histograms, runs, run, first_lumisection))
    verdicts = _judged(opened, data, following, say)
    alarms = _alarms(verdicts, raise_after, clear_after)
    good = _good(verdicts, bits) if golden is not None else None
    write([_table(verdicts)], output)
    if good is not None and golden is not None:
        _write_golden(good, golden)
    if update is not None:
        opened.save(update, following.step([path.name for path in histograms]))
    _say_summary(verdicts, following, perf_counter() - started, say)
    _say_alarms(alarms, say)
    if fail_on_anomaly and len(alarms):
        raise typer.Exit(ANOMALIES_FOUND)


def _check_options(dcs: Path | None, golden: Path | None, update: Path | None, follow: str) -> None:
    if dcs is not None and golden is None:
        raise UsageError("--dcs says what to keep in the golden JSON; name that with --golden")
    if update is not None and follow == NONE:
        raise UsageError("--update writes what --follow has learned; choose what with --follow")


def _files(dcs: Path | None, follow: str) -> list[Path]:
    return [path for path in (dcs, Path(follow)) if path is not None]


def _read_ranges(path: Path | None) -> "LumisectionRanges | None":
    from skdqm.io import read_golden_json

    return None if path is None else read_golden_json(path)


def _judged(model: DqmModel, data: Data, follow: Follow, say: Console) -> "pd.DataFrame":
    import pandas as pd

    from skdqm.report._explain import reasons

    # Some runs at a time: when they are explained, they may be learned before the next ones.
    blocks = judgements(model, data, follow, say)
    return pd.concat([each.verdicts.assign(reason=reasons(each, data.edges)) for each in blocks])


def _table(verdicts: "pd.DataFrame") -> "pd.DataFrame":
    """Return the verdicts as they are written, a row for each lumisection."""
    columns = ["verdict", "anomaly_score", "p_value", "element", "reason"]
    table = verdicts[columns].reset_index()
    table["verdict"] = table["verdict"].map(WORDS)
    return table.astype({"element": "string", "reason": "string"})


def _good(verdicts: "pd.DataFrame", bits: "LumisectionRanges | None") -> "LumisectionRanges":
    from skdqm.io import LumisectionRanges

    good = LumisectionRanges.from_verdicts(verdicts["verdict"])
    return good if bits is None else good & bits


def _write_golden(good: "LumisectionRanges", path: Path) -> None:
    from skdqm.io import write_golden_json

    write_golden_json(good, path)


def _alarms(verdicts: "pd.DataFrame", raise_after: int, clear_after: int) -> "pd.DataFrame":
    from skdqm.monitoring import find_alarms

    return find_alarms(verdicts["verdict"], raise_after=raise_after, clear_after=clear_after)


def _say_summary(verdicts: "pd.DataFrame", follow: Follow, seconds: float, say: Console) -> None:
    counts = verdicts["verdict"].value_counts()
    numbers = ", ".join(f"{counts.get(label, 0):,} {word}" for label, word in WORDS.items())
    n_runs = verdicts.index.get_level_values("run").nunique()
    say.print(
        f"judged {count_of(len(verdicts), 'lumisection')} of {count_of(n_runs, 'run')} in "
        f"{seconds:.1f} s: {numbers}"
    )
    if follow.what != NONE:
        say.print(
            f"learned {count_of(follow.n_learned, 'good lumisection')} of "
            f"{count_of(len(follow.runs), 'run')}, each when it was over"
        )


def _say_alarms(alarms: "pd.DataFrame", say: Console) -> None:
    import pandas as pd

    if not len(alarms):
        say.print("no alarm")
        return
    say.print(count_of(len(alarms), "alarm"))
    header = ("run", "first", "last", "bad", "cleared in")
    rows: list[tuple[Any, ...]] = list(alarms.head(MOST_ALARMS).itertuples(index=False))
    shown = [["-" if pd.isna(cell) else str(cell) for cell in row] for row in rows]
    for line in [header, *shown]:
        say.print("  ".join(f"{cell:>10}" for cell in line))
    if len(alarms) > MOST_ALARMS:
        say.print(f"and {len(alarms) - MOST_ALARMS:,} more")
