"""Asking for a training run. It is sent once it is published and read back, and effective only when a run on record names the request.

Retraining puts nothing in force: what the run makes is a version like any other, which needs its gates and an approval to serve.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backends.pipeline_protocol import NOTHING_ASKED, AnsweringRun, ReadsRuns, RunRequest
from backends.protocol import BackendError, RemembersKeys
from backends.records import State
from console.control.actions import ActionKind, ActionPlan, Change, Moved, Retraining
from console.control.drawing import approval_for, sealed, title_of
from console.control.holds import NO_PIPELINES
from console.control.reach import Seen, TellsPipelines, published_version, seen_by_key
from console.control.situation import Situation


def retrain_plan(situation: Situation) -> ActionPlan:
    """The plan of a request for a training run. Raises BackendError when what is published cannot be read."""
    request, reach, facts = situation.request, situation.reach, situation.facts.retraining
    if reach.pipelines is None:
        raise BackendError(NO_PIPELINES)
    standing = reach.pipelines.request(request.environment, request.model)
    found = NOTHING_ASKED if standing is None else standing.value
    pipeline, refusals = _asked_of(situation, facts)
    refusals = _asked_already(situation) + refusals + _not_yet(facts)
    approval, step = approval_for(situation, ActionKind.RETRAIN, pipeline)
    published = published_version(reach.pipelines)
    note = "replaced in one step" if published is None else f"version {published} -> {published + 1}, replaced in one step"
    asked = pipeline or "nobody"
    return sealed(
        situation,
        danger="dangerous",
        approved_as=ActionKind.RETRAIN,
        title=f"{title_of(request, None, None)}  {asked}",
        from_=found,
        to=pipeline,
        subject=request.subject,
        changes=(Change(what=reach.pipelines_name, movement=f"{found} -> asked of {asked}", note=note),),
        unchanged=(
            "what answers requests",
            "which version serves: what the run makes needs its gates and an approval",
            "it is in effect only when a run on record names it",
        ),
        undo="withdraw it while no run has begun: action resolve ID --failed",
        calls=(
            f"ask_run {request.model} retrain of {asked} if {found}",
            f"get_run {request.model} until one names the request; until then it is sent",
        ),
        approval=approval.id if approval else None,
        step=step,
        refusals=refusals,
    )


def _asked_of(situation: Situation, facts: Retraining | None) -> tuple[str | None, list[str]]:
    model, wanted = situation.request.model, situation.request.subject
    known = facts.pipelines if facts is not None else ()
    if facts is not None and not known:
        return None, [f"no pipeline is recorded that trains {model}: land a record of kind pipeline, stage training, with its model"]
    if wanted is not None:
        listed = ", ".join(known)
        return wanted, [] if wanted in known or facts is None else [f"{wanted} is not recorded as training {model}; there are: {listed}"]
    if len(known) > 1:
        return None, [f"{', '.join(known)} train {model}: name one with --pipeline"]
    return (known[0], []) if known else (None, [])


def _asked_already(situation: Situation) -> list[str]:
    """A second request before the first has its run would be two runs for one reason."""
    request = situation.request
    for action in situation.state.open_actions():
        mine = (action.environment, action.model) == (request.environment, request.model) and action.key != request.key
        if mine and action.kind is ActionKind.RETRAIN and action.awaits:
            return [f"{action.id} by {action.actor.who} asks for it already and waits for its run: recheck it, or withdraw it first"]
    return []


def _not_yet(facts: Retraining | None) -> list[str]:
    """Real or a bug? comes first: new weights from broken rows would hide what broke."""
    if facts is None:
        return ["real or a bug? was not looked at"]
    if facts.state is State.OK:
        return []
    return [f"{facts.verdict.raw}; look first: qd {facts.verb}"]


@dataclass(frozen=True, slots=True)
class RetrainMovement:
    """One request for a run, as the executor drives it."""

    backend: TellsPipelines | None
    runs: ReadsRuns | None
    environment: str
    model: str
    expected: str
    to: str
    key: str
    who: str
    reason: str
    rows: tuple[datetime | None, datetime | None] = (None, None)
    since: int | None = None
    """Which version of the published file the call was made upon, where that is on record."""

    @property
    def topic(self) -> Literal["pipeline"]:
        return "pipeline"

    def call(self) -> str:
        return f"ask_run {self.model} retrain of {self.to} if {self.expected}"

    def read_call(self) -> str:
        return f"get_run {self.model} of request {self.key[:8]}"

    def send(self, now: datetime) -> None:
        """Publish the request. Raises BackendConflict, BackendUnavailable or BackendError."""
        first, last = self.rows
        asked = RunRequest(self.environment, self.model, self.to, now, self.who, self.key, self.reason, first, last)
        self._backend().ask(asked, expected=self.expected)

    def read(self) -> Seen:
        """Whether a run names the request, and else whether it stands. Raises BackendError."""
        backend = self._backend()
        asked = backend.request(self.environment, self.model)
        stands = asked is not None and asked.key == self.key and not asked.withdrawn
        value = NOTHING_ASKED if asked is None else asked.value
        moved = None if asked is None else Moved.by(asked.asked_by, asked.asked_at, asked.key)
        unread = ""
        try:
            run = self._run()
        except BackendError as error:
            if not stands:
                raise
            run, unread = None, f"; {error}"
        if run is not None:
            return Seen(f"run {run.name}, {run.status}", ours=True, in_force=True, moved=moved, certain=True)
        if stands:
            awaits = f"a run of {self.to} that names it{unread}"
            return Seen(value, ours=False, in_force=True, moved=moved, certain=True, awaits=awaits)
        if isinstance(backend, RemembersKeys):
            kept = seen_by_key(backend, self.key, value=value, moved=moved, since=self.since)
            # That it was published once, and withdrawn or replaced since, started no run that anybody knows of.
            return Seen(value, ours=False, in_force=False, moved=moved, certain=kept.certain, forgotten=kept.forgotten)
        return Seen(value, ours=False, in_force=False, moved=moved)

    def forbid(self) -> bool | None:
        """Withdraw the request, unless its run has begun."""
        if self._run() is not None:
            return True
        self._backend().withdraw(self.key)
        return False

    def published(self) -> int | None:
        return published_version(self.backend)

    def tidy(self, now: datetime) -> tuple[str, str] | None:
        del now
        return None

    def _run(self) -> AnsweringRun | None:
        return None if self.runs is None else self.runs.run_of(self.environment, self.model, self.key)

    def _backend(self) -> TellsPipelines:
        if self.backend is None:
            raise BackendError(NO_PIPELINES)
        return self.backend
