"""Who did what, from the journal, and whether the journal can be believed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path

from pydantic import Field

from backends.breaker_file import BreakerFile
from backends.journal.entries import JournalUnavailable
from backends.journal.journal import Journal
from backends.journal.verification import verify_journal
from backends.local.reading import LocalAliases, LocalPipelines, LocalSwitches, LocalTraffic
from backends.protocol import AliasMove, BackendError, SwitchSetting
from backends.records import Moment, Name
from backends.store.paths import WorkspacePaths
from console.clock import SystemClock
from console.control.actions import ALIAS_KINDS, SERVING_ALIAS, SWITCH_STATES, ActionState, Frozen, version_label
from console.control.events import naming, naming_key
from console.control.ledger import exists, read_state, refuse_lost
from console.control.records import ActionRecord
from console.control.rollout_end import AFTER_A_MOVE
from console.control.sentences import AuditEntry, sentences
from console.control.snapshots import altered
from console.control.spool import read_notes
from console.control.state import ControlState

__all__ = ["AuditEntry", "AuditFilter", "AuditFinding", "AuditVerdict", "JournalUnavailable", "each", "log", "same_origin", "verify"]


class AuditFilter(Frozen):
    """Which entries to list; everything that is given must hold."""

    who: str | None = None
    kind: str | None = None
    """Beginning of the kind: `action.`, `approval.`, `incident.`, `run.`."""
    subject: Name | None = None
    model: Name | None = None
    since: Moment | None = None
    until: Moment | None = None
    text: str | None = None
    """Anything in the sentence or the reason, case ignored."""


class AuditFinding(Frozen):
    """One thing that is wrong with the chain."""

    kind: str
    seq: int | None
    message: str


class AuditVerdict(Frozen):
    """What the journal is worth."""

    whole: bool
    entries: int
    last_seq: int
    last_hash: str
    mirrored_seq: int | None
    mirrored_at: Moment | None
    findings: tuple[AuditFinding, ...] = ()
    warnings: tuple[str, ...] = ()
    gap_entries: int = Field(default=0, ge=0)
    """Notes that wait outside the journal."""


def same_origin(one: WorkspacePaths, other: WorkspacePaths) -> bool:
    """Whether two journals begin with the same entry, so that one workspace is the other at another time. Raises JournalUnavailable."""
    first, second = next(each(one), None), next(each(other), None)
    return first is not None and second is not None and first.hash == second.hash


def each(paths: WorkspacePaths, filters: AuditFilter | None = None) -> Iterator[AuditEntry]:
    """The entries that fit, oldest first, one after the other; no journal yet has none. Raises JournalUnavailable."""
    if not exists(paths.control):
        refuse_lost(paths)
        return
    journal = Journal(paths.control, paths.audit_head, read_only=True)
    try:
        wanted = filters or AuditFilter()
        # Every entry is read, since what an entry is about stands in an earlier one.
        yield from (entry for entry in sentences(journal.each()) if _fits(entry, wanted))
    finally:
        journal.close()


def log(paths: WorkspacePaths, limit: int | None = 200, filters: AuditFilter | None = None) -> list[AuditEntry]:
    """The newest entries that fit, newest first; no journal yet is an empty list. Raises JournalUnavailable."""
    return list(deque(each(paths, filters), maxlen=limit))[::-1]


def verify(paths: WorkspacePaths, outside: Path | None = None) -> AuditVerdict:
    """Recompute the chain, compare it with its heads here and in the file `outside`, and name what is in force without an entry.

    Never raises.
    """
    found = verify_journal(paths.control, paths.audit_head, outside)
    changed, notes = _altered(paths), read_notes(paths.spool)
    return AuditVerdict(
        whole=found.whole and not changed,
        entries=found.entries,
        last_seq=found.last_seq,
        last_hash=found.last_hash,
        mirrored_seq=found.head.seq if found.head else None,
        mirrored_at=found.head.at if found.head else None,
        findings=(*(AuditFinding(kind=finding.kind, seq=finding.seq, message=finding.message) for finding in found.findings), *changed),
        warnings=(*(note.refused for note in notes if note.refused is not None), *found.warnings, *_unrecorded(paths)),
        gap_entries=sum(max(1, len(note.drafts)) for note in notes if note.refused is None),
    )


def _altered(paths: WorkspacePaths) -> tuple[AuditFinding, ...]:
    """Snapshots that are not what the journal says was kept."""
    try:
        if not exists(paths.control):
            return ()
        journal = Journal(paths.control, paths.audit_head, read_only=True)
        try:
            return tuple(AuditFinding(kind="edited", seq=None, message=line) for line in altered(journal, paths.snapshots))
        finally:
            journal.close()
    except JournalUnavailable:
        # The walk along the chain has said so already.
        return ()


def _unrecorded(paths: WorkspacePaths) -> list[str]:
    """What is in force and was set by nobody that the journal knows: by hand, or while nothing could be written."""
    state = read_state(paths)
    if state.problem is not None and not state.last_seq:
        # What an entry would explain, if it could be read, was not set without one.
        return []
    try:
        moves, settings = LocalAliases(paths.registry).aliases(), LocalSwitches(paths.switches).switches()
        rollouts = LocalTraffic(paths.traffic).rollouts()
        holds = LocalPipelines(paths.pipelines).every_hold()
    except BackendError as error:
        return [str(error)]
    lines = [
        f"{move.alias} of {move.model} in {move.environment} is {version_label(move.version)}, set by {move.moved_by} without an entry"
        for move in moves
        if move.key not in state.action_by_key and not _named(move, state)
    ]
    lines += [
        f"the switch of {setting.model} in {setting.environment} is {setting.state.value}, set by {setting.set_by} without an entry"
        for setting in settings
        if setting.key not in state.action_by_key
    ]
    lines += [
        f"the traffic of {rollout.model} in {rollout.environment} is {rollout.value}, set by {rollout.set_by} without an entry"
        for rollout in rollouts
        if rollout.key not in state.action_by_key and rollout.key.removeprefix(AFTER_A_MOVE) not in state.actions
    ]
    lines += [
        f"the jobs of {hold.model} in {hold.environment} are {hold.value}, set by {hold.set_by} without an entry"
        for hold in holds
        if hold.key not in state.action_by_key
    ]
    lines += _older_than_recorded(state, moves, settings)
    return lines + _breakers_otherwise(paths, state)


def _older_than_recorded(state: ControlState, moves: Sequence[AliasMove], settings: Sequence[SwitchSetting]) -> list[str]:
    """What is in force although an action that began after its own had ended took effect: an older file was put in its place."""
    standing = {
        ("switch", each.environment, each.model): (f"the switch of {each.model} in {each.environment} is {each.state.value}", each.key)
        for each in settings
    }
    for move in moves:
        if move.alias == SERVING_ALIAS:
            said = f"{move.alias} of {move.model} in {move.environment} is {version_label(move.version)}"
            standing["alias", move.environment, move.model] = said, move.key
    newest: dict[tuple[str, str, str], ActionRecord] = {}
    for action in state.actions.values():
        topic = "switch" if action.kind in SWITCH_STATES else "alias" if action.kind in ALIAS_KINDS else None
        if topic is not None and action.state is ActionState.EFFECTIVE and action.entries:
            place = topic, action.environment, action.model
            if place not in newest or newest[place].entries[0] < action.entries[0]:
                newest[place] = action
    lines = []
    for place, last in newest.items():
        nothing = f"nothing is published of the {place[0]} of {place[2]} in {place[1]}"
        said, key = standing.get(place, (nothing, None))
        by = state.actions.get(state.action_by_key.get(key or "", ""))
        # What nobody recorded has a line of its own.
        if key is None or (by is not None and by.ended_seq and last.entries[0] > by.ended_seq):
            lines.append(f"{said}, and {last.id} made it {last.to} after that: an older file stands in its place, or none")
    return lines


def _named(move: AliasMove, state: ControlState) -> bool:
    """Whether an alias that serves nobody stands where `Recorder.name_version` put it."""
    note = state.notes.get(naming_key(move.key))
    if note is None or move.version is None or move.alias == SERVING_ALIAS:
        return False
    return (note.subject, note.text) == (move.model, naming(move.alias, move.version))


def _breakers_otherwise(paths: WorkspacePaths, state: ControlState) -> list[str]:
    """Breakers that are held otherwise than was recorded last: by hand, or because whoever recorded it came no further."""
    try:
        held = BreakerFile(paths.breakers, SystemClock().real_now).held()
    except BackendError as error:
        kept = sorted(name for name, last in state.breakers.items() if "held" in last)
        return [f"the breaker {name} is held on record, and whether it is cannot be told: {error}" for name in kept]
    lines = []
    for name in sorted(held.keys() | state.breakers.keys()):
        said = {} if name not in held else {"held": "open" if held[name].open else "closed", "owner": held[name].owner}
        recorded = state.breakers.get(name, {})
        if any(said.get(each) != recorded.get(each) for each in ("held", "owner")):
            is_ = f"held {said['held']} by {said['owner']}" if said else "automatic"
            was = f"held {recorded['held']} by {recorded['owner']}" if "held" in recorded else "automatic"
            lines.append(f"the breaker {name} is {is_}, and on record {was}: hold it anew, or let it go")
    return lines


def _fits(entry: AuditEntry, wanted: AuditFilter) -> bool:
    if wanted.who is not None and wanted.who not in {entry.who, entry.who.split("@")[0]}:
        return False
    if wanted.kind is not None and not entry.kind.startswith(wanted.kind):
        return False
    if wanted.subject is not None and entry.subject != wanted.subject:
        return False
    if wanted.model is not None and entry.model != wanted.model:
        return False
    if wanted.since is not None and entry.at < wanted.since:
        return False
    if wanted.until is not None and entry.at > wanted.until:
        return False
    text = f"{entry.what} {entry.detail} {entry.body.get('reason', '')} {entry.body.get('text', '')}".casefold()
    return wanted.text is None or wanted.text.casefold() in text
