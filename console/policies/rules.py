"""What policy files may say: alert rules, SLOs, gates, roles, guardrails, retention. Shapes and their arithmetic, nothing read here."""

from __future__ import annotations

from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from backends.durations import Duration
from backends.records import Layer, Name, State
from console.policies.documentation import Standard
from console.policies.escalation import Escalation
from console.policies.retention import Retention
from console.policies.shapes import PolicyId, Selector, Title
from console.policies.shapes import Shape as _Frozen
from console.policies.signals import SIGNALS, is_landed, is_signal


class ContractLimit(_Frozen):
    """A limit taken from the model's own contract or record, `times` a factor; `otherwise` where the contract is silent."""

    contract: Literal["max_null_share", "label_delay_hours", "harm_limit", "harm_group_limit"]
    otherwise: float
    times: float = Field(default=1.0, gt=0)

    def resolved(self, declared: float | None) -> float:
        """The number in force for a column or model that declares `declared`."""
        return self.otherwise if declared is None else declared * self.times


Limit = float | Literal["calibrated"] | ContractLimit


class Calibration(_Frozen):
    """How a `calibrated` limit comes from the model's own past, window by window, before the window that is judged.

    Warning: the linear quantile `warning_quantile` of the past values. Critical: the most extreme past value times
    `critical_times` (divided by it where below is bad). With fewer than `least_windows` windows there is no limit: `unknown`.
    """

    windows: int = Field(default=15, ge=4, le=200)
    least_windows: int = Field(default=6, ge=3)
    warning_quantile: float = Field(default=1.0, ge=0.5, le=1.0)
    critical_times: float = Field(default=1.5, ge=1.0)


class Override(_Frozen):
    """Other limits for some models or one column."""

    models: tuple[Name, ...] = ("*",)
    column: Name | None = None
    warning: Limit | None = None
    critical: Limit | None = None


class Together(_Frozen):
    """A second landed metric that must be on one side of a number for the rule to hold."""

    signal: Name
    at_most: float | None = None
    at_least: float | None = None

    @model_validator(mode="after")
    def _one_side(self) -> Together:
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give either at_most or at_least")
        if not is_landed(self.signal):
            raise ValueError(f"{self.signal} is no landed metric; write metric.NAME")
        return self

    def holds(self, value: float | None) -> bool | None:
        """None when the second signal is not known."""
        if value is None:
            return None
        return value <= self.at_most if self.at_most is not None else value >= (self.at_least or 0.0)


class AlertRule(_Frozen):
    """When a number is worth a person."""

    id: PolicyId
    title: Title
    layer: Layer
    signal: Name
    where: Selector = Selector()
    enabled: bool = True
    window: Duration = timedelta(hours=24)
    warning: Limit | None = None
    critical: Limit | None = None
    calibration: Calibration = Calibration()
    overrides: tuple[Override, ...] = ()
    minimum_n: int = Field(default=30, ge=0)
    """Fewer rows than this: `unknown`, not ok and not an alert."""
    hold: Duration = Field(default=timedelta(0), alias="for")
    """How long the limit must be passed before the rule fires."""
    together_with: Together | None = None
    needed: bool = True
    """False: a model for which this signal was never landed is not `unknown` because of it."""
    playbook: Name
    severity: Literal["page", "ticket", "note"]
    response: Literal["log", "alert", "retrain", "roll back"] = "alert"
    """The most that follows by itself: `retrain` and `roll back` are proposed, and a person carries them out."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    @model_validator(mode="after")
    def _makes_sense(self) -> AlertRule:
        if not is_signal(self.signal):
            raise ValueError(f"there is no signal {self.signal}; metric.NAME watches a landed metric")
        if self.warning is None and self.critical is None:
            raise ValueError("a rule needs a warning or a critical limit")
        if self.together_with is not None and not is_landed(self.signal):
            raise ValueError(f"together_with holds one landed metric against another, and {self.signal} is computed")
        if isinstance(self.warning, float) and isinstance(self.critical, float):
            wrong = self.critical > self.warning if self.bad == "below" else self.critical < self.warning
            if wrong:
                raise ValueError(f"the critical limit {self.critical:g} is reached before the warning limit {self.warning:g}")
        return self

    @property
    def only_logs(self) -> bool:
        """What it sees is recorded and told to nobody: it opens no alert and turns no lamp."""
        return self.response == "log" or self.severity == "note"

    @property
    def bad(self) -> Literal["above", "below"]:
        """Which side of the limit is bad."""
        known = SIGNALS.get(self.signal)
        return known.bad if known else "above"

    def limits_for(self, model: str, column: str | None = None) -> tuple[Limit | None, Limit | None]:
        """(warning, critical) for a model and column: the last override that fits, else the rule's own."""
        warning, critical = self.warning, self.critical
        for override in self.overrides:
            if override.column in {None, column} and any(fnmatchcase(model, pattern) for pattern in override.models):
                warning = warning if override.warning is None else override.warning
                critical = critical if override.critical is None else override.critical
        return warning, critical

    def beside(self, state: State, second: float | None) -> State:
        """`state`, as far as the second metric leaves it trouble: ok where the rule does not hold, `unknown` where nobody knows."""
        if self.together_with is None or state not in {State.WARNING, State.CRITICAL}:
            return state
        holds = self.together_with.holds(second)
        if holds is None:
            return State.UNKNOWN
        return state if holds else State.OK

    def judge(self, value: float | None, n: int | None, warning: float | None, critical: float | None) -> State:
        """The verdict on one value by resolved limits: a limit is passed strictly, and nothing measured is `unknown`."""
        if value is None or (n is not None and n < self.minimum_n) or (warning is None and critical is None):
            return State.UNKNOWN
        sign = 1 if self.bad == "above" else -1
        if critical is not None and sign * (value - critical) > 0:
            return State.CRITICAL
        if warning is not None and sign * (value - warning) > 0:
            return State.WARNING
        return State.OK


class GoodEvents(_Frozen):
    """A prediction is good when every named column fits."""

    column: Name
    one_of: tuple[str, ...] | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_test(self) -> GoodEvents:
        if (self.one_of is None) == (self.at_most is None):
            raise ValueError("give either one_of or at_most")
        return self


class GoodSlices(_Frozen):
    """A slice of time is good when a signal over it stays within a limit; slices without data are left out and counted."""

    signal: Name
    at_most: float | None = None
    at_least: float | None = None
    slice: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _known(self) -> GoodSlices:
        if not is_signal(self.signal):
            raise ValueError(f"there is no signal {self.signal}")
        if (self.at_most is None) == (self.at_least is None):
            raise ValueError("give either at_most or at_least")
        return self


class BurnPair(_Frozen):
    """Alert when the burn rate is strictly above `rate` over both windows."""

    long: Duration
    short: Duration
    rate: float = Field(gt=0)
    severity: Literal["page", "ticket"]


_H = timedelta(hours=1)
DEFAULT_PAIRS = (
    BurnPair(long=_H, short=_H / 12, rate=14.4, severity="page"),
    BurnPair(long=6 * _H, short=_H / 2, rate=6, severity="page"),
    BurnPair(long=72 * _H, short=6 * _H, rate=1, severity="ticket"),
)
"""For a window of 30 days: 2 %, 5 % and 10 % of the budget. Source: the SRE workbook's multi-window, multi-burn-rate alerts."""


class Slo(_Frozen):
    """A promise: the share of good events or slices over a window."""

    id: PolicyId
    title: Title
    layer: Layer
    kind: Literal["direct", "proxy", "delayed"] = "direct"
    """`proxy`: known at once, stands for quality; `delayed`: from labels, with the time that they are complete up to."""
    where: Selector = Selector()
    objective: float = Field(gt=0, lt=1)
    window: Duration = timedelta(days=30)
    good: GoodEvents | GoodSlices
    alert_pairs: tuple[BurnPair, ...] = Field(default=DEFAULT_PAIRS, min_length=1)


FAIRNESS: Final = frozenset({"demographic_parity_difference", "demographic_parity_ratio", "equalized_odds_difference"})
"""Metrics of a gate that compare the groups of one column."""

CheckOfRun = Literal["training", "batch", "online", "leakage", "parity"]
"""What can be kept of a run: its rows held against the contract at a moment, or searched."""


class Gate(_Frozen):
    """What a candidate must show before promotion. Missing evidence fails.

    not_worse: candidate's metric against the champion's on the same rows, `margin` allowed. at_most, at_least: against `limit`.
    A metric of fairness compares the groups of the column `group` with at least `minimum_n` rows each, at the model's threshold.
    `by_slice`: for every slice with at least `minimum_n` rows. recorded_check: the newest check of that kind that was kept for the run
    which trained the candidate found nothing. documented: the candidate's model card has every field that the standards require. The rest
    are facts about the artifact and the budget.
    """

    id: PolicyId
    title: Title
    where: Selector = Selector()
    kind: Literal[
        "not_worse", "at_most", "at_least", "slo_budget", "inputs_compatible", "artifact_verified", "rollback_possible", "recorded_check",
        "documented",
    ]  # fmt: skip
    check: CheckOfRun | None = None
    """With recorded_check: a contract at one of the moments of a file, or a search for leakage or for differences of parity."""
    metric: Name | None = None
    better: Literal["higher", "lower"] | None = None
    limit: float | None = None
    margin: float = Field(default=0.0, ge=0)
    by_slice: bool = False
    group: Name | None = None
    """Column whose groups are held against each other."""
    minimum_n: int = Field(default=200, ge=1)
    waivable: bool = False
    """May an approver sign although it fails? The waiver is part of what is signed."""

    @model_validator(mode="after")
    def _complete(self) -> Gate:
        compares = self.kind in {"not_worse", "at_most", "at_least"}
        if compares and self.metric is None:
            raise ValueError(f"a gate of kind {self.kind} needs a metric")
        if self.kind == "not_worse" and self.better is None:
            raise ValueError("not_worse needs better: higher or lower")
        if self.kind in {"at_most", "at_least"} and self.limit is None:
            raise ValueError(f"a gate of kind {self.kind} needs a limit")
        if (self.group is not None) != (compares and self.metric in FAIRNESS):
            raise ValueError(f"group: COLUMN goes with the metrics {', '.join(sorted(FAIRNESS))}, and those need it")
        if self.group is not None and (self.kind == "not_worse" or self.by_slice):
            raise ValueError(f"{self.metric} is held against a limit: kind at_most or at_least, without by_slice")
        if (self.kind == "recorded_check") != (self.check is not None):
            raise ValueError("check: training, batch, online, leakage or parity goes with kind: recorded_check, and that kind needs it")
        return self


MARGIN: Final = 0.02
"""Share of the stable version's loss below which a candidate is not called worse: with rows enough any difference is beyond chance."""


class RollbackTrigger(_Frozen):
    """When to take a version out: by an alert rule that watches the model, or by what a rollout under way has shown.

    It arms, and says when it would fire; nothing is sent until a person confirms the plan that it names.
    """

    id: PolicyId
    title: Title
    where: Selector = Selector()
    enabled: bool = True
    rule: PolicyId | None = None
    """The alert rule whose window, limit, least rows and `for` say when it holds."""
    rollout: Literal["worse", "undivided"] | None = None
    """The candidate loses more than the version beside it, its 95 % interval above zero; requests are not divided as published."""
    margin: float = Field(default=MARGIN, ge=0, le=1)
    """With `rollout: worse`: how much more it must lose, as a share of the loss of the version beside it."""
    state: Literal["warning", "critical"] = "critical"
    """How bad the rule's verdict must be."""
    hold: Duration = Field(default=timedelta(0), alias="for")
    """How long the signal must not have been ok, besides what the rule itself waits for."""
    within: Duration | None = None
    """Only so long after the version took over: what breaks later is hardly its fault. None: always."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)

    @model_validator(mode="after")
    def _goes_by_one_thing(self) -> RollbackTrigger:
        if (self.rule is None) == (self.rollout is None):
            raise ValueError("give either rule or rollout")
        if self.rollout != "worse" and self.margin != MARGIN:
            raise ValueError("margin belongs to a trigger with rollout: worse")
        if self.rollout is not None and (self.hold or self.within or self.state != "critical"):
            raise ValueError("for, within and state belong to a trigger that goes by a rule")
        return self


class ApprovalRule(_Frozen):
    """Who must agree before an action, and for how long that holds."""

    action: Name
    environments: tuple[Name, ...] = ("production",)
    quorum: int = Field(default=1, ge=0, le=10)
    roles: tuple[Name, ...] = ("approver", "admin")
    different_from: tuple[Literal["requester", "trainer"], ...] = ("requester",)
    signature: Literal["none", "optional", "required"] = "none"
    """Whether votes are signed with an SSH key that `signatures` knows."""
    approve_within: Duration = timedelta(hours=24)
    execute_within: Duration = timedelta(hours=48)


class Signatures(_Frozen):
    """Whose SSH keys are whose, in OpenSSH's own formats. Paths are taken from the folder of the policies."""

    allowed_signers: Name = "allowed_signers"
    """One line a key: `ilse namespaces="quarterdeck-approval@1",valid-before="20270101" ssh-ed25519 AAAA...`."""
    revoked: Name | None = None
    """A key revocation list, or one public key a line. Named here, it must be there."""


class BreakGlass(_Frozen):
    """Acting without the approvals that an action needs, at once and with a reason; somebody else reviews it afterwards.

    Always open towards safety; `beyond_safer` opens it for more.
    """

    beyond_safer: tuple[Literal["promote", "restore"], ...] = ()
    review_within: Duration = timedelta(hours=24)


class Role(_Frozen):
    """What people may do where. `*` is every action; what it may not do wins over every other role of the same person."""

    id: PolicyId
    may: tuple[Name, ...] = ()
    may_not: tuple[Name, ...] = ()
    environments: tuple[Name, ...] = ("*",)


class Guardrail(_Frozen):
    """Data that can only tighten what a role may do. All rules that match count; of each demand the strongest wins."""

    id: PolicyId
    title: Title
    """Why: people are told it in these words."""
    where: Selector = Selector()
    actions: tuple[Name, ...] = Field(min_length=1)
    """What an action amounts to, however it is called; `kill-switch` is all four of its states, `*` everything."""
    deny: bool = False
    max_bulk: int | None = Field(default=None, ge=1)
    """At most so many models in one action."""
    within: Duration | None = None
    """With `max_bulk`: also count the models that the same person moved this long before."""
    confirm: Literal["press", "model", "environment"] = "press"
    """What is typed to go ahead: nothing, the model's name, the environment's name."""
    second_person: bool = False
    """Another person must approve. A step towards safety waits for one only where `actions` names it."""
    max_elevation: Duration | None = None
    """The longest that somebody may be elevated."""

    @model_validator(mode="before")
    @classmethod
    def _older_words(cls, raw: Any) -> Any:
        """Files written before `max_bulk` and `confirm` had these names keep their meaning."""
        if not isinstance(raw, dict):
            return raw
        taken = dict(raw)
        if "at_most_models" in taken and "max_bulk" not in taken:
            taken["max_bulk"] = taken.pop("at_most_models")
        if isinstance(taken.get("type_the_name"), bool) and "confirm" not in taken:
            taken["confirm"] = "model" if taken.pop("type_the_name") else "press"
        return taken

    @model_validator(mode="after")
    def _asks_something(self) -> Guardrail:
        if self.within is not None and self.max_bulk is None:
            raise ValueError("within counts models against max_bulk: give that too")
        demands = (self.deny, self.max_bulk, self.confirm != "press", self.second_person, self.max_elevation)
        if not any(demands):
            raise ValueError("asks for nothing: give deny, max_bulk, confirm, second_person or max_elevation")
        return self


def _roles_of_a_person(given: Any) -> Any:
    """`given` if it is a role, a list of roles, or either by environment; so that what is wrong is said once."""
    for one in given.values() if isinstance(given, dict) and given else [given]:
        listed = one if isinstance(one, list | tuple) and one else [one]
        if not all(isinstance(role, str) and role for role in listed):
            raise ValueError("write a role, a list of roles, or either of them by environment")
    return given


PersonRoles = Annotated[Name | tuple[Name, ...] | dict[Name, Name | tuple[Name, ...]], BeforeValidator(_roles_of_a_person)]


def roles_by_environment(given: Any) -> dict[str, tuple[str, ...]]:
    """What a file says of one person, as roles by environment; `*` is every environment."""
    by_place = given if isinstance(given, dict) else {"*": given}
    return {place: (roles,) if isinstance(roles, str) else tuple(roles) for place, roles in by_place.items()}


class PolicyFile(_Frozen):
    """One file: any of the sections."""

    format: Literal[1]
    rules: tuple[AlertRule, ...] = ()
    slos: tuple[Slo, ...] = ()
    gates: tuple[Gate, ...] = ()
    triggers: tuple[RollbackTrigger, ...] = ()
    approvals: tuple[ApprovalRule, ...] = ()
    roles: tuple[Role, ...] = ()
    people: dict[Name, PersonRoles] = Field(default_factory=dict)
    """Roles of each person: one, several, or by environment (`*` is every one)."""
    guardrails: tuple[Guardrail, ...] = ()
    signatures: Signatures | None = None
    break_glass: BreakGlass | None = None
    retention: tuple[Retention, ...] = ()
    documentation: tuple[Standard, ...] = ()
    escalations: tuple[Escalation, ...] = ()


SECTIONS: dict[str, str] = {
    "rules": "id",
    "slos": "id",
    "gates": "id",
    "triggers": "id",
    "approvals": "action",
    "roles": "id",
    "guardrails": "id",
    "retention": "log",
    "documentation": "id",
    "escalations": "id",
}
"""Each section and what makes an item of it unique."""

SINGLE = ("signatures", "break_glass")
"""Sections that stand once in all files together."""


def item_key(section: str, item: Any) -> str:
    """The name under which an item overrides another one of its section."""
    return str(getattr(item, SECTIONS[section]))
