"""Which rows a histogram is compared with: all, the latest, the last run, or the nearest runs."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skdqm._lumisections import cut_at_runs
from skdqm.detectors._template import NOTHING_FILLED, Template
from skdqm.exceptions import DataError

Floats = NDArray[np.float64]
# Bins that hold a smaller share of the fullest one say little of which runs are near.
RAREST = 1e-3


class Settings(NamedTuple):
    """What references need to know."""

    counted: bool  # whether rows hold counts, which fluctuate by themselves
    window: int  # rows that a rolling reference keeps
    half_life: float | None  # rows after which one counts half
    n_runs: int  # runs that are near
    max_runs: int  # runs that are kept


class Block(NamedTuple):
    """Rows to learn from, in the order of time."""

    rows: Floats
    exposures: Floats
    runs: NDArray[Any]

    def by_run(self) -> "list[tuple[int, Block]]":
        """Cut at the runs, the earliest first."""
        runs = _whole_numbers(self.runs)
        return [
            (int(runs[here[0]]), Block(self.rows[here], self.exposures[here], runs[here]))
            for here in cut_at_runs(runs, np.argsort(runs, kind="stable"))
        ]

    def template(self, settings: Settings) -> Template | None:
        """Learn a template, None if nothing was filled."""
        filled = self.exposures > 0
        if not filled.any():
            return None
        return Template.of(self.rows[filled], self.exposures[filled], counted=settings.counted)


class Reference(ABC):
    """What was learned, and what follows for other rows. It is replaced, never changed."""

    @abstractmethod
    def learned(self, block: Block, settings: Settings) -> "Reference":
        """Return the reference after more rows."""

    @abstractmethod
    def is_known(self) -> bool:
        """Tell whether anything was learned."""

    @abstractmethod
    def expectation(self, rows: Floats, exposures: Floats, settings: Settings) -> Template:
        """Return what is expected: one template, or one for each row."""

    @abstractmethod
    def as_state(self) -> dict[str, Any]:
        """Return plain data."""

    @classmethod
    @abstractmethod
    def from_state(cls, state: dict[str, Any]) -> "Reference":
        """Return what :meth:`as_state` described."""


@dataclass(frozen=True)
class Pooled(Reference):
    """All rows ever learned, old ones counting less if they have a half-life."""

    template: Template | None = None

    def learned(self, block: Block, settings: Settings) -> "Pooled":
        """Pool the rows with those before."""
        new = block.template(settings)
        if new is None or self.template is None:
            return Pooled(new or self.template)
        life = settings.half_life
        return Pooled(
            self.template.merged(new, 1.0 if life is None else 0.5 ** (new.n_rows / life))
        )

    def is_known(self) -> bool:
        """Tell whether anything was learned."""
        return self.template is not None

    def expectation(self, rows: Floats, exposures: Floats, settings: Settings) -> Template:
        """Return the one template."""
        del rows, exposures, settings
        return _known(self.template)

    def as_state(self) -> dict[str, Any]:
        """Return the template as plain data."""
        return {"template": _state_of(self.template)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Pooled":
        """Return the reference of a state."""
        return cls(_template_of(state["template"]))


@dataclass(frozen=True)
class Rolling(Reference):
    """The latest rows."""

    rows: Floats = field(default_factory=lambda: np.empty((0, 0)))
    exposures: Floats = field(default_factory=lambda: np.empty(0))
    template: Template | None = None

    def learned(self, block: Block, settings: Settings) -> "Rolling":
        """Let the oldest rows go."""
        filled = block.exposures > 0
        rows, exposures = block.rows[filled], block.exposures[filled]
        if len(self.exposures):
            rows = np.concatenate([self.rows, rows])
            exposures = np.concatenate([self.exposures, exposures])
        latest = Block(rows[-settings.window :], exposures[-settings.window :], np.empty(0))
        return Rolling(latest.rows, latest.exposures, latest.template(settings))

    def is_known(self) -> bool:
        """Tell whether anything was learned."""
        return self.template is not None

    def expectation(self, rows: Floats, exposures: Floats, settings: Settings) -> Template:
        """Return the template of the rows that are kept."""
        del rows, exposures, settings
        return _known(self.template)

    def as_state(self) -> dict[str, Any]:
        """Return rows and template as plain data."""
        return {
            "rows": self.rows,
            "exposures": self.exposures,
            "template": _state_of(self.template),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Rolling":
        """Return the reference of a state."""
        return cls(state["rows"], state["exposures"], _template_of(state["template"]))


@dataclass(frozen=True)
class LastRun(Reference):
    """The last run learned, and how much runs in a row usually differ."""

    run: int | None = None
    template: Template | None = None
    # The mean squared step of each rate from one run to the next, and the number of steps.
    step: Floats | None = None
    n_steps: int = 0

    def learned(self, block: Block, settings: Settings) -> "LastRun":
        """Replace the reference by a new run, or go on with the same."""
        reference = self
        for run, part in block.by_run():
            new = part.template(settings)
            if new is not None:
                reference = reference._after(run, new)
        return reference

    def _after(self, run: int, new: Template) -> "LastRun":
        if self.template is None or self.run is None:
            return LastRun(run, new)
        if run < self.run:  # certified late: the reference does not go back
            return self
        if run == self.run:
            return LastRun(run, self.template.merged(new), self.step, self.n_steps)
        by_chance = self.template.uncertainty() + new.uncertainty()
        step = np.square(new.rate - self.template.rate) - by_chance
        before = np.zeros_like(step) if self.step is None else self.step
        n = self.n_steps + 1
        return LastRun(run, new, before + (step - before) / n, n)

    def is_known(self) -> bool:
        """Tell whether anything was learned."""
        return self.template is not None

    def expectation(self, rows: Floats, exposures: Floats, settings: Settings) -> Template:
        """Return the template of the last run, with the freedom of a step to the next."""
        del rows, exposures, settings
        template = _known(self.template)
        return template if self.step is None else template.widened(np.maximum(self.step, 0.0))

    def as_state(self) -> dict[str, Any]:
        """Return run, template and steps as plain data."""
        return {**vars(self), "template": _state_of(self.template)}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "LastRun":
        """Return the reference of a state."""
        return cls(**{**state, "template": _template_of(state["template"])})


@dataclass(frozen=True)
class NearestRuns(Reference):
    """Of each run a template; a row is compared with those runs that it is nearest to."""

    runs: list[int] = field(default_factory=list)
    templates: list[Template] = field(default_factory=list)

    def learned(self, block: Block, settings: Settings) -> "NearestRuns":
        """Add runs, or go on with those that are known; the first ones go when there are many."""
        known = dict(zip(self.runs, self.templates, strict=True))
        for run, part in block.by_run():
            new = part.template(settings)
            if new is not None:
                # Put last again: of too many, those go that were learned longest ago.
                before = known.pop(run, None)
                known[run] = new if before is None else before.merged(new)
        kept = list(known.items())[-settings.max_runs :]
        return NearestRuns([run for run, _ in kept], [template for _, template in kept])

    def is_known(self) -> bool:
        """Tell whether anything was learned."""
        return bool(self.templates)

    def expectation(self, rows: Floats, exposures: Floats, settings: Settings) -> Template:
        """Return for each row the pooled templates of the runs it is nearest to."""
        _known(self.templates[0] if self.templates else None)
        rates = np.array([template.rate for template in self.templates])
        spreads = np.array([template.spread for template in self.templates])
        weights = np.array([template.exposure for template in self.templates])
        n_rows = np.array([template.n_rows for template in self.templates])
        nearest = _nearest(rows, exposures, rates, settings.n_runs)
        some = weights[nearest]
        share = (some / some.sum(axis=1, keepdims=True))[:, :, None]
        rate = np.add.reduce(share * rates[nearest], axis=1)
        apart = np.square(rates[nearest] - rate[:, None, :])
        spread = np.add.reduce(share * (spreads[nearest] + apart), axis=1)
        dispersions = np.array([template.dispersion for template in self.templates])[nearest]
        dispersion = np.add.reduce(share * dispersions, axis=1)
        exposure, known = some.sum(axis=1)[:, None], n_rows[nearest].sum(axis=1)[:, None]
        return Template(rate, spread, dispersion, exposure, known)

    def as_state(self) -> dict[str, Any]:
        """Return runs and templates as plain data."""
        return {"runs": self.runs, "templates": [each.as_state() for each in self.templates]}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "NearestRuns":
        """Return the reference of a state."""
        return cls(list(state["runs"]), [Template(**each) for each in state["templates"]])


REFERENCES: dict[str, type[Reference]] = {
    "fit": Pooled,
    "rolling": Rolling,
    "last-good-run": LastRun,
    "k-nearest-runs": NearestRuns,
}


def _nearest(rows: Floats, exposures: Floats, rates: Floats, n_runs: int) -> NDArray[np.intp]:
    """Return the numbers of the runs that each row is nearest to, by chi-squared."""
    typical = np.abs(rates).mean(axis=0)
    scale = 1 / np.sqrt(np.maximum(typical, RAREST * typical.max()))
    shapes = rows / np.where(exposures > 0, exposures, 1.0)[:, None] * scale
    distances = np.stack(
        [np.add.reduce(np.square(shapes - run * scale), axis=1) for run in rates], axis=1
    )
    return np.argsort(distances, axis=1, kind="stable")[:, :n_runs]


def _whole_numbers(runs: NDArray[Any]) -> NDArray[Any]:
    if runs.dtype.kind not in "iu":
        raise DataError(
            f"runs must be whole numbers, found {runs.dtype} such as {runs[0]!r}; give their "
            "numbers in the index level 'run'"
        )
    return runs


def _known(template: Template | None) -> Template:
    if template is None:
        raise DataError(NOTHING_FILLED)
    return template


def _state_of(template: Template | None) -> dict[str, Any] | None:
    return None if template is None else template.as_state()


def _template_of(state: dict[str, Any] | None) -> Template | None:
    return None if state is None else Template(**state)
