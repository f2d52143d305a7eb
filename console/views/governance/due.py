"""What retention rules say of the logs of an environment: which rows are due, and which are kept back although they are as old."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from backends.durations import format_duration
from backends.store.deleted import NO_MODEL, Span
from backends.store.due import DELETABLE, Cut, DayRows, Due, due_of, log_days
from backends.store.reader import Reader
from console.control.actions import PlanFacts
from console.control.holding_back import held_back
from console.control.retention_terms import HeldDays, RetentionCut, RetentionTerms
from console.policies.retention import Deletes, Retention
from console.views.not_found import NoSuchModel, NothingKnown
from console.views.sight import Sight


@dataclass(frozen=True, slots=True)
class Log:
    """The rows of one model in one table; `model` is empty for those that belong to none."""

    table: str
    model: str
    days: tuple[DayRows, ...]
    rule: Retention | None
    place: str | None
    """File and line of the rule."""
    hold: str | None
    """File and line of the rule that holds it for a court."""
    deletes: Deletes
    """Who deletes what is due, as things stand: nobody, by a rule that is not the workspace's own."""
    held: tuple[HeldDays, ...]
    due: Due | None
    """None where no rule says how long it is kept."""

    @property
    def said_rule(self) -> str:
        """`policies/retention.yaml:3 keep 90d`."""
        if self.rule is None or self.rule.keep is None:
            return ""
        return f"{self.place or 'the last good copy'} keep {format_duration(self.rule.keep)}"


def logs_of(sight: Sight, reader: Reader, model: str | None = None) -> list[Log]:
    """Every log that has rows in the environment, or those of one model, by model and table."""
    segments = [segment for table in DELETABLE for segment in reader.segments(table)]
    today = sight.at.strftime("%Y-%m-%d")
    wanted = None if model is None else "" if model == NO_MODEL else model
    mine = [each for each in segments if wanted in {None, each.model} and each.day <= today]
    found = []
    days = log_days(reader.fetch, mine, sight.environment)
    for name in sorted({owner for _, owner in days}):
        held = held_back(sight.control, sight.alias_history(name), sight.environment, name or NO_MODEL, sight.at)
        logs = [_log(sight, table, name, tuple(days[table, name]), held) for table in DELETABLE if (table, name) in days]
        cuts = [cut for log in logs if (cut := _cut(sight, log)) is not None]
        due = {each.cut.table: each for each in due_of(reader.fetch, mine, cuts)}
        found += [replace(log, due=due.get(log.table)) for log in logs]
    return found


def retention_facts(sight: Sight, model: str, *, only: Literal["by the watch"] | None = None) -> PlanFacts:
    """What the deletion of one model's due rows is drawn from; with `only`, by rules that leave it to the watch.

    Raises NothingKnown, NoSuchModel or StoreError.
    """
    with sight.reader() as reader:
        logs = logs_of(sight, reader)
    names = sorted({log.model or NO_MODEL for log in logs})
    if not names:
        raise NothingKnown(f"the store at {sight.workspace.paths.store} has no rows")
    if model not in names:
        raise NoSuchModel(f"no rows of {model!r} in this environment; there are those of: {', '.join(names)}")
    mine = [log for log in logs if (log.model or NO_MODEL) == model and log.deletes != "never"]
    cuts = tuple(_terms(log, log.due) for log in mine if log.due is not None and log.due.rows and only in {None, log.deletes})
    return PlanFacts(policy_digest=sight.policies.digest, retention=RetentionTerms(cuts=cuts))


def _terms(log: Log, due: Due) -> RetentionCut:
    return RetentionCut(
        table=log.table,
        before=due.cut.before,
        held=log.held,
        rule=log.said_rule,
        rows=due.rows,
        days=len(due.days),
        oldest=due.days[0].day if due.days else None,
        kept_rows=sum(day.rows for day, _ in due.kept),
    )


def _log(sight: Sight, table: str, model: str, days: tuple[DayRows, ...], held: tuple[HeldDays, ...]) -> Log:
    policies = sight.policies
    rule, hold = policies.retention_of(table, model), policies.legal_hold(table, model)
    place = None if rule is None else policies.place("retention", rule.log)
    own = rule is not None and policies.is_own("retention", rule.log)
    where = None if hold is None else policies.place("retention", hold.log) or "the last good copy"
    if where is not None:
        held = (HeldDays(first="0001-01-01", last="9999-12-31", reason=f"legal hold, {where}"), *held)
    return Log(table, model, days, rule, place, where, rule.delete if rule is not None and own else "never", held, None)


def _cut(sight: Sight, log: Log) -> Cut | None:
    before = log.rule.before(sight.at) if log.rule is not None else None
    if before is None:
        return None
    held = tuple(Span(each.first, each.last, each.reason) for each in log.held)
    return Cut(sight.environment, log.table, log.model, before, held, log.said_rule)
