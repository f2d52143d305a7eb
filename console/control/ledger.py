"""Where control writes and what it knows: the journal, the spool beside it, and the state folded from both."""

from __future__ import annotations

import contextlib
import gc
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from backends.journal.entries import Draft, Entry, JournalConflict, JournalMoved, JournalUnavailable, moment_text
from backends.journal.head import read_head
from backends.journal.journal import Journal
from backends.journal.outside import OutsideHeads
from backends.records import digest_of
from backends.store.paths import WorkspacePaths
from console.clock import Clock
from console.control import events
from console.control.actions import new_key
from console.control.folding import fold
from console.control.holders import this_holder, with_doubts
from console.control.identity import Actor
from console.control.records import Gap
from console.control.snapshots import keep, remembered
from console.control.spool import SpooledNote, forget, read_notes, set_aside, write_note
from console.control.state import ControlState

DECISION_TRIES: Final = 100
"""How often a decision is taken again because somebody else recorded something meanwhile."""

Decided = TypeVar("Decided")


class Ledger:
    """The journal of one workspace, opened when first needed and written on behalf of one actor."""

    def __init__(self, paths: WorkspacePaths, clock: Clock, actor: Actor, outside: OutsideHeads | None = None) -> None:
        self.paths = paths
        self.outside = outside
        self.clock = clock
        self.actor = actor
        self._actor_storable: dict[str, Any] = _storable(actor.model_dump(mode="json"))
        self.holder = this_holder()
        self._journal: Journal | None = None
        self._opened_file: tuple[int, int] | None = None
        self._state = ControlState()

    def close(self) -> None:
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def go_on_with(self, other: Ledger) -> None:
        """Take the open journal of another ledger of this workspace, which opens its own should it be used again."""
        self._journal, other._journal = other._journal, None
        self._opened_file = other._opened_file

    def stand_by(self) -> None:
        """Open the journal and begin its log, so that the next entry waits for neither. Raises JournalUnavailable."""
        if exists(self.paths.control):
            self.state()
            self._opened().begin_log()

    def draft(self, key: str, kind: str, subject: str, body: dict[str, Any]) -> Draft:
        """An event by this actor, now."""
        return Draft(key, kind, subject, self.clock.now(), self.clock.real_now(), self._actor_storable.copy(), _storable(body))

    def state(self) -> ControlState:
        """The state as of the newest entry; only what is new since the last call is read. Raises JournalUnavailable."""
        if not exists(self.paths.control):
            return ControlState()
        try:
            known = self._state if self._state.last_seq else _known(self.paths.control)
            self._state = _advanced(self._opened(), known, self.paths.snapshots)
            _know(self.paths.control, self._state)
            return self._state
        except JournalUnavailable:
            self.close()
            raise

    def record(self, *drafts: Draft, expected_last: int | None = None, more_follows: bool = False) -> list[Entry]:
        """Record `drafts` together, after the notes that wait in the spool. `more_follows` as in `Journal.append`.

        Raises JournalUnavailable (nothing recorded), JournalConflict, or JournalMoved with `expected_last`.
        """
        try:
            self.absorb()
            return self._opened().append(drafts, expected_last=expected_last, more_follows=more_follows)
        except JournalUnavailable:
            self.close()
            raise

    def absorb(self) -> None:
        """Take over the notes that wait in the spool, and record the gap that they fill. Raises JournalUnavailable."""
        notes = [note for note in read_notes(self.paths.spool) if note.refused is None]
        if not notes:
            return
        state = self.state()
        judged = [(note, note.problem or _misfit(note, state)) for note in notes]
        readable = [note for note, problem in judged if problem is None]
        self._put_aside([(note, problem) for note, problem in judged if problem is not None])
        try:
            self._take_over(readable)
        except JournalConflict:
            # A recheck has ended one of these actions meanwhile: its word stands, and only that note is kept aside.
            for note in readable:
                try:
                    self._take_over([note])
                except JournalConflict as conflict:
                    self._put_aside([(note, str(conflict))])

    def decide(self, decision: Callable[[ControlState], tuple[Sequence[Draft], Decided]], *, more_follows: bool = False) -> Decided:
        """Record what `decision` makes of the state, as one step: it is asked again when somebody else was faster.

        `more_follows` as in `Journal.append`.
        """
        for _ in range(DECISION_TRIES):
            state = self.state()
            drafts, decided = decision(state)
            if not drafts:
                return decided
            try:
                self.record(*drafts, expected_last=state.last_seq, more_follows=more_follows)
                return decided
            except JournalMoved:
                continue
        raise JournalUnavailable(f"{self.paths.control} is written to faster than a decision can be taken: try again")

    def keep(self, after: int) -> bool:
        """Keep the state in a snapshot once `after` entries came since the last one. Raises OSError or JournalUnavailable."""
        state = self.state()
        kept = 0 if state.snapshot is None else int(state.snapshot.meta["seq"])
        if state.last_seq - kept < after:
            return False
        try:
            keep(self._opened(), self.paths.snapshots, state, self.clock.now(), self.clock.real_now())
            return True
        finally:
            # The next look builds upon the newest snapshot, whoever wrote it, and lets go of the one before.
            self._state = ControlState()
            _know(self.paths.control, self._state)

    def spool(self, drafts: Sequence[Draft], reason: str) -> None:
        """Note `drafts` outside the journal. Raises OSError."""
        write_note(self.paths.spool, drafts, reason)

    def spooled_entries(self) -> list[Entry]:
        """What the spool holds, as if it were recorded: ask before `state`, and leave out what that calls `late`."""
        return [_as_entry(draft, note) for note in read_notes(self.paths.spool) for draft in note.drafts]

    def lease(self, name: str, holder: str, ttl: timedelta) -> bool:
        """Take or renew a lease, by wall time: a simulated clock may stand still."""
        return self._opened().lease(name, holder, ttl, self.clock.real_now())

    def release(self, name: str, holder: str) -> None:
        self._opened().release(name, holder)

    def _opened(self) -> Journal:
        # A restored backup puts another file in the journal's place: entries written to the old one would be lost.
        if self._journal is None or _identity(self.paths.control) != self._opened_file:
            self.close()
            self._journal = Journal(self.paths.control, self.paths.audit_head, outside=self.outside, wall=self.clock.real_now)
            self._opened_file = _identity(self.paths.control)
        return self._journal

    def _take_over(self, notes: list[SpooledNote]) -> None:
        if not notes:
            return
        now, real_now = self.clock.now(), self.clock.real_now()
        drafts = [draft for note in notes for draft in note.drafts]
        late = [
            Draft(draft.key, draft.kind, draft.subject, now, real_now, draft.actor, {**draft.body, "spooled": _noted(draft, note)})
            for note in notes
            for draft in note.drafts
        ]
        body = {
            "reason": notes[0].reason,
            "files": [note.path.name for note in notes],
            "owners": [note.owner for note in notes],
            "keys": [draft.key for draft in drafts],
            "since": moment_text(min(draft.real_at for draft in drafts)),
            "until": moment_text(max(draft.real_at for draft in drafts)),
        }
        actor = {"name": "journal", "host": "local", "program": True}
        gap = Draft(f"{events.GAP}/{digest_of(body)}", events.GAP, "audit", now, real_now, actor, body)
        self._opened().append([*late, gap])
        for note in notes:
            forget(note)

    def _put_aside(self, notes: Sequence[tuple[SpooledNote, str]]) -> None:
        """Keep notes that cannot be taken over, each with its problem; together, since whoever acts waits for it."""
        if not notes:
            return
        drafts = []
        for note, problem in notes:
            body = {"reason": note.reason, "files": [note.path.name], "owners": [note.owner], "keys": [], "problem": problem}
            drafts.append(self.draft(f"{events.GAP}/{note.path.name}/{new_key()}", events.GAP, "audit", body))
        self._opened().append(drafts)
        for note, _ in notes:
            set_aside(note)


def read_state(paths: WorkspacePaths, *, until: datetime | None = None) -> ControlState:
    """The state for views and screens: journal and spool, read without writing anything. Never raises.

    `until`: as it stood then, by the workspace's own time. `problem` says why the journal could not be read; unfinished actions
    are in doubt unless somebody is still carrying them out.
    """
    return with_doubts(lambda: _read(paths, until))


def _read(paths: WorkspacePaths, until: datetime | None) -> ControlState:
    # The spool is read before the journal, so that a note which is taken over in between is seen in one of them at least.
    notes = read_notes(paths.spool)
    problem: str | None = None
    state = ControlState()
    try:
        if exists(paths.control):
            state = _read_journal(paths, until)
        else:
            refuse_lost(paths)
    except JournalUnavailable as error:
        problem = str(error)
    noted = [(draft, note) for note in notes for draft in note.drafts]
    late = [(draft, note) for draft, note in noted if draft.key not in state.late and (until is None or draft.at <= until)]
    waiting = [draft for draft, _ in late]
    try:
        state = fold([_as_entry(draft, note) for draft, note in late], state)
    except ValueError as error:
        problem, state = problem or f"{paths.spool}: {error}", state.copied()
    if waiting:
        state.gap = Gap(since=min(draft.real_at for draft in waiting), entries=len(waiting), reason=notes[0].reason)
    state.refused_notes = () if until is not None else tuple(note.refused for note in notes if note.refused is not None)
    state.problem = problem or next((note.problem for note in notes if note.problem is not None), None)
    return state


_latest: dict[Path, ControlState] = {}
_latest_guard = threading.Lock()


def _known(control: Path) -> ControlState:
    """What this process read of a journal last."""
    with _latest_guard:
        return _latest.get(control, ControlState())


def _know(control: Path, state: ControlState) -> None:
    with _latest_guard:
        _latest.clear()
        _latest[control] = state


def _read_journal(paths: WorkspacePaths, until: datetime | None) -> ControlState:
    """Now: what was read last time and what came since. In the past: read anew, up to there."""
    journal = Journal(paths.control, paths.audit_head, read_only=True)
    try:
        if until is not None:
            return _folded(paths.control, journal.each(), ControlState(), until)
        state = _advanced(journal, _known(paths.control), paths.snapshots)
        _know(paths.control, state)
        return state
    finally:
        journal.close()


def _advanced(journal: Journal, known: ControlState, snapshots: Path) -> ControlState:
    """The state as of the newest entry, from one that was known or is kept; `known` itself when nothing came since."""
    for state in (known, None):
        found = state if state is not None else remembered(journal, snapshots)
        if found.last_seq == 0:
            continue
        newer = journal.entries(after=found.last_seq - 1)
        # Another file may stand in the place of the one that was read: a restored backup, for instance.
        if newer and (newer[0].seq, newer[0].hash) == (found.last_seq, found.last_hash):
            return _folded(journal.path, newer[1:], found) if len(newer) > 1 else found
    return _folded(journal.path, journal.each(), ControlState())


def _folded(path: Path, entries: Iterable[Entry], onto: ControlState, until: datetime | None = None) -> ControlState:
    try:
        with _collector_at_rest():
            return fold(entries, onto, until)
    except ValueError as error:
        raise JournalUnavailable(f"{path}: {error}: `audit verify` says what else is wrong") from error


@contextlib.contextmanager
def _collector_at_rest() -> Iterator[None]:
    """A fold makes many records that all stay: looking for rubbish among them again and again takes longer than the fold."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def exists(path: Path) -> bool:
    """Whether there is a journal; one that cannot be reached is not the same as none. Raises JournalUnavailable."""
    try:
        return path.exists()
    except OSError as error:
        raise JournalUnavailable(f"{path} cannot be reached: {error.strerror}: ask its owner for access") from error


def refuse_lost(paths: WorkspacePaths) -> None:
    """No journal is an empty one only where none was: raises JournalUnavailable when the mirrored head names entries of it."""
    try:
        head = read_head(paths.audit_head)
    except ValueError as error:
        raise JournalUnavailable(f"{paths.control} is gone, and {error}: restore a backup") from error
    if head is not None and head.seq:
        raise JournalUnavailable(f"{paths.control} is gone, but #{head.seq} had been mirrored: restore a backup")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _storable(value: Any) -> Any:
    """`value` with bytes that were no UTF-8, as arguments and the environment may hold, written as `\\udc9b`: JSON cannot carry them."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_storable(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(each) for each in value]
    return value


def _misfit(note: SpooledNote, state: ControlState) -> str | None:
    """Why a note does not go with what the journal holds: appended all the same, it could never be read again."""
    try:
        fold([_as_entry(draft, note) for draft in note.drafts], state)
    except ValueError as error:
        return f"{note.path}: {error}"
    return None


def _noted(draft: Draft, note: SpooledNote) -> dict[str, Any]:
    """When it was noted, and whose file that was: what an entry says of itself where the journal could not take it."""
    return {"at": moment_text(draft.at), "real_at": moment_text(draft.real_at), "uid": note.owner}


def _as_entry(draft: Draft, note: SpooledNote) -> Entry:
    body = {**draft.body, "spooled": _noted(draft, note)}
    return Entry(0, draft.key, draft.kind, draft.subject, draft.at, draft.real_at, draft.actor, body, "", "")
