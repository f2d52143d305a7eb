"""A finished or running playbook as a postmortem in Markdown.

Everything from outside is made displayable and then escaped, so that a hostile name can neither steer a terminal nor a renderer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from backends.text import Untrusted
from playbooks.binding import BoundStep
from playbooks.export import ExportContext, commands_of, follow_ups_of, people_of, run_digest
from playbooks.fold import fold
from playbooks.format import DecisionStep
from playbooks.host import CheckResult, RunEvent
from playbooks.markdown import code, escaped
from playbooks.run import Intent, Run, StepState


def to_markdown(events: Sequence[RunEvent], context: ExportContext | None = None) -> str:
    """The postmortem of a run. Raises RunError when `events` are not a run, ZoneInfoNotFoundError on an unknown zone."""
    return _Postmortem(fold(events), context or ExportContext()).text()


class _Postmortem:
    def __init__(self, run: Run, context: ExportContext) -> None:
        self.run = run
        self.context = context
        self.zone = ZoneInfo(context.zone)

    def text(self) -> str:
        parts = [
            self.head(),
            self.section("Impact", self.impact()),
            self.section("Timeline", self.timeline()),
            self.section("Evidence", self.evidence()),
            self.section("Decisions", self.decisions()),
            self.section("Actions", self.actions()),
            self.section("Steps", self.steps()),
            self.section("Who", self.who()),
            self.section("Follow-ups", self.follow_ups()),
            self.section("The same, headless", (f"- {code(f'quarterdeck {command}')}" for command in commands_of(self.run, self.context))),
            self.section("Hashes", self.hashes()),
        ]
        return "\n\n".join(parts) + "\n"

    def section(self, title: str, lines: Iterable[str]) -> str:
        return "\n".join([f"## {title}", "", *lines])

    def at(self, moment: datetime) -> str:
        return moment.astimezone(self.zone).strftime("%Y-%m-%d %H:%M:%S %Z")

    def head(self) -> str:
        run = self.run
        title = self.context.title or Untrusted(run.playbook.title)
        number = f"{escaped(self.context.incident)}: " if self.context.incident else ""
        ended = f"ended {self.at(run.ended_at)}, **{run.outcome}**" if run.ended_at else "**still open**"
        params = ", ".join(f"{escaped(name)} {escaped(str(value))}" for name, value in run.params.items())
        return "\n".join(
            [
                f"# {number}{escaped(title)}",
                "",
                f"Playbook {escaped(run.playbook.id)} v{run.playbook.version}, run {escaped(run.id)}: "
                f"started {self.at(run.started_at)}, {ended}.",
                f"{params}. Times are in {escaped(self.context.zone)}.",
            ]
        )

    def impact(self) -> Iterator[str]:
        yield from (f"- {escaped(sentence)}" for sentence in self.context.impact)
        if not self.context.impact:
            yield "Nobody wrote down the impact."

    def timeline(self) -> Iterator[str]:
        yield "| when | who | what |"
        yield "|---|---|---|"
        entries = [(entry.at, 0, entry.source, escaped(entry.text)) for entry in self.context.timeline]
        intents = [intent for state in self.run.steps.values() for intent in state.intents]
        outside = {intent.key: intent.done_at for intent in intents if intent.done_at < intent.at}
        for event in self.run.events:
            what = self.told(event)
            # What was done outside the run, and written down there later, stands where it was done.
            moment = outside.get(event.body.get("key", ""), event.at) if event.kind in {"intended", "outcome"} else event.at
            entries += [(moment, 1 + event.seq, event.actor, what)] if what else []
        for moment, _, who, what in sorted(entries, key=lambda entry: entry[:2]):
            yield f"| {self.at(moment)} | {escaped(who)} | {what} |"

    def told(self, event: RunEvent) -> str:
        """One event in words; empty for those that only keep a value."""
        body = event.body
        step = escaped(event.step or "")
        if event.kind == "answered":
            return f"{step}: {escaped(body['result']['state'])}, {escaped(body['result']['sentence'])}"
        if event.kind == "decided":
            suggested = escaped(body["suggested"] or "nothing")
            reason = f" ({escaped(body['reason'])})" if body["reason"] else ""
            return f"{step}: chosen **{escaped(body['chosen'])}**, suggested {suggested}{reason}"
        if event.kind == "outcome":
            return f"{step}: **{escaped(body['result']['state'])}**, {escaped(body['result']['sentence'])}"
        if event.kind == "polled" and "status" in body:
            return f"{step}: {escaped(body['status']['state'])}, {escaped(body['status']['sentence'])}"
        if event.kind == "polled":
            return f"{step}: {escaped(body['result']['state'])}, {escaped(body['result']['sentence'])}"
        plain = {
            "started": "run started",
            "taken": f"took over from {escaped(body.get('previous') or 'nobody')}",
            "blocked": f"{step}: may not run, {escaped(body.get('sentence', ''))}",
            "intended": f"{step}: {self.call(body)} intended",
            "done": f"{step}: done{self.said(body.get('text'))}",
            "failed": f"{step}: **failed**{self.said(body.get('why'))}",
            "skipped": f"{step}: skipped{self.said(body.get('reason'))}",
            "retried": f"{step}: tried again{self.said(body.get('reason'))}",
            "reopened": f"{step}: decision taken again{self.said(body.get('reason'))}",
            "noted": f"note{self.said(body.get('text'))}",
            "ended": f"run ended **{escaped(body.get('outcome', ''))}**{self.said(body.get('reason'))}",
        }
        return plain.get(event.kind, "")

    def said(self, text: str | None) -> str:
        return f": {escaped(text)}" if text else ""

    def call(self, body: dict[str, Any]) -> str:
        call = body.get("call") or {"kind": "", "args": {}}
        args = ", ".join(f"{escaped(name)} {escaped(str(value))}" for name, value in call["args"].items())
        return f"{escaped(call['kind'])} ({args})"

    def evidence(self) -> Iterator[str]:
        yield "| when | step | what | verdict | value | limit | n | in words |"
        yield "|---|---|---|---|---|---|---|---|"
        for event in self.run.events:
            if event.kind in {"answered", "evidence", "polled", "suggested"} and event.body.get("result"):
                result = CheckResult.model_validate(event.body["result"])
                name = event.body.get("name") or self.check_of(self.run.steps[event.step or ""].bound)
                numbers = " | ".join(_number(value) for value in (result.value, result.limit, result.n))
                yield (
                    f"| {self.at(result.at)} | {escaped(event.step or '')} | {escaped(name)} | {result.state.value} | {numbers} "
                    f"| {escaped(result.sentence)} |"
                )

    def check_of(self, bound: BoundStep) -> str:
        step = bound.step
        for call in (step, getattr(step, "until", None), getattr(step, "suggest", None)):
            check = getattr(call, "check", None)
            if check:
                return str(check)
        return step.kind

    def decisions(self) -> Iterator[str]:
        told = False
        suggestions: dict[str, dict[str, Any]] = {}
        for event in self.run.events:
            if event.kind == "suggested":
                suggestions[event.step or ""] = event.body
            if event.kind != "decided":
                continue
            told = True
            state = self.run.steps[event.step or ""]
            body = event.body
            yield (
                f"- {escaped(state.step.title)} At {self.at(event.at)} {escaped(event.actor)} chose **{escaped(body['chosen'])}**; "
                f"suggested was **{escaped(body['suggested'] or 'nothing')}**{self.said(body['reason'])}"
            )
            yield from self.figures(state, suggestions.get(event.step or "", {}))
        if not told:
            yield "None was taken."

    def figures(self, state: StepState, suggested: dict[str, Any]) -> Iterator[str]:
        result = CheckResult.model_validate(suggested["result"]) if suggested.get("result") else None
        options = {option.choice: option for option in result.options} if result else {}
        assert isinstance(state.step, DecisionStep)
        for choice in state.step.choices:
            option = options.get(choice.id)
            numbers = ", ".join(f"{escaped(name)} {_number(value)}" for name, value in option.figures.items()) if option else ""
            not_now = suggested.get("not_now", {}).get(choice.id)
            why = f"; not then: {escaped(not_now)}" if not_now else ""
            note = f"; {escaped(option.note)}" if option and option.note else ""
            yield f"  - {escaped(choice.id)}: {numbers or 'no figures'}{note}{why}"

    def actions(self) -> Iterator[str]:
        told = False
        for state in self.run.steps.values():
            for intent in state.intents:
                told = True
                yield from self.action(state, intent)
        if not told:
            yield "Nothing was changed."

    def action(self, state: StepState, intent: Intent) -> Iterator[str]:
        outcome = intent.outcome
        word = outcome.state if outcome else "in doubt"
        what = "taking back " if intent.undoes else "asking for " if intent.approval else ""
        tail = ", taken back later" if intent.undone else ""
        yield (
            f"- {self.at(intent.done_at)} {escaped(intent.actor)}: {what}{self.call({'call': intent.call.model_dump(mode='json')})}: "
            f"**{word}**{tail}{self.said(outcome.sentence.raw if outcome else None)}"
        )
        if outcome and outcome.seconds is not None:
            yield f"  - in effect after {_duration(outcome.seconds)}, {self.at(outcome.at)}"
        if intent.plan and intent.plan.would_help:
            yield f"  - the plan said: {escaped(intent.plan.would_help)}"
        if intent.resolved_by:
            yield f"  - settled on the word of {escaped(intent.resolved_by)}: {escaped(intent.reason)}"
        receipt = f", receipt {code(outcome.receipt)}" if outcome and outcome.receipt else ""
        yield f"  - step {escaped(state.id)}, key {code(intent.key)}{receipt}"
        yield from (f"  - {code(call)}" for call in (outcome.calls if outcome else ()))

    def steps(self) -> Iterator[str]:
        for number, state in enumerate(self.run.steps.values(), 1):
            by = f", {escaped(state.ended_by)} {self.at(state.over_at)}" if state.ended_by and state.over_at else ""
            passed = " by the playbook" if state.automatic else ""
            yield (
                f"{number}. {escaped(state.phase.value)}, {escaped(state.step.kind)}: {escaped(state.step.title)} "
                f"**{state.status.value}**{passed}{by}{self.said(state.reason)}"
            )

    def who(self) -> Iterator[str]:
        for person in people_of(self.run):
            own = [event for event in self.run.events if event.actor == person]
            yield f"- {escaped(person)}: entries {len(own)}, {self.at(own[0].at)} to {self.at(own[-1].at)}"
        yield f"- driver at the end: {escaped(self.run.driver or 'nobody')}"

    def follow_ups(self) -> Iterator[str]:
        found = follow_ups_of(self.run)
        for event, text in found:
            for line in filter(None, (line.strip() for line in text.splitlines())):
                yield f"- [ ] {escaped(line)} ({escaped(event.actor)}, {self.at(event.at)})"
        if not found:
            yield "None was written down."

    def hashes(self) -> Iterator[str]:
        yield f"- playbook {code(self.run.digest)}"
        yield f"- run, {len(self.run.events)} events {code(run_digest(self.run.events))}"
        yield from (f"- {escaped(name)} {code(value)}" for name, value in self.context.hashes.items())
        for event in self.run.events:
            if event.kind in {"answered", "evidence", "suggested", "decided", "outcome"}:
                yield f"- event {event.seq} {escaped(event.kind)} {escaped(event.step or '')} {code(event.digest)}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.6g}"


def _duration(seconds: float) -> str:
    """`4 ms` below a tenth of a second, `0.2 s` above."""
    return f"{seconds * 1000:.0f} ms" if seconds < 0.1 else f"{seconds:.1f} s"
