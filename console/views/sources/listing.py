"""Every source of facts: when it was last heard, how old that is, what is expected of it, and what still works when it is down."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from backends.local.reading import LocalAliases, LocalSwitches
from backends.protocol import BackendError
from backends.records import Model, Moment, State, severity_rank
from backends.store import queries
from backends.store.errors import StoreError
from backends.store.landing import landing_files
from backends.store.reader import Reader
from backends.store.schema import TABLES
from backends.store.summary import read_summary
from backends.text import Untrusted
from console.policies.rules import AlertRule, ContractLimit
from console.render import figures
from console.views.health.model import View
from console.views.sight import Sight
from console.views.sources.outside import outside
from console.views.sources.source import Kind, Source
from console.views.sources.still_works import StillWorks, still_works

RULE = "data.freshness"


class SourcesView(View):
    """Every source of an environment, the worst first."""

    environment: str
    at: Moment
    zone: str
    past: bool
    sources: tuple[Source, ...]
    still_works: tuple[StillWorks, ...]
    oldest_at: Moment | None

    @property
    def down(self) -> tuple[Source, ...]:
        """Sources that cannot be read."""
        return tuple(each for each in self.sources if each.state is State.CRITICAL)


def sources_view(sight: Sight) -> SourcesView:
    """Every source. Never raises for a source that is down: that is its answer."""
    found = [*_stored(sight), _registry(sight), _switches(sight), _journal(sight), _evaluator(sight), *outside(sight)]
    ages = [each.last_at for each in found if each.kind in {"facts", "feed"} and each.expected_hours is not None and each.last_at]
    return SourcesView(
        environment=sight.environment,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        sources=tuple(sorted(found, key=lambda each: (severity_rank(each.state), each.kind, each.id))),
        still_works=still_works({each.kind: each.why.raw for each in found if each.state is State.CRITICAL}, sight.past),
        oldest_at=min(ages, default=None),
    )


def _stored(sight: Sight) -> list[Source]:
    try:
        with sight.reader() as reader:
            rule = sight.policies.rule(RULE)
            told = queries.sources(reader)
            return [_store(sight, reader, told), *_facts(sight, reader, told, rule), *_feeds(sight, reader, rule)]
    except StoreError as error:
        return [_down("store", "store", str(error))]


def _source(
    kind: Kind,
    name: str,
    state: State,
    why: str,
    *,
    id: str | None = None,
    last_at: Moment | None = None,
    last_known_at: Moment | None = None,
    age: float | None = None,
    expected: float | None = None,
    expected_from: str = "",
    rows: int | None = None,
) -> Source:
    return Source(
        id=id or kind,
        kind=kind,
        name=Untrusted(name),
        state=state,
        why=Untrusted(why),
        last_at=last_at,
        last_known_at=last_known_at,
        age_hours=age,
        expected_hours=expected,
        expected_from=expected_from,
        rows=rows,
    )


def _down(kind: Kind, name: str, reason: str) -> Source:
    return _source(kind, name, State.CRITICAL, reason)


def _hours(sight: Sight, at: Moment | None) -> float | None:
    return None if at is None else max(0.0, (sight.at - at).total_seconds() / 3600)


def _limit(rule: AlertRule | None) -> float | None:
    limit = rule.warning if rule is not None and rule.enabled else None
    return limit.otherwise if isinstance(limit, ContractLimit) else limit if isinstance(limit, float | int) else None


def _judged(age: float | None, expected: float | None, from_: str) -> tuple[State, str]:
    """A source against its cadence. One that only speaks when something changes is never too old."""
    if age is None:
        return State.UNKNOWN, "it never told anything"
    said = _old(age)
    if expected is None:
        return State.OK, f"{said}; it speaks when something changes, so no age is too old"
    limit = figures.age(timedelta(hours=expected))
    if age > expected:
        return State.STALE, f"{said}, expected at least every {limit} ({from_})"
    return State.OK, f"{said}, within {limit} ({from_})"


def _old(hours: float) -> str:
    said = figures.age(timedelta(hours=hours))
    return "less than a minute old" if said == "now" else f"{said} old"


def _store(sight: Sight, reader: Reader, told: list[queries.SourceState]) -> Source:
    waiting = sum(len(landing_files(sight.workspace.paths, table)) for table in TABLES)
    conflicts = len(reader.conflicts())
    counts = queries.counts(reader, told)
    said = f"generation {reader.generation}, {sum(counts.values()):,} facts, {waiting} landing files not yet compacted"
    state = State.OK
    if conflicts:
        state, said = State.WARNING, f"{said}; {conflicts} facts contradict an earlier one of the same id"
    if not sum(counts.values()):
        state, said = State.UNKNOWN, "nothing was ever landed: qd ingest --help says how"
    return _source("store", "store", state, said, rows=sum(counts.values()))


def _facts(sight: Sight, reader: Reader, every: list[queries.SourceState], rule: AlertRule | None) -> Iterator[Source]:
    for told in every:
        if told.environment != sight.environment:
            continue
        expected, from_ = _cadence(sight, reader, told, rule)
        # A label is of the moment at which it was learnt: its outcome may lie long before.
        last = told.last_known_at if told.table == "labels" else told.last_event_at
        age = _hours(sight, last)
        state, why = _judged(age, expected, from_)
        yield _source(
            "facts", f"{told.source} {told.table}", state, f"{why}; {told.rows:,} facts", id=f"facts:{told.source}:{told.table}",
            last_at=last, last_known_at=told.last_known_at, age=age, expected=expected, expected_from=from_, rows=told.rows,
        )  # fmt: skip


def _cadence(sight: Sight, reader: Reader, told: queries.SourceState, rule: AlertRule | None) -> tuple[float | None, str]:
    if told.table == "predictions":
        return _limit(rule), f"rule {RULE}"
    if told.table == "labels":
        models = [each for each in queries.records_of(reader, "model", environment=sight.environment) if isinstance(each, Model)]
        delays = [each.label_delay_hours for each in models if each.label_delay_hours is not None]
        return (max(delays), "the longest declared label delay") if delays else (None, "")
    return None, ""


def _feeds(sight: Sight, reader: Reader, rule: AlertRule | None) -> Iterator[Source]:
    """Feeds that report the age of their newest data, each once, as the newest report says."""
    newest: dict[str, queries.MetricValue] = {}
    for each in queries.latest_metrics(reader, sight.environment, layer="data", name="age_hours"):
        name = each.labels.get("source", "feed")
        if name not in newest or each.event_at > newest[name].event_at:
            newest[name] = each
    for name, report in sorted(newest.items()):
        last = report.event_at - timedelta(hours=report.value) if report.value is not None else None
        age = _hours(sight, last)
        expected = _limit(rule)
        state, why = _judged(age, expected, f"rule {RULE}")
        reported = f"; reported {figures.moment(report.event_at, sight.zone)} by {report.source}" + (
            " (simulated)" if report.simulated else ""
        )
        yield _source(
            "feed", f"{name} feed", state, why + reported, id=f"feed:{name}", last_at=last, last_known_at=report.known_at, age=age,
            expected=expected, expected_from=f"rule {RULE}",
        )  # fmt: skip


def _registry(sight: Sight) -> Source:
    try:
        moves = [each for each in LocalAliases(sight.workspace.paths.registry).aliases() if each.environment == sight.environment]
    except BackendError as error:
        return _down("registry", "registry.json", str(error))
    moved = [each.moved_at for each in moves if each.moved_at <= sight.at]
    last = max(moved, default=None)
    why = f"readable; {len(moves)} aliases" if moves else "no alias was ever set: nothing serves"
    return _source("registry", "registry.json", State.OK if moves else State.UNKNOWN, why, last_at=last, age=_hours(sight, last))


def _switches(sight: Sight) -> Source:
    switches = LocalSwitches(sight.workspace.paths.switches)
    try:
        version = switches.published_version()
        found = [each for each in switches.switches() if each.environment == sight.environment]
    except BackendError as error:
        return _down("switches", "switches.json", str(error))
    last = max((each.set_at for each in found if each.set_at <= sight.at), default=None)
    why = f"readable, version {version}" if version else "not there yet: no switch was ever set, so all are normal"
    return _source("switches", "switches.json", State.OK, why, last_at=last, age=_hours(sight, last))


def _journal(sight: Sight) -> Source:
    control = sight.control
    if control.problem is not None:
        return _down("journal", "journal", control.problem)
    state, why = State.OK, f"readable, {control.last_seq} entries; V on the audit screen verifies the chain"
    if control.gap is not None:
        state, why = (
            State.WARNING,
            f"{control.gap.entries} entries wait outside the journal since it could not be written: {control.gap.reason}",
        )
    elif control.breaks:
        state, why = State.WARNING, f"entry #{control.breaks[-1]} records that the chain was broken: qd audit verify"
    elif not control.last_seq:
        why = "nothing was recorded yet"
    return _source("journal", "journal", state, why, rows=control.last_seq)


def _evaluator(sight: Sight) -> Source:
    expected = sight.workspace.settings.watch.overdue_minutes / 60
    if sight.past:
        return _source("evaluator", "evaluator", State.UNKNOWN, "how fresh its verdicts were then is not kept", expected=expected)
    last = _evaluated_at(sight)
    if last is None:
        why = "it never ran here, so nobody watches and no alert can fire: qd watch"
        return _source("evaluator", "evaluator", State.UNKNOWN, why, expected=expected, expected_from="[watch]")
    age = _hours(sight, last)
    state, why = _judged(age, expected, "overdue_minutes in workspace.toml")
    why += ": verdicts are stale and no alert can fire; qd watch" if state is State.STALE else ""
    return _source("evaluator", "evaluator", state, why, last_at=last, age=age, expected=expected, expected_from="[watch]")


def _evaluated_at(sight: Sight) -> datetime | None:
    raw = read_summary(sight.workspace.paths)
    try:
        if raw is None or raw["environment"] != sight.environment:
            return None
        found = datetime.fromisoformat(raw["evaluated_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
