"""A gate on what was kept of the rows that a candidate was trained on: held against a contract, or searched for leakage."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from backends.records import State
from backends.store.reader import Reader
from backends.text import Untrusted
from console.contracts.moments import MOMENTS
from console.control.actions import Gate, version_label
from console.policies.rules import Gate as Rule
from console.render import figures
from console.views.data.kept_check import RecordedCheck, recorded_checks
from console.views.data.kept_search import RecordedSearch
from console.views.data.searches import recorded_searches
from console.views.release.plan_facts import Evidence


def recorded_gate(rule: Rule, evidence: Evidence, reader: Reader, to: str) -> Gate:
    """The newest check that was kept for the run behind the version `to`; one of another run shows nothing. Raises StoreError."""
    run, check = evidence.run(to), rule.check or ""
    if run is None:
        return _unknown(rule, f"which run trained {version_label(to)} is not recorded")
    where = (reader, evidence.sight.environment, evidence.model.name, evidence.sight.at)
    kept: dict[str, RecordedCheck | RecordedSearch] = {each.moment: each for each in recorded_checks(*where, run=run.name)}
    kept |= {each.search: each for each in recorded_searches(*where, run=run.name)}
    found = kept.get(check)
    if found is None:
        verb = f"contract check MODEL FILE --moment {check}" if check in MOMENTS else f"{check} FILE --record MODEL"
        return _unknown(rule, f"not kept for run {run.name}; qd {verb} --run RUN")
    broken = found.broken if isinstance(found, RecordedCheck) else found.found
    said = "nothing found" if not broken else f"{broken} not ok"
    who = f", by {found.by.raw}" if found.by is not None else ""
    when = figures.moment(found.at, ZoneInfo(evidence.model.zone))
    detail = f"{said} in {figures.count(found.rows)} rows of {found.file.raw}{who}, {when}"
    return Gate(name=rule.title, state=found.state, after=said, detail=Untrusted(detail))


def _unknown(rule: Rule, why: str) -> Gate:
    return Gate(name=rule.title, state=State.UNKNOWN, detail=Untrusted(why))
