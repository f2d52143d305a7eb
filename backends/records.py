"""The vocabulary: one frozen model per noun of the field, used by every floor above.

Every record is a fact: it carries when it was true (`event_at`), when its source knew it (`known_at`), when it reached this
workspace (`landed_at`), where it came from and an id that makes it idempotent. A correction is a new fact with a later
`known_at` for the same `(source, kind, key)`.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from backends.feature_windows import FeatureWindows
from backends.text import Untrusted


def _aware_utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a time without a zone: write it with an offset (2013-04-26T18:00:00-04:00) or give --tz")
    return moment.astimezone(UTC)


Moment = Annotated[datetime, AfterValidator(_aware_utc)]
"""An aware time, kept in UTC."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
"""An identifier as its source writes it: raw, compared exactly, drawn only through `backends.text`."""

Digest = Annotated[str, StringConstraints(pattern=re.compile(r"^sha256:[0-9a-f]{64}$"))]
"""`sha256:` and 64 hex digits."""


class State(StrEnum):
    """The one vocabulary of verdicts. No data is never `OK`."""

    OK = "ok"
    WARNING = "warning"
    CRITICAL = "critical"
    UNKNOWN = "unknown"
    STALE = "stale"


_WORST_FIRST = (State.CRITICAL, State.WARNING, State.STALE, State.UNKNOWN, State.OK)


def worst(states: list[State]) -> State:
    """The state a parent shows: the worst child, and `ok` only when every child was measured. No children: `unknown`."""
    return next((state for state in _WORST_FIRST if state in states), State.UNKNOWN)


def severity_rank(state: State) -> int:
    """0 for the worst: the order in which a list shows states."""
    return _WORST_FIRST.index(state)


class Layer(StrEnum):
    """The four layers of health, in causal order."""

    SYSTEM = "system"
    DATA = "data"
    MODEL = "model"
    BUSINESS = "business"


class Stage(StrEnum):
    """Registry stages of a version."""

    NONE = "none"
    STAGING = "staging"
    PRODUCTION = "production"
    ARCHIVED = "archived"


class PipelineStage(StrEnum):
    """The eleven stages of the reference architecture, in order."""

    SOURCES = "sources"
    INGESTION = "ingestion"
    VALIDATION = "validation"
    FEATURES = "features"
    TRAINING = "training"
    TRACKING = "tracking"
    REGISTRY = "registry"
    DEPLOYMENT = "deployment"
    MONITORING = "monitoring"
    FEEDBACK = "feedback"
    RETRAINING = "retraining"


class SwitchState(StrEnum):
    """States of a kill switch, safer downwards; `unknown` when no backend confirmed one."""

    NORMAL = "normal"
    DEGRADED = "degraded"
    FALLBACK = "fallback"
    KILLED = "killed"
    UNKNOWN = "unknown"


SAFETY_ORDER = (SwitchState.NORMAL, SwitchState.DEGRADED, SwitchState.FALLBACK, SwitchState.KILLED)


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="null")


class Ref(_Frozen):
    """What another system calls a thing; names of several systems are joined by `[models.X.bind]` in workspace.toml."""

    source: Name
    native_id: Name


class Fact(_Frozen):
    """What every record carries."""

    environment: Name = "production"
    source: Name = "local"
    event_at: Moment
    known_at: Moment
    fact_id: str = ""
    """The producer's own key; empty: the digest of the content (see `identified`)."""
    ref: Ref | None = None
    simulated: bool = False
    """True for anything invented (a price, a request rate): every screen that shows it says so."""


DataClass = Literal["public", "internal", "confidential", "personal", "sensitive"]
"""Of what kind data is, the most open first."""


class Column(_Frozen):
    """One input or output of a model or dataset."""

    name: Name
    kind: Literal["numeric", "categorical", "boolean", "timestamp", "text"]
    unit: Untrusted | None = None
    nullable: bool = True
    minimum: float | None = None
    maximum: float | None = None
    allowed: tuple[str, ...] | None = None
    max_null_share: float | None = Field(default=None, ge=0, le=1)
    calendar: bool = False
    """True for a column that follows the calendar: compared with equal weekdays only."""


class Reader(_Frozen):
    """Somebody or something that consumes a model's output: the blast radius."""

    name: Name
    how: Untrusted


class Harm(_Frozen):
    """Which error of a model hurts somebody, how often it may happen, and between whom it may not fall unequally."""

    error: Literal["false negative", "false positive"]
    """At the model's threshold: not flagged though it came true, or flagged though it did not."""
    about: Untrusted = Untrusted("")
    """What it does to whom."""
    limit: float = Field(gt=0, lt=1)
    """The largest share of those on whom it can happen (positives, or negatives) that may meet it."""
    cost: float | None = Field(default=None, ge=0)
    """Of one such error, in whatever unit the organisation counts."""
    group: Name | None = None
    """The input whose values are the groups to protect."""
    group_limit: float | None = Field(default=None, gt=0, lt=1)
    """How much larger that share may be in one group than in another."""

    @model_validator(mode="after")
    def _group_with_its_limit(self) -> Harm:
        if (self.group is None) != (self.group_limit is None):
            raise ValueError("group and group_limit go together")
        return self


class Model(Fact):
    """A model: the system of record's view of it."""

    kind: Literal["model"] = "model"
    name: Name
    owner: Name | None = None
    task: Literal["binary", "regression"]
    description: Untrusted = Untrusted("")
    target: Untrusted = Untrusted("")
    """What a label of 1 (or the number) means."""
    threshold: float | None = None
    zone: Name = "UTC"
    """IANA zone in which this model's days and seasons are counted."""
    fallback: Untrusted | None = None
    """The declared safe default, in words."""
    readers: tuple[Reader, ...] = ()
    label_delay_hours: float | None = None
    slices: tuple[Name, ...] = ()
    primary_metric: Name | None = None
    """The number of an evaluation that decides, by its name there."""
    stands_for: Untrusted | None = None
    """What of the business the primary metric stands for, in words or as the name of a landed metric."""
    intended_use: Untrusted = Untrusted("")
    """What it is for: the decisions that its scores may serve."""
    out_of_scope: Untrusted = Untrusted("")
    """What it must not be used for."""
    limitations: Untrusted = Untrusted("")
    """Where it is known to be weak, whichever version serves."""
    contacts: tuple[Untrusted, ...] = ()
    """Whom to ask, and how they are reached."""
    harm: Harm | None = None
    """The error that hurts; None: none is declared, and none is counted as harm."""


class Signature(_Frozen):
    """Inputs and outputs of a version."""

    inputs: tuple[Column, ...]
    outputs: tuple[Column, ...] = ()


class ModelVersion(Fact):
    """One version of a model and everything needed to reproduce it."""

    kind: Literal["version"] = "version"
    model: Name
    version: Name
    stage: Stage = Stage.NONE
    run: Name | None = None
    artifact_digest: Digest | None = None
    artifact_path: str | None = None
    signature: Signature | None = None
    runtime: dict[str, str] = Field(default_factory=dict)
    environment_digest: Digest | None = None
    code_commit: str | None = None
    policy_digest: Digest | None = None
    description: Untrusted = Untrusted("")
    limitations: Untrusted = Untrusted("")
    """What is known to be weak in this version, beyond what is said of the model."""
    importance: dict[str, float] = Field(default_factory=dict)
    """Loss in AUC (binary) or gain in MAE (regression) when a column is shuffled."""


class Dataset(Fact):
    """A snapshot of data."""

    kind: Literal["dataset"] = "dataset"
    name: Name
    snapshot: Digest
    rows: int = Field(ge=0)
    columns: tuple[Column, ...] = ()
    covers_from: date | None = None
    covers_to: date | None = None
    sources: tuple[Name, ...] = ()
    as_of: Moment | None = None
    """As of when it was built: nothing that was known only later went into it."""
    as_of_key: Name | None = None
    """The column with the time that the features of a row were taken at: none of them may be younger."""
    description: Untrusted = Untrusted("")
    owner: Name | None = None
    purpose: Untrusted = Untrusted("")
    """Why it was made, and what it is fit for."""
    collection: Untrusted = Untrusted("")
    """How its rows came about: who observed what, how they were chosen, what was left out."""
    limitations: Untrusted = Untrusted("")
    """What it does not hold, or holds wrongly, and what it must not be used for."""
    license: Untrusted = Untrusted("")
    """Under which terms it may be used."""
    personal_data: Untrusted = Untrusted("")
    """What it says of people, and on which ground; `none` where it says nothing."""
    data_class: DataClass | None = None


class FeatureSet(Fact):
    """A named set of features and the digest of the code that computes it."""

    kind: Literal["features"] = "features"
    name: Name
    version: Name
    definition_digest: Digest
    columns: tuple[Name, ...]
    available_after: dict[Name, Annotated[float, Field(ge=0, allow_inf_nan=False)]] = Field(default_factory=dict)
    """Hours from the event until a column is known where the model is asked, 0: at prediction time. Of a column not named nobody said."""
    windows: dict[Name, FeatureWindows] = Field(default_factory=dict)
    """Of columns that are computed over a window of time: the window in training, and where the model is asked."""


class Run(Fact):
    """A training run."""

    kind: Literal["run"] = "run"
    name: Name
    model: Name
    status: Literal["running", "succeeded", "failed", "cancelled"]
    trigger: Untrusted = Untrusted("")
    params: dict[str, str | int | float | bool | None] = Field(default_factory=dict)
    metrics: dict[str, float | None] = Field(default_factory=dict)
    inputs: tuple[Name, ...] = ()
    """Datasets, as `name`."""
    features: Name | None = None
    outputs: tuple[Name, ...] = ()
    """Versions, as `model@version`."""
    started_at: Moment
    started_by: Name | None = None
    """The person or the schedule that started it: who trained what came out of it."""
    request: Name | None = None
    """Key of the request in `pipelines.json` that it answers; None: nobody asked for it there."""
    ended_at: Moment | None = None
    phases: dict[str, float] = Field(default_factory=dict)
    """Seconds per phase: preprocess, train, evaluate, package."""


class Evaluation(Fact):
    """A report on one version over one period; approvals are bound to its digest."""

    kind: Literal["evaluation"] = "evaluation"
    name: Name
    model: Name
    version: Name
    dataset: Name | None = None
    covers_from: Moment
    covers_to: Moment
    rows: int
    labelled: int
    metrics: dict[str, float | None]
    by_slice: dict[str, dict[str, float | None]] = Field(default_factory=dict)
    costs: dict[Name, float] = Field(default_factory=dict)
    """What answering or training took, by name with the unit in it: `usd_per_1000`, `cpu_ms`, `memory_mib`."""


class Pipeline(Fact):
    """A scheduled pipeline."""

    kind: Literal["pipeline"] = "pipeline"
    name: Name
    model: Name | None = None
    stage: PipelineStage
    schedule: str | None = None


class PipelineRun(Fact):
    """One run of one stage of a pipeline."""

    kind: Literal["pipeline_run"] = "pipeline_run"
    name: Name
    pipeline: Name
    stage: PipelineStage
    status: Literal["running", "succeeded", "failed", "cancelled", "skipped"]
    started_at: Moment
    ended_at: Moment | None = None
    rows: int | None = None
    message: Untrusted = Untrusted("")
    request: Name | None = None
    """Key of the request in `pipelines.json` that it answers; None: nobody asked for it there."""


class Deployment(Fact):
    """Where a model serves, how, and with what share of the traffic per version."""

    kind: Literal["deployment"] = "deployment"
    name: Name
    model: Name
    mode: Literal["real-time", "batch"]
    strategy: Literal["direct", "canary", "shadow", "blue-green", "ab"] = "direct"
    traffic: dict[str, float]
    """Share of the traffic per version, 0 to 1."""
    features_digest: Digest | None = None
    """Of the code that computes the features where the model is asked; that of its training is the definition of its features."""


class Event(Fact):
    """Something that changed: a deploy, a schema change, a new category, a flag flip, a campaign."""

    kind: Literal["event"] = "event"
    name: Name
    model: Name | None = None
    topic: Literal["deploy", "alias", "switch", "data", "schema", "upstream", "flag", "campaign", "alert", "incident", "run", "other"]
    message: Untrusted
    actor: Name | None = None


class MetricPoint(Fact):
    """One number of one layer at one time."""

    kind: Literal["metric"] = "metric"
    model: Name | None = None
    version: Name | None = None
    layer: Layer
    name: Name
    value: float | None
    unit: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    n: int | None = None


Record = Annotated[
    Model | ModelVersion | Dataset | FeatureSet | Run | Evaluation | Pipeline | PipelineRun | Deployment | Event,
    Field(discriminator="kind"),
]
"""Anything that `ingest records` takes; metrics, predictions and labels have tables of their own."""


class Alert(_Frozen):
    """A rule that is firing, or was."""

    id: Name
    rule: Name
    model: Name
    environment: Name
    layer: Layer
    state: State
    opened_at: Moment
    closed_at: Moment | None = None
    value: float | None = None
    limit: float | None = None
    n: int | None = None
    message: Untrusted
    playbook: Name | None = None
    incident: Name | None = None


class Onset(_Frozen):
    """When the trouble behind an incident began, as it was seen when the incident was opened."""

    layer: Layer
    at: Moment
    signal: Name


class Incident(_Frozen):
    """Something that a person must end."""

    id: Name
    model: Name
    environment: Name
    title: Untrusted
    state: Literal["open", "mitigated", "closed"]
    severity: State
    opened_at: Moment
    opened_by: Name
    driver: Name | None = None
    driver_since: Moment | None = None
    closed_at: Moment | None = None
    alerts: tuple[Name, ...] = ()
    playbook: Name | None = None
    run: Name | None = None
    onset: Onset | None = None
    """None where a person opened it, and in journals of before it was recorded."""


def canonical_json(value: Any) -> str:
    """One byte sequence for one value: sorted keys, no blanks, ASCII; NaN and infinities are refused.

    Raises ValueError on a float that JSON cannot carry.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest_of(value: Any) -> str:
    """`sha256:` of the canonical JSON of `value`."""
    return f"sha256:{hashlib.sha256(canonical_json(value).encode()).hexdigest()}"


def digest_of_bytes(data: bytes) -> str:
    """`sha256:` of raw bytes."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
