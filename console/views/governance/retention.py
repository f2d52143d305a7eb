"""How long every log and dataset is kept: its kind, the rule, the oldest row, days left, what is due, what stays, what was deleted."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta

from backends.records import DataClass, Dataset, Moment, Run, State
from backends.store import queries
from backends.store.deleted import NO_MODEL, Deleted
from backends.store.landing import landing_files
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import ActionKind, version_label
from console.policies.retention import Deletes
from console.views.governance.due import Log, logs_of
from console.views.health.model import View
from console.views.not_found import NoSuchModel
from console.views.sight import Sight
from console.views.versions.serving import aliases_at, serving_at


class KeptBack(View):
    """Days that are as old as those that are due, and stay."""

    first: date
    last: date
    rows: int
    reason: Untrusted


class LogRow(View):
    """One model's rows in one table."""

    table: str
    model: str
    data_class: DataClass | None
    keep_days: float | None
    """None: no rule says how long."""
    rule: str | None
    """File and line."""
    deletes: Deletes
    """`never` for every rule that is not the workspace's own."""
    legal_hold: str | None
    """File and line of the rule that holds it."""
    rows: int
    """All versions of its facts, as far as they are compacted."""
    oldest: date | None
    """UTC day of the oldest row."""
    days_left: int | None
    """Until the oldest row that nothing keeps is due; 0: some are."""
    due_rows: int
    due_days: int
    kept: tuple[KeptBack, ...]
    deleted_before: date | None
    deleted_at: Moment | None
    deleted_rows: int | None
    """In the last deletion."""
    state: State
    """`warning`: rows are older than the rule keeps them; `unknown`: no rule says how long."""
    why: Untrusted


class DatasetRow(View):
    """One dataset. Its rows lie outside: they are counted down here and deleted where they are."""

    name: str
    data_class: DataClass | None
    keep_days: float | None
    rule: str | None
    legal_hold: str | None
    oldest: date | None
    days_left: int | None
    rows: int
    kept: Untrusted | None
    """Why it stays whatever the rule says."""
    state: State
    why: Untrusted


class DeletionJob(View):
    """A deletion that was carried out, or tried."""

    action: str
    model: str
    who: str
    at: Moment
    state: str
    what: Untrusted


class Refused(View):
    """Raw rows that were refused. Nobody knows which log they belong to, so a person looks and removes them."""

    files: int
    oldest: Moment | None
    """When the first of them was refused, by the clock of the machine."""


class RetentionView(View):
    """Retention in one environment."""

    environment: str
    model: str | None
    at: Moment
    zone: str
    logs: tuple[LogRow, ...]
    datasets: tuple[DatasetRow, ...]
    jobs: tuple[DeletionJob, ...]
    """The newest first."""
    rejects: Refused
    waiting: int
    """Landing files that are not compacted and so not counted."""
    trouble: Untrusted | None
    """Why nothing is deleted now: the policy files are broken."""


def retention_view(sight: Sight, reader: Reader, model: str | None = None) -> RetentionView:
    """Everything, or what belongs to one model. Raises NoSuchModel."""
    found = logs_of(sight, reader, model)
    gone = {(each.table, each.model): each for each in reader.deleted if each.environment == sight.environment}
    listed = {(log.table, log.model) for log in found}
    logs = [_row(sight, log, gone.get((log.table, log.model))) for log in found]
    wanted = None if model is None else "" if model == NO_MODEL else model
    logs += [_emptied(sight, each) for log, each in gone.items() if log not in listed and wanted in {None, each.model}]
    datasets = _datasets(sight, reader, model)
    if model is not None and not logs and not datasets:
        known = sorted({log.model or NO_MODEL for log in logs_of(sight, reader)})
        raise NoSuchModel(f"no rows of {model!r} in this environment; there are those of: {', '.join(known) or 'nobody'}")
    paths = sight.workspace.paths
    refused = [path.stat().st_mtime for path in paths.rejects.iterdir() if path.name[0] != "."] if paths.rejects.is_dir() else []
    return RetentionView(
        environment=sight.environment,
        model=model,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        logs=tuple(sorted(logs, key=lambda each: (each.model, each.table))),
        datasets=datasets,
        jobs=_jobs(sight, model),
        rejects=Refused(files=len(refused), oldest=datetime.fromtimestamp(min(refused), UTC) if refused else None),
        waiting=sum(len(landing_files(paths, table)) for table in ("predictions", "labels", "metrics", "events")),
        trouble=Untrusted(sight.policies.trouble) if sight.policies.trouble else None,
    )


def _row(sight: Sight, log: Log, gone: Deleted | None) -> LogRow:
    due, keep = log.due, log.rule.keep if log.rule is not None else None
    kept: tuple[KeptBack, ...] = ()
    if due is not None:
        kept = tuple(
            KeptBack(
                first=date.fromisoformat(span.first),
                last=date.fromisoformat(span.last),
                rows=sum(day.rows for day, reason in due.kept if reason == span.reason and span.holds(day.day)),
                reason=Untrusted(span.reason),
            )
            for span in due.spans
        )
    held = {day.day for day, _ in due.kept} if due is not None else set()
    free = [day.day for day in log.days if day.day not in held and day.rows]
    left = _days_left(sight.at, date.fromisoformat(free[0]), keep) if keep is not None and free and log.hold is None else None
    state, why = _verdict(log, left)
    return LogRow(
        table=log.table,
        model=log.model or NO_MODEL,
        data_class=log.rule.data_class if log.rule is not None else None,
        keep_days=keep.total_seconds() / 86_400 if keep is not None else None,
        rule=log.place,
        deletes=log.deletes,
        legal_hold=log.hold,
        rows=sum(day.rows for day in log.days),
        oldest=date.fromisoformat(log.days[0].day) if log.days else None,
        days_left=left,
        due_rows=due.rows if due is not None else 0,
        due_days=len(due.days) if due is not None else 0,
        kept=kept,
        deleted_before=date.fromisoformat(gone.before) if gone is not None else None,
        deleted_at=datetime.fromisoformat(gone.deleted_at) if gone is not None else None,
        deleted_rows=gone.rows if gone is not None else None,
        state=state,
        why=Untrusted(why),
    )


def _emptied(sight: Sight, gone: Deleted) -> LogRow:
    """A log of which nothing is left."""
    rule = sight.policies.retention_of(gone.table, gone.model)
    return _row(sight, Log(gone.table, gone.model, (), rule, None, None, "never", (), None), gone)


def _verdict(log: Log, left: int | None) -> tuple[State, str]:
    if log.hold is not None:
        return State.OK, f"legal hold: nothing of it is deleted ({log.hold})"
    if log.due is None:
        return State.UNKNOWN, "no rule says how long it is kept: write one into policies/, under retention"
    said = log.said_rule
    kept = sum(day.rows for day, _ in log.due.kept)
    beside = f"; {kept:,} rows as old are kept back: {log.due.kept[0][1]}" if kept else ""
    if log.due.rows:
        rows = f"{log.due.rows:,} rows of {len(log.due.days):,} days are due by {said}"
        if log.deletes == "never":
            return State.WARNING, f"{rows}, and no rule of this workspace deletes them{beside}"
        who = "D or retention apply deletes them" if log.deletes == "by a person" else "the watch deletes them"
        return State.WARNING, f"{rows}: {who}{beside}"
    when = f"the oldest that nothing keeps is due in {left:,} days" if left is not None else "nothing is due"
    return State.OK, f"{when}, by {said}{beside}"


def _days_left(at: datetime, oldest: date, keep: timedelta) -> int:
    """Until the day of the oldest row is before the limit: a day is deleted as a whole, once all of it is older than `keep`."""
    end = datetime(oldest.year, oldest.month, oldest.day, tzinfo=UTC) + timedelta(days=1) + keep
    return max(0, math.ceil((end - at) / timedelta(days=1)))


def _datasets(sight: Sight, reader: Reader, model: str | None) -> tuple[DatasetRow, ...]:
    records = queries.records_of(reader, environment=sight.environment)
    runs = [each for each in records if isinstance(each, Run)]
    taken = {name for run in runs if run.model == model for name in run.inputs}
    return tuple(_dataset(sight, each, runs) for each in records if isinstance(each, Dataset) and (model is None or each.name in taken))


def _dataset(sight: Sight, record: Dataset, runs: list[Run]) -> DatasetRow:
    rule = next((each for each in sight.policies.retention if each.dataset == record.name), None)
    place = None if rule is None else sight.policies.place("retention", rule.log) or "the last good copy"
    keep = rule.keep if rule is not None else None
    hold = place if rule is not None and rule.legal_hold else None
    serves = _trained(sight, record, runs)
    left = _days_left(sight.at, record.covers_from, keep) if keep is not None and record.covers_from is not None else None
    if hold is not None:
        state, why = State.OK, f"legal hold ({hold})"
    elif keep is None:
        state, why = State.UNKNOWN, "no rule says how long it is kept"
    elif left is None:
        state, why = State.UNKNOWN, "its record does not say from which day on it covers (covers_from)"
    elif serves is not None:
        state, why = State.OK, f"{serves}; {left:,} days left"
    elif left == 0:
        state, why = State.WARNING, f"its oldest rows are due by {place}: its rows lie outside, delete them where they are"
    else:
        state, why = State.OK, f"{left:,} days left by {place}"
    return DatasetRow(
        name=record.name,
        data_class=rule.data_class if rule is not None and rule.data_class is not None else record.data_class,
        keep_days=keep.total_seconds() / 86_400 if keep is not None else None,
        rule=place,
        legal_hold=hold,
        oldest=record.covers_from,
        days_left=left if hold is None else None,
        rows=record.rows,
        kept=Untrusted(serves) if serves is not None else None,
        state=state,
        why=Untrusted(why),
    )


def _trained(sight: Sight, record: Dataset, runs: list[Run]) -> str | None:
    """Which version that an alias names was trained on it."""
    for run in runs:
        if record.name not in run.inputs:
            continue
        history = sight.alias_history(run.model)
        named = set(aliases_at(history, sight.at).values()) | {serving_at(history, sight.at).version}
        for output in run.outputs:
            model, _, version = output.rpartition("@")
            if model == run.model and version in named:
                return f"{model} {version_label(version)}, which an alias names, was trained on it"
    return None


def _jobs(sight: Sight, model: str | None) -> tuple[DeletionJob, ...]:
    mine = [
        action
        for action in sight.control.actions.values()
        if action.kind is ActionKind.RETAIN and action.environment == sight.environment and model in {None, action.model}
    ]
    return tuple(
        DeletionJob(
            action=action.id,
            model=action.model,
            who=action.actor.who,
            at=action.finished_at or action.intended_at,
            state=action.state.value,
            what=Untrusted(action.after or action.message or action.to or ""),
        )
        for action in reversed(mine)
    )
