"""``skdqm dqm report``: histograms to a page for the shift crew."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from skdqm.cli._dqm_data import Source, count_of, runs_in_words
from skdqm.cli._dqm_follow import NONE, Follow
from skdqm.cli._dqm_judge import judgements
from skdqm.cli._dqm_model import DqmModel
from skdqm.cli._dqm_options import (
    FirstOption,
    FollowOption,
    HistogramsArgument,
    ModelOption,
    RunOption,
    RunsOption,
    check_outputs,
)
from skdqm.cli._options import QuietOption
from skdqm.cli._terminal import messages
from skdqm.exceptions import DataError

if TYPE_CHECKING:
    import pandas as pd

    from skdqm.io import LumisectionRanges

RECORDED = "recorded"


def report(
    histograms: HistogramsArgument,
    model: ModelOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PAGE", help="The .html file to write.")
    ],
    *,
    golden: Annotated[
        Path | None,
        typer.Option(
            metavar="GOLDEN.json",
            help="The good lumisections. [default: those with the verdict good]",
        ),
    ] = None,
    luminosity: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV or Parquet with columns run, lumisection and recorded: what is lost.",
        ),
    ] = None,
    unit: Annotated[str, typer.Option(help="Unit of the luminosity, such as /pb.")] = "",
    title: Annotated[str, typer.Option(help="Heading of the page.")] = "Data quality report",
    worst: Annotated[int, typer.Option(min=0, help="Number of histograms to draw.")] = 10,
    follow: FollowOption = NONE,
    runs: RunsOption = None,
    run: RunOption = None,
    first_lumisection: FirstOption = None,
    quiet: QuietOption = False,
) -> None:
    """Judge HISTOGRAMS and write one page that says what was flagged, where and why."""
    import pandas as pd

    from skdqm.io import read_golden_json
    from skdqm.report import shifter_report
    from skdqm.report._explain import findings

    say = messages(quiet=quiet)
    given = [path for path in (golden, luminosity, Path(follow)) if path is not None]
    check_outputs([(output, (".html", ".htm"))], [*histograms, model, *given])
    opened = DqmModel.open(model)
    good = None if golden is None else read_golden_json(golden)
    recorded = None if luminosity is None else read_luminosity(luminosity)
    following = Follow(opened, follow)
    source = Source(histograms, runs, run, first_lumisection)
    data = opened.read(source)
    tables, found = [], []
    for judged in judgements(opened, data, following, say):
        tables.append(judged.verdicts)
        found += [each for _, each in findings(judged, judged.worst_of_ranges(), data.edges)]
    verdicts = pd.concat(tables)
    shifter_report(
        verdicts,
        output,
        findings=found,
        title=title,
        about=_about(opened, source, verdicts, following),
        golden=good,
        luminosity=None if recorded is None else _lost(recorded, verdicts, good),
        luminosity_unit=unit,
        n_worst=worst,
    )
    say.print(f"wrote {output}")


def _about(
    model: DqmModel, source: Source, verdicts: "pd.DataFrame", follow: Follow
) -> dict[str, str]:
    runs = [int(run) for run in verdicts.index.unique("run")]
    first, last = model.metadata["learned_runs"]
    rate = model.detector.alarm_rate_
    about = {
        "Data": f"{', '.join(path.name for path in source.paths)}: {runs_in_words(runs)}",
        "Model": f"{model.path.name}: {model.metadata['options']['detector']}, "
        f"{count_of(len(model.elements), 'monitoring element')}, "
        f"learned from runs {first} to {last}",
        "Promised false alarms": f"{rate:.3g} of the good lumisections",
    }
    if follow.what != NONE:
        how = "accepted by the model" if follow.golden is None else f"good by {follow.what}"
        about["Following"] = f"learned after each run: lumisections {how}"
    return about


def _lost(
    recorded: "pd.Series", verdicts: "pd.DataFrame", golden: "LumisectionRanges | None"
) -> "pd.DataFrame":
    """Add up what is lost in the runs that were judged."""
    from skdqm.io import LumisectionRanges, lost_luminosity

    judged = verdicts["verdict"]
    good = LumisectionRanges.from_verdicts(judged) if golden is None else golden
    runs = recorded.index.get_level_values("run")
    values = recorded[runs.isin(judged.index.unique("run"))]
    if values.empty:
        raise DataError(
            f"the luminosity is of {runs_in_words([int(run) for run in runs.unique()])}, and none "
            "of them was judged; expected that of the lumisections of the histograms"
        )
    return lost_luminosity(good, values, verdicts=judged)


def read_luminosity(path: Path) -> "pd.Series":
    """Read the recorded luminosity of lumisections."""
    import pandas as pd

    from skdqm._lumisections import lumisection_index
    from skdqm.io import read

    rows = read(path, columns=["run", "lumisection", RECORDED], label=None).X
    keys = rows[["run", "lumisection"]].to_numpy()
    if (keys != keys.round()).any():
        raise DataError(f"{path}: run and lumisection must be whole numbers")
    index = lumisection_index(*keys.T)
    if not index.is_unique:
        run, lumisection = index[index.duplicated()][0]
        raise DataError(f"{path}: lumisection {lumisection} of run {run} occurs twice")
    return pd.Series(rows[RECORDED].to_numpy(), index, name=RECORDED)
