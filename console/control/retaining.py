"""Applying retention: the rows that the workspace's own rules no longer keep are deleted, for good."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from backends.protocol import BackendError
from backends.store.acting import DeletesRows, DueRows
from console.control.actions import ActionKind, ActionPlan, Change
from console.control.drawing import approval_for, sealed, voided_by
from console.control.holding_back import held_back, not_held
from console.control.reach import Seen
from console.control.retention_terms import HeldDays, RetentionTerms
from console.control.situation import Situation

BEGINNING = "0001-01-01"
"""From when on a legal hold keeps rows."""

UNDO = "none: deleted rows do not come back, from no file that is landed again and no catalogue that is lost; a backup of before has them"


def retention_plan(situation: Situation) -> ActionPlan:
    """The plan of a deletion. Raises BackendError when what was deleted before, or who serves, cannot be read."""
    request, terms = situation.request, situation.facts.retention
    store = _store(situation.reach.rows)
    found = store.standing(request.environment, request.model)
    to = terms.told if terms is not None and terms.rows else None
    refusals = [] if to else [f"nothing of {request.model} is due: see quarterdeck retention {request.model}"]
    if terms is not None:
        moves = situation.reach.aliases.alias_history(request.environment, request.model)
        held = held_back(situation.state, moves, request.environment, request.model, situation.now)
        missed = next((each for cut in terms.cuts if (each := not_held(cut.held, held)) is not None), None)
        if missed is not None:
            refusals.insert(0, f"it would take rows that stay ({missed.reason}): draw the plan again")
    if situation.policy.trouble:
        refusals.insert(0, f"nothing is deleted while the policy files are broken: {situation.policy.trouble}")
    approval, step = approval_for(situation, ActionKind.RETAIN, to)
    refusals += voided_by(approval, situation, found) if step == "act" else []
    cuts = terms.cuts if terms is not None else ()
    return sealed(
        situation,
        danger="dangerous",
        approved_as=ActionKind.RETAIN,
        title=f"APPLY RETENTION {request.model}  {terms.rows if terms else 0:,} rows",
        from_=found,
        to=to,
        changes=tuple(
            Change(
                what=f"{cut.table} before {cut.before}",
                movement=f"{cut.rows:,} rows of {cut.days:,} days deleted",
                note=f"since {cut.oldest}; {cut.rule}" + (f"; {cut.kept_rows:,} rows as old stay" if cut.kept_rows else ""),
            )
            for cut in cuts
            if cut.rows
        ),
        unchanged=("profiles and what was judged of those days", "the audit", *_held_lines(terms)),
        undo=UNDO,
        calls=(
            f"delete_rows {request.model} if {found!r}",
            f"get_deleted {request.model}, until it says so",
        ),
        approval=approval.id if approval else None,
        step=step,
        refusals=refusals,
    )


def changed_terms(plan: ActionPlan, fresh: ActionPlan) -> tuple[str, ...]:
    """What is due otherwise than when the plan was drawn, log by log; empty where that was not looked at."""
    if plan.retention is None or fresh.retention is None:
        return ()
    return differences(plan.retention, fresh.retention)


def differences(drawn: RetentionTerms, now: RetentionTerms) -> tuple[str, ...]:
    """What two terms do not share, one line each."""
    if drawn.same_terms(now):
        return ()
    found: list[str] = []
    before, after = ({cut.table: cut for cut in each.cuts} for each in (drawn, now))
    for table in dict.fromkeys((*before, *after)):
        old, new = before.get(table), after.get(table)
        if new is None:
            found.append(f"{table}: was due before {before[table].before}, is not due by now")
        elif old is None:
            found.append(f"{table}: was not due, is due before {new.before}")
        else:
            found += [f"{table}: was due before {old.before}, is due before {new.before}"] if old.before != new.before else []
            found += [f"{table}: {_stretch(each)} stays by now" for each in new.held if each not in old.held]
            found += [f"{table}: {_stretch(each)} stays no longer" for each in old.held if each not in new.held]
    return tuple(found) or ("the logs were named in another order",)


def _stretch(held: HeldDays) -> str:
    return f"{held.first} to {held.last} ({held.reason})" if held.first > BEGINNING else f"every day ({held.reason})"


def _held_lines(terms: RetentionTerms | None) -> list[str]:
    held = {(each.first, each.last, each.reason): None for cut in (terms.cuts if terms else ()) for each in cut.held}
    return [f"rows of {first} to {last} ({reason})" for first, last, reason in held]


def _store(rows: DeletesRows | None) -> DeletesRows:
    if rows is None:
        raise BackendError("nothing here deletes rows: there is no store in reach")
    return rows


@dataclass(frozen=True, slots=True)
class RetentionMovement:
    """One deletion, as the executor drives it."""

    backend: DeletesRows | None
    environment: str
    model: str
    expected: str
    to: str
    terms: RetentionTerms | None
    """None where only its end is looked for."""
    key: str

    @property
    def topic(self) -> Literal["retention"]:
        return "retention"

    def call(self) -> str:
        return f"delete_rows {self.model} if {self.expected!r}"

    def read_call(self) -> str:
        return f"get_deleted {self.model}"

    def send(self, now: datetime) -> None:
        """Delete what is due. Raises BackendConflict, BackendUnavailable or BackendError."""
        if self.terms is None:
            raise BackendError("what was to be deleted is not on record: draw a new plan")
        due = [
            DueRows(cut.table, cut.before, tuple((each.first, each.last, each.reason) for each in cut.held), cut.rule)
            for cut in self.terms.cuts
        ]
        _store(self.backend).delete(self.environment, self.model, due, expected=self.expected, key=self.key, now=now)

    def read(self) -> Seen:
        """What is deleted now, and whether this call did it. Raises BackendError."""
        store = _store(self.backend)
        done, value = store.done(self.key), store.standing(self.environment, self.model)
        moved = None
        if done is None:
            return Seen(value, ours=False, in_force=False, moved=moved, certain=True)
        return Seen(f"{done.told}; {value}" if done.in_force else value, ours=True, in_force=done.in_force, moved=moved, certain=True)

    def forbid(self) -> bool | None:
        return _store(self.backend).forbid(self.key)

    def published(self) -> int | None:
        return None

    def tidy(self, now: datetime) -> tuple[str, str] | None:
        del now
        return None
