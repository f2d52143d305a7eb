"""The fleet: one row a model, worst first."""

from __future__ import annotations

from backends.records import Layer, Moment, State, SwitchState, severity_rank
from backends.text import Untrusted
from console.views.health.model import BesideHealth, ModelHealth, Quality, View


class Waiting(View):
    """Something that waits for a person."""

    state: State
    id: str
    model: str
    what: Untrusted
    detail: Untrusted
    since: Moment


class FleetRow(View):
    """One model."""

    model: str
    version: str | None
    owner: str | None
    state: State
    since: Moment | None
    system: State
    data: State
    quality: State
    business: State
    drift: float | None
    drift_state: State
    drift_only_logged: bool = False
    """Only a rule that logs watches it: a number without a lamp."""
    budget_left: float | None
    budget_state: State
    switch: SwitchState
    switch_overdue: bool = False
    """True when the owner of a switch that is not normal should have been asked by now."""
    incidents: tuple[str, ...]
    driver: str | None = None
    """Who has taken the newest open incident."""
    why: str
    task: str
    last_day: Quality | None
    since_onset: Quality | None
    latency_p95_ms: float | None
    scored_last_day: int
    beside: tuple[BesideHealth, ...] = ()
    """Candidates that answered beside the version that serves."""
    labels_share: float | None
    labels_complete_to: Moment | None
    broke_first: Layer | None
    broke_first_at: Moment | None
    broke_first_why: str
    now_seen: Layer | None = None
    now_seen_since: Moment | None = None
    gap_title: str = "observed less scored"
    """What the course is of: of a regression it is the error."""
    gap_history: tuple[float | None, ...]
    gap_warning: float | None
    gap_critical: float | None
    history_from: Moment | None
    history_to: Moment | None
    inputs: str
    """One sentence on the inputs, with the worst column by name."""
    changed: tuple[Untrusted, ...]
    """What changed, the nearest before the onset first."""
    waiting: tuple[Waiting, ...]
    next_step: str


class FleetView(View):
    """Everything that the first screen shows."""

    workspace: str
    environment: str
    zone: str
    at: Moment
    evaluated_at: Moment
    rows: tuple[FleetRow, ...]
    oldest_source_at: Moment | None
    generation: int
    switches_version: int
    control_problem: Untrusted | None = None
    """Why the journal could not be read: which incidents are open and what waits is then not known. None: it could."""

    def counted(self) -> dict[State, int]:
        """How many models are in each state."""
        return {state: sum(row.state == state for row in self.rows) for state in State}


def fleet_row(
    health: ModelHealth,
    *,
    driver: str | None,
    inputs: str,
    changed: tuple[Untrusted, ...],
    waiting: tuple[Waiting, ...],
    next_step: str,
    switch_overdue: bool = False,
) -> FleetRow:
    """The row of one model from its health and from what only the fleet adds."""
    gap = next((signal for signal in health.layer(Layer.MODEL).signals if signal.history), None)
    return FleetRow(
        model=health.model,
        version=health.version,
        owner=health.owner,
        state=health.state,
        since=health.since,
        system=health.layer(Layer.SYSTEM).state,
        data=health.layer(Layer.DATA).state,
        quality=health.layer(Layer.MODEL).state,
        business=health.layer(Layer.BUSINESS).state,
        drift=health.drift,
        drift_state=health.drift_state,
        drift_only_logged=health.drift_only_logged,
        budget_left=health.budget.left if health.budget else None,
        budget_state=health.budget.state if health.budget else State.UNKNOWN,
        switch=health.switch,
        switch_overdue=switch_overdue,
        incidents=health.incidents,
        driver=driver,
        why=_worst_why(health),
        task=health.task,
        last_day=health.last_day,
        since_onset=health.since_onset,
        latency_p95_ms=health.latency_p95_ms,
        scored_last_day=health.scored_last_day,
        beside=health.beside,
        labels_share=health.labels.share,
        labels_complete_to=health.labels.complete_to,
        broke_first=health.broke_first,
        broke_first_at=health.broke_first_at,
        broke_first_why=health.broke_first_why,
        now_seen=health.now_seen,
        now_seen_since=health.now_seen_since,
        gap_title=gap.title if gap else "",
        gap_history=gap.history if gap else (),
        gap_warning=gap.warning if gap else None,
        gap_critical=gap.critical if gap else None,
        history_from=health.ends[0] if health.ends else None,
        history_to=health.ends[-1] if health.ends else None,
        inputs=inputs,
        changed=changed,
        waiting=waiting,
        next_step=next_step,
    )


def _worst_why(health: ModelHealth) -> str:
    return min(health.layers, key=lambda layer: severity_rank(layer.state)).why


def worst_first(rows: list[FleetRow]) -> tuple[FleetRow, ...]:
    """The order of the fleet: severity, then the budget that is left, then how long it lasts, then the name."""

    def key(row: FleetRow) -> tuple[int, float, float, str]:
        left = 1.0 if row.budget_left is None else max(0.0, row.budget_left)
        return severity_rank(row.state), left, row.since.timestamp() if row.since else float("inf"), row.model

    return tuple(sorted(rows, key=key))
