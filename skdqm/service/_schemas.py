"""What goes in and out, for the description of the interface."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from skdqm.service._rows import LARGEST
from skdqm.service._settings import MODEL_NAME

# Data bases take no NUL.
TEXT = r"^[^\x00]*$"

Comment = Annotated[str, StringConstraints(max_length=1000, pattern=TEXT)]
Name = Annotated[str, StringConstraints(pattern=f"^{MODEL_NAME}$")]
Culprit = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=TEXT)]
Identifier = Annotated[int, Field(ge=1, le=LARGEST)]


class Body(BaseModel):
    """A body of JSON, without anything else in it."""

    model_config = ConfigDict(extra="forbid", strict=True)


class CommentBody(Body):
    """Why something is done."""

    comment: Comment = ""


class ThresholdBody(Body):
    """Where a threshold is to be: by an alarm rate, or by a score."""

    alarm_rate: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] | None = None
    threshold: Annotated[float, Field(allow_inf_nan=False)] | None = None
    comment: Comment = ""

    @model_validator(mode="after")
    def _one_of_them(self) -> "ThresholdBody":
        if (self.alarm_rate is None) == (self.threshold is None):
            raise ValueError("expected either alarm_rate or threshold")
        return self

    def asked(self) -> dict[str, float]:
        """Return the one that is given, by its name."""
        both = {"alarm_rate": self.alarm_rate, "threshold": self.threshold}
        return {name: value for name, value in both.items() if value is not None}


class RollbackBody(Body):
    """Which version is to judge again."""

    version: Identifier
    comment: Comment = ""


class MaskBody(Body):
    """What no longer rings."""

    model: Name
    culprit: Culprit
    comment: Comment = ""


class Health(BaseModel):
    """How the service is."""

    status: str


class ModelFacts(BaseModel):
    """What a model takes and promises."""

    name: str
    kind: Literal["events", "lumisections"]
    detector: str
    version: int
    is_default: bool
    features: list[str] | None
    n_features: int
    elements: dict[str, list[int]] | None
    threshold: float
    alarm_rate: float | None
    can_update: bool


class ModelVersion(BaseModel):
    """How a version came to be."""

    version: int
    time: float
    actor: str
    action: str
    threshold: float | None


class ModelDetails(ModelFacts):
    """The same, and its versions."""

    versions: list[ModelVersion]


class VerdictOut(BaseModel):
    """The verdict on one row."""

    anomaly_score: float | None
    verdict: Literal[1, -1, 0]
    is_anomaly: bool
    p_value: float | None
    threshold: float | None
    culprit: str | None
    reason: str | None


class ScoreOut(BaseModel):
    """The verdicts on the rows of a request, in their order."""

    model: str
    version: int
    first_id: int
    verdicts: list[VerdictOut]


class SingleScore(BaseModel):
    """The verdict on one event."""

    anomaly_score: float | None
    is_anomaly: bool


class Changed(BaseModel):
    """The version that judges now."""

    model: str
    version: int
    threshold: float


class Acknowledgement(BaseModel):
    """Who has seen an alarm."""

    by: str
    at: float
    comment: str


class Alarm(BaseModel):
    """Flagged rows that belong together."""

    id: int
    model: str
    run: int | None
    first_lumisection: int | None
    last_lumisection: int | None
    first_time: float
    last_time: float
    n_flagged: int
    score: float
    threshold: float | None
    p_value: float | None
    culprit: str
    reason: str
    acknowledged: Acknowledgement | None
    masked: bool


class Picture(BaseModel):
    """A picture as an address that holds it."""

    title: str
    source: str


class Share(BaseModel):
    """A feature and its share in what made an event abnormal."""

    name: str
    value: float
    share: float


class Evidence(BaseModel):
    """What an alarm is about."""

    pictures: list[Picture]
    features: list[Share]


class Removed(BaseModel):
    """Who has taken a mask away."""

    by: str
    at: float


class Mask(BaseModel):
    """What does not ring."""

    id: int
    model: str
    culprit: str
    comment: str
    by: str
    at: float
    removed: Removed | None


class AuditEntry(BaseModel):
    """Who did what."""

    id: int
    time: float
    actor: str
    action: str
    model: str | None
    version: int | None
    detail: dict[str, Any]


class StoredVerdict(BaseModel):
    """A verdict as it is kept."""

    id: int
    time: float
    model: str
    version: int
    run: int | None
    lumisection: int | None
    anomaly_score: float | None
    p_value: float | None
    threshold: float | None
    verdict: Literal[1, -1, 0]
