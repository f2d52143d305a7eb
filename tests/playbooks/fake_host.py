# ruff: noqa: ARG002 - the protocol names arguments that a fake has no use for
"""A world for playbook runs: answers are set by the test, effects are counted, and it can crash at any call."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from backends.records import State
from backends.text import Untrusted
from playbooks.format import ActionCall, CheckCall
from playbooks.host import ActionOutcome, ApprovalStatus, CheckResult, HostError, PlanSummary, RunEvent, RunMovedError

START = datetime(2013, 4, 26, 22, 0, tzinfo=UTC)


class CrashedError(BaseException):
    """The process died here. Not an Exception: nothing may catch it and go on."""


class FakeHost:
    def __init__(self) -> None:
        self.clock = START
        self.log: list[RunEvent] = []
        self.answers: dict[str, CheckResult | State | Exception] = {}
        self.asked: list[CheckCall] = []
        self.effects: dict[str, ActionCall] = {}
        """What took effect, by key: a key takes effect once."""
        self.submissions: Counter[str] = Counter()
        self.behaviour: dict[str, str] = {}
        """What happens to an action of a kind: effective (default), failed, lost (took effect, answer lost), unsent."""
        self.requests: dict[str, ApprovalStatus] = {}
        self.calls_until_crash: int | None = None
        self.crash_after_effect = False

    def step(self, seconds: float = 60) -> None:
        self.clock += timedelta(seconds=seconds)

    def result(self, state: State, sentence: str = "", **more: object) -> CheckResult:
        return CheckResult(state=state, sentence=Untrusted(sentence or f"it is {state.value}"), at=self.clock, **more)

    def _dies(self) -> bool:
        if self.calls_until_crash is None:
            return False
        self.calls_until_crash -= 1
        return self.calls_until_crash < 0

    def now(self) -> datetime:
        return self.clock

    def evaluate(self, call: CheckCall, timeout: timedelta | None) -> CheckResult:
        if self._dies():
            raise CrashedError
        self.asked.append(call)
        answer = self.answers.get(call.check, State.OK)
        if isinstance(answer, Exception):
            raise answer
        return self.result(answer) if isinstance(answer, State) else answer

    def plan(self, call: ActionCall) -> PlanSummary:
        return PlanSummary(sentence=Untrusted(f"would {call.kind}"), token="seen", command=f"{call.kind} {call.args.get('model', '')}")

    def submit(self, call: ActionCall, *, key: str, actor: str, token: str, confirmation: str | None) -> ActionOutcome:
        dies = self._dies()
        if dies and not self.crash_after_effect:
            raise CrashedError
        self.submissions[key] += 1
        how = self.behaviour.get(call.kind, "effective")
        if how == "unsent":
            raise HostError("connection refused")
        if how == "failed" and key not in self.effects:
            return ActionOutcome(state="failed", sentence=Untrusted("the backend said no"), at=self.clock)
        self.effects.setdefault(key, call)
        if dies:
            raise CrashedError
        if how == "lost":
            raise HostError("no answer after 10 s")
        return self._effective(key)

    def _effective(self, key: str) -> ActionOutcome:
        return ActionOutcome(
            state="effective",
            sentence=Untrusted("read back"),
            at=self.clock,
            calls=(Untrusted("set_alias production=1 if 2: ok"),),
            receipt=f"A-{key}",
            seconds=0.2,
        )

    def recheck(self, call: ActionCall, key: str) -> ActionOutcome:
        if key in self.effects:
            return self._effective(key)
        return ActionOutcome(state="failed", sentence=Untrusted("it never arrived"), at=self.clock)

    def request_approval(self, call: ActionCall, *, key: str, actor: str, reason: str, deadline: timedelta | None) -> ApprovalStatus:
        dies = self._dies()
        if dies and not self.crash_after_effect:
            raise CrashedError
        status = ApprovalStatus(request=f"APR-{len(self.requests) + 1}", state="pending", sentence=Untrusted("0 of 1"), at=self.clock)
        self.requests.setdefault(key, status)
        if dies:
            raise CrashedError
        return self.requests[key]

    def approval(self, key: str) -> ApprovalStatus | None:
        return self.requests.get(key)

    def answer_approval(self, state: str, who: str = "ilse") -> None:
        for key, status in self.requests.items():
            if status.state == "pending":
                self.requests[key] = status.model_copy(
                    update={"state": state, "sentence": Untrusted(f"{state} by {who}"), "who": (who,), "at": self.clock}
                )

    def append(self, event: RunEvent) -> None:
        if self._dies():
            raise CrashedError
        if event.seq != len(self.events(event.run)):
            raise RunMovedError(f"{event.run} has {len(self.events(event.run))} events")
        # What is stored is JSON, so what is read back went through JSON.
        self.log.append(RunEvent.model_validate_json(event.model_dump_json()))

    def events(self, run: str) -> list[RunEvent]:
        return [event for event in self.log if event.run == run]
