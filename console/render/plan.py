"""The plan of an action as a person reads it before deciding, and the receipt after it: screens and verbs share the words."""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from backends.shell_words import with_options
from backends.text import Untrusted
from console.control.actions import (
    ALIAS_KINDS,
    HOLD_KINDS,
    MOVING_KINDS,
    NEEDS_FACTS,
    TRAFFIC_KINDS,
    ActionKind,
    ActionOutcome,
    ActionPlan,
    ActionState,
    Retraining,
    said_duration,
    version_label,
)
from console.control.roles import NOBODY_NAMED, NOT_KNOWN
from console.render import figures
from widgets.line import MARKS, Line, Page, Row, columns, joined, line, rule, sides
from widgets.wrapping import wrapped

NOTHING_SENT = "nothing has been sent"

_BUTTONS = {
    ActionKind.ROLLBACK: "Roll back to {to}",
    ActionKind.PROMOTE: "Promote {to}",
    ActionKind.DEGRADE: "Set degraded",
    ActionKind.FALLBACK: "Set fallback",
    ActionKind.KILL: "Set killed",
    ActionKind.RESTORE: "Set normal",
    ActionKind.SHIFT: "Shift traffic",
    ActionKind.ABORT: "End the rollout",
    ActionKind.HOLD: "Hold the jobs",
    ActionKind.RELEASE_HOLD: "Let the jobs run",
    ActionKind.RETRAIN: "Ask for a retrain",
    ActionKind.RETAIN: "Delete what is due",
    ActionKind.CLOSE: "Close",
}


def facts_problem(plan: ActionPlan) -> str | None:
    """Why facts are missing from a plan, None when they are there."""
    said = plan.shown.get("facts")
    return str(said) if said else None


def button_words(plan: ActionPlan) -> str:
    """The acting button: `Roll back to v1`, `Ask to promote v3`."""
    words = f"Renew {plan.to}" if plan.renewal else _BUTTONS.get(plan.kind, plan.title).format(to=version_label(plan.to))
    if plan.break_glass:
        return f"Break glass: {words[0].lower()}{words[1:]}"
    return f"Ask to {words[0].lower()}{words[1:]}" if plan.step == "ask" else words


def plan_heading(plan: ActionPlan, width: int, outcome: ActionOutcome | None = None) -> Line:
    """Line 2: what, from where to where, in which environment; that nothing was sent, and later how it ended."""
    place = plan.environment.upper()
    said = (NOTHING_SENT, "dim") if outcome is None else (outcome.state.value.upper(), "bold")
    return sides(line("PLAN  " if outcome is None else "", (plan.title, "bold"), f"   {place}"), line(said), width)


def plan_body(plan: ActionPlan, zone: ZoneInfo, width: int, *, reading: bool = False) -> list[Line]:
    """What the confirmation shows above its form, in the order in which a person asks. `reading`: the facts are still to come."""
    lines: list[Line] = []
    if plan.refusal:
        lines.append(line(" ", ("X", "critical"), f" refused: {plan.refusal}"))
    lines += [line(" ", ("!", "warning"), f" {warning}") for warning in plan.warnings]
    problem = facts_problem(plan)
    if problem:
        works = "" if plan.kind in NEEDS_FACTS else "; the action works without them"
        lines.append(line(" ", ("?", "unknown"), f" facts {problem}{works}"))
    if plan.kind not in MOVING_KINDS:
        return lines + [line(f" {change.what}  {change.movement}", ("   " + change.note, "dim")) for change in plan.will_change]
    if plan.agreement:
        lines += [rule("Who must agree", width), *(line(f" {each}") for each in plan.agreement)]
    lines.append(rule("Will change", width))
    lines += [] if plan.will_change else [line(" nothing")]
    lines += [line(f" {change.what:<21} {change.movement:<17} ", (change.note, "dim")) for change in plan.will_change]
    if plan.seen_by is not None:
        lines.append(line(f" {'seen by':<21} ", plan.seen_by))
    if plan.will_not_change:
        lines += [rule("Will not change", width), _listed(plan.will_not_change)]
    if plan.kind in ALIAS_KINDS or plan.kind in TRAFFIC_KINDS:
        # What answers in each state of the switch stands with the choices.
        lines += _target(plan, zone, width)
    lines += _helping(plan, zone, width)
    lines += _judged(plan, width)
    lines += _retraining(plan, zone, width)
    lines += _gates(plan, width)
    lines.append(rule("Who notices, how to undo", width))
    readers = "; ".join(f"{reader.name} ({reader.how.raw})" for reader in plan.readers)
    unknown = "who reads the scores is still being read" if reading else "who reads the scores could not be read"
    nobody = unknown if reading or problem else "no reader is recorded"
    lines.append(line(" ", Untrusted(readers) if readers else nobody, f". Undo: {plan.undo}"))
    if plan.until is not None:
        asked = figures.moment(plan.until, zone)
        lines.append(rule("Until", width))
        lines.append(line(f" {asked}: then {plan.owner or 'its owner'} is asked again; it never turns itself back on"))
    lines.append(rule("Calls", width))
    lines += [] if plan.calls else [line(" none")]
    lines += [line(f" {number}  {call}") for number, call in enumerate(plan.calls, 1)]
    return lines


def _listed(items: Sequence[str | Untrusted]) -> Line:
    parts: list[str | Untrusted] = [" "]
    for number, item in enumerate(items):
        parts += [", " if number else "", item]
    return line(*parts)


def _target(plan: ActionPlan, zone: ZoneInfo, width: int) -> list[Line]:
    if (plan.to is None or not plan.target) and plan.served_until is None:
        return []
    lines = [rule("Target", width), *(line(" ", each) for each in plan.target)]
    if plan.served_until is not None:
        ago = figures.since(plan.served_until, plan.drawn_at)
        lines.append(line(f" {version_label(plan.to)} served until {figures.moment(plan.served_until, zone)}, {ago} ago"))
    return lines


def _helping(plan: ActionPlan, zone: ZoneInfo, width: int) -> list[Line]:
    del zone
    found = plan.would_help
    if found is None:
        return []
    state = found.state.value
    hint = ""
    if found.best == "fallback" and plan.kind in ALIAS_KINDS:
        hint = ": Esc, then K"
    return [rule("Would it help?", width), line(" ", (MARKS[state], state), " ", found.verdict, hint)]


def _judged(plan: ActionPlan, width: int) -> list[Line]:
    found = plan.judged
    if found is None:
        return []
    state = found.state.value
    return [
        rule("This step so far", width),
        line(" ", (MARKS[state], state), " ", found.sentence),
        *(line("   ", each) for each in found.lines),
    ]


def _retraining(plan: ActionPlan, zone: ZoneInfo, width: int) -> list[Line]:
    found = plan.retraining
    if found is None:
        return []
    state = found.state.value
    told = [rule("Real or a bug?", width), line(" ", (MARKS[state], state), " ", found.verdict)]
    rows = retrain_rows(found, zone)
    return [*told, line(f" {rows}")] if rows else told


def retrain_rows(found: Retraining, zone: ZoneInfo) -> str:
    """`rows 29 Jan 00:00 to 26 Apr 10:00, 1,200 labelled of 1,300`; empty where none are proposed."""
    if found.first is None or found.last is None or found.labelled is None or found.scored is None:
        return ""
    rows = f"{figures.count(found.labelled)} labelled of {figures.count(found.scored)}"
    return f"rows {figures.moment(found.first, zone)} to {figures.moment(found.last, zone)}, {rows}"


def _gates(plan: ActionPlan, width: int) -> list[Line]:
    if not plan.gates:
        return []
    return [rule("Gates", width), *gate_lines(plan)]


def gate_lines(plan: ActionPlan) -> list[Line]:
    """The gates of a plan, one line each."""
    return [gate_line(gate.state.value, gate.name, gate.before, gate.after, gate.detail, gate.waiver) for gate in plan.gates]


def gate_line(state: str, name: str, before: str, after: str, detail: Untrusted, waiver: str | None) -> Line:
    """One gate: mark, word, what it is, what serves now, the candidate, and its waiver."""
    word = {"ok": "pass", "critical": "FAIL"}.get(state, "unknown")
    told: tuple[str | Untrusted, str] = (f"waiver {waiver}", "bold") if waiver else (detail if state != "ok" else "", "dim")
    cells = columns([(name, 32, ""), (before, 7, ""), (after, max(9, len(after)), "")]) if before or after else line(f"{name}:")
    return joined([line(" ", (MARKS[state], state), f" {word:<7} "), cells, line(" ", told)])


def plan_why(plan: ActionPlan) -> Line:
    """Line 23: who may, or why not."""
    if plan.refusal:
        return line(("X", "critical"), f" {plan.refusal}")
    if plan.break_glass:
        return line(("BREAK-GLASS", "critical"), f" nobody approved this; needs {plan.needs}")
    if plan.danger == "safer":
        return line(f"safer direction: {plan.needs} is enough" if plan.step == "act" else f"needs {plan.needs}")
    return line(f"needs {plan.needs}" if plan.danger == "dangerous" else "one entry in the journal, nothing is sent")


# the verb

_LABEL = 11


def plan_page(plan: ActionPlan, zone: ZoneInfo, *, person: str) -> Page:
    """The plan as a verb prints it with `--dry-run`."""
    heading = sides(line(f"PLAN {_lower(plan)}, {plan.environment}"), line("nothing was sent"), 80)
    rows: list[Line] = []
    changes = [f"{change.what} {change.movement}" + (f", {change.note}" if change.note else "") for change in plan.will_change]
    rows += _labelled("changes", changes)
    if plan.seen_by is not None:
        rows += _labelled("seen by", [plan.seen_by])
    if plan.will_not_change:
        rows.append(Line((*line(f"  {'unchanged':<{_LABEL}}").spans, *_listed(plan.will_not_change).spans[1:])))
    target: list[str | Untrusted] = list(plan.target) if plan.to is not None or plan.kind not in ALIAS_KINDS else []
    if plan.served_until is not None:
        target.append(f"{version_label(plan.to)} served until {figures.moment(plan.served_until, zone)}")
    rows += _labelled("target", target)
    if plan.would_help is not None:
        state = plan.would_help.state.value
        hint = " (qd kill)" if plan.would_help.best == "fallback" and plan.kind in ALIAS_KINDS else ""
        rows.append(line((MARKS[state], state), f" {'help?':<{_LABEL}}", plan.would_help.verdict, hint))
    rows += _step_rows(plan)
    rows += _bug_rows(plan, zone)
    for number, each in enumerate(gate_lines(plan)):
        rows.append(Line((*line(f"  {'gates' if number == 0 else '':<{_LABEL - 1}}").spans, *each.spans)))
    if plan.readers:
        rows += _labelled("readers", [Untrusted(", ".join(reader.name for reader in plan.readers))])
    rows += _labelled("agree", list(plan.agreement))
    if plan.until is not None:
        rows += _labelled(
            "until", [f"{figures.moment(plan.until, zone)}, then {plan.owner or 'you'} {'is' if plan.owner else 'are'} asked again"]
        )
    if plan.undo:
        rows += _labelled("undo", [plan.undo])
    if plan.calls:
        rows += _labelled("calls", list(plan.calls))
    problem = facts_problem(plan)
    if problem:
        rows.append(line(("?", "unknown"), f" {'facts':<{_LABEL}}{problem}; the action works without them"))
    rows += [line(("!", "warning"), f" {warning}") for warning in plan.warnings]
    if plan.refusal:
        rows.append(line(("X", "critical"), f" refused for {person}: {plan.refusal}"))
    else:
        rows.append(line(f"allowed for {person} ({_direction(plan)}). Run: the same without --dry-run"))
    return Page(heading, tuple(Row(part) for each in rows for part in wrapped(each, 80, _LABEL + 2)), plan.verb)


def _step_rows(plan: ActionPlan) -> list[Line]:
    if plan.judged is None:
        return []
    state = plan.judged.state.value
    told = line((MARKS[state], state), f" {'step':<{_LABEL}}", plan.judged.sentence)
    return [told, *(line(f"  {'':<{_LABEL}}", each) for each in plan.judged.lines)]


def _bug_rows(plan: ActionPlan, zone: ZoneInfo) -> list[Line]:
    if plan.retraining is None:
        return []
    state = plan.retraining.state.value
    told = retrain_rows(plan.retraining, zone)
    rows = _labelled("rows", [told.removeprefix("rows ")] if told else [])
    return [line((MARKS[state], state), f" {'a bug?':<{_LABEL}}", plan.retraining.verdict), *rows]


def _direction(plan: ActionPlan) -> str:
    if plan.step == "ask":
        return f"files a request; {plan.needs}"
    if plan.break_glass:
        return f"by breaking the glass: {plan.needs}"
    return "safer direction" if plan.safer else plan.needs


def _labelled(label: str, items: Sequence[str | Untrusted]) -> list[Line]:
    return [line(f"  {label if number == 0 else '':<{_LABEL}}", item) for number, item in enumerate(items)]


def _lower(plan: ActionPlan) -> str:
    """The title with its verb in small letters: `roll back arrival-delay v2 -> v1`."""
    head, _, rest = plan.title.partition(plan.model)
    return f"{head.lower()}{plan.model}{rest.replace('  ', ' ')}"


# the receipt


def outcome_lines(
    plan: ActionPlan, outcome: ActionOutcome, zone: ZoneInfo, times: Sequence[tuple[str, str]] = (), width: int = 80
) -> list[Line]:
    """What happened: intended, sent, effective, never more than was seen. `times` are `(word, clock time)` from the journal."""
    told = "  ".join(f"{word} {moment}" for word, moment in times)
    lines = [rule("Receipt", width), line(f" {told}")] if told else [rule("Receipt", width)]
    state = outcome.state
    if state is ActionState.EFFECTIVE:
        seconds = f" after {said_duration(outcome.seconds)}" if outcome.seconds is not None else ""
        again = " (done the first time with this key)" if outcome.repeated else ""
        lines.append(line(" ", (f"effective{seconds}: {_in_force(plan, outcome)}, read back", "bold"), again))
    elif state is ActionState.SENT and outcome.awaits:
        lines.append(line(" ", (outcome.message, "bold")))
        lines.append(line(f" It is in effect once that is on record; look with:  qd action recheck {outcome.action_id}"))
    elif state in {ActionState.IN_DOUBT, ActionState.INTENDED, ActionState.SENT}:
        lines.append(line(" ", ("? IN DOUBT", "critical"), f": {outcome.message}"))
        lines.append(line(f" It may or may not have happened. Find out with:  qd action recheck {outcome.action_id}"))
    elif state is ActionState.WAITING:
        lines.append(line(" ", (outcome.message, "bold")))
        lines.append(line(f" Another person signs it:  qd approve {outcome.approval}"))
        lines.append(line(f" Then:  {_carried_out(plan)}"))
    elif state is ActionState.DONE:
        lines.append(line(" ", (outcome.message, "bold"), "; recorded"))
    else:
        word = "refused" if state is ActionState.REFUSED else "failed"
        lines.append(line(" ", (f"X {word}", "critical"), f": {outcome.message}"))
        lines += [line(f"   {change}") for change in outcome.difference if change not in outcome.message]
        if outcome.moved is not None and outcome.moved.who not in outcome.message:
            lines.append(line(f"   {outcome.moved.told()}"))
        lines.append(line(f" Nothing was changed. {next_step(plan, outcome)}"))
    if outcome.gap:
        lines.append(line(" ", ("!", "warning"), f" audit gap: {outcome.gap}"))
    del zone
    return lines


def _carried_out(plan: ActionPlan) -> str:
    """What carries it out once it is approved, in words that work for whoever they are for."""
    words = plan.verb
    if not plan.safer:
        words = with_options(words, "--elevate --reason TEXT" if plan.guarded else "--reason TEXT")
    return f"qd {words}" if plan.afterwards is None else f"qd {words}  (not you: {plan.afterwards})"


def _in_force(plan: ActionPlan, outcome: ActionOutcome) -> str:
    if plan.kind in ALIAS_KINDS:
        return f"{plan.alias} = {version_label(outcome.after)}"
    if plan.kind in TRAFFIC_KINDS:
        return f"traffic = {outcome.after}"
    if plan.kind is ActionKind.RETRAIN:
        return f"{outcome.after}"
    if plan.kind in HOLD_KINDS:
        return f"jobs {outcome.after}"
    if plan.kind is ActionKind.RETAIN:
        return str(outcome.after)
    return f"switch = {outcome.after}"


def next_step(plan: ActionPlan, outcome: ActionOutcome) -> str:
    """What to do after a refusal or a failure, in one sentence."""
    if outcome.difference or "changed since" in outcome.message or "faster" in outcome.message:
        return "Draw the plan again: it changed under you."
    if NOBODY_NAMED in outcome.message or NOT_KNOWN in outcome.message:
        return "Nobody may, until the policy files name somebody: ask whoever may write them."
    if "needs one of" in outcome.message:
        return "Ask somebody who has that role."
    if "elevate" in outcome.message:
        return "Elevate (E, or --elevate) and say why."
    if outcome.state is ActionState.FAILED:
        if plan.kind in ALIAS_KINDS:
            return "Try again, or use the kill switch (K): it needs no registry."
        return "Mend what is in the way (qd doctor) and try again."
    return "The line above says what is in the way."


def receipt_text(plan: ActionPlan, outcome: ActionOutcome) -> str:
    """The receipt of a verb: one line for what happened, one for what comes next."""
    lines = outcome_lines(plan, outcome, ZoneInfo("UTC"))[1:]
    return "\n".join(each.text.strip() for each in lines)
