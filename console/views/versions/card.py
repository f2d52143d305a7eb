"""One version in full: its record, its run, what let it in, and the questions of an auditor."""

from __future__ import annotations

from backends.records import Moment
from backends.store.reader import Reader
from backends.text import Untrusted
from console.control.actions import ALIAS_KINDS
from console.control.approval import Approval
from console.views.data.kept_search import RecordedSearch, newest_search
from console.views.health.model import View
from console.views.lineage.provenance import Provenance, provenance_of
from console.views.sight import Sight
from console.views.versions.answers import Answer, Moved, answers_of
from console.views.versions.differences import Difference, differences_of
from console.views.versions.listing import VersionRow, version_row
from console.views.versions.serving import SERVING_ALIAS


class NoSuchVersion(LookupError):
    """A version that no record and no alias names."""


class Signed(View):
    """One person's approval."""

    person: str
    at: Moment
    reason: Untrusted
    signed: bool
    solo: bool


class LetIn(View):
    """An approval that a version was asked for, and what became of it."""

    id: str
    action: str
    asked_by: str
    asked_at: Moment
    state: str
    votes: tuple[Signed, ...]
    needed: int
    evaluation_digest: str | None
    gates: tuple[str, ...]


class VersionView(View):
    """The card of one version."""

    environment: str
    model: str
    at: Moment
    zone: str
    past: bool
    row: VersionRow
    previous: str | None
    """The version that served, or was registered, before this one."""
    params: dict[str, str | int | float | bool | None]
    trigger: Untrusted
    started_at: Moment | None
    ended_at: Moment | None
    phases: dict[str, float]
    leakage: RecordedSearch | None
    """The newest search for leakage that was kept for its run; None: none was."""
    features: str | None
    environment_digest: str | None
    code_commit: str | None
    policy_digest: str | None
    approvals: tuple[LetIn, ...]
    moves: tuple[Moved, ...]
    reports: tuple[str, ...]
    answers: tuple[Answer, ...]
    differences: tuple[Difference, ...]


def version_view(sight: Sight, reader: Reader, model: str, version: str) -> VersionView:
    """One version. Raises NoSuchModel, NoSuchVersion or StoreError."""
    return version_of(sight, reader, provenance_of(sight, reader, model), version)


def version_of(sight: Sight, reader: Reader, known: Provenance, version: str) -> VersionView:
    """One version of a model whose records were read. Raises NoSuchVersion or StoreError."""
    model = known.name
    history = [move for move in sight.alias_history(model) if move.moved_at <= sight.at]
    if known.version(version) is None and all(move.version != version for move in history):
        listed = ", ".join(known.versions()) or "none yet"
        raise NoSuchVersion(f"{model} has no version {version!r}; there are: {listed}")
    record, run = known.version(version), known.run_of(version)
    made_by = run.name if run else record.run if record else None
    previous = version_before(sight, known, version)
    approvals = [
        each
        for each in sight.control.approvals.values()
        if (each.payload.environment, each.payload.model, each.payload.to) == (sight.environment, model, version)
        and each.payload.action in ALIAS_KINDS
    ]
    differences = () if previous is None else differences_of(known, previous, version)
    moves = _moves(sight, model, version)
    answers = answers_of(sight, known, version, approvals, moves, previous, differences)
    return VersionView(
        environment=sight.environment,
        model=model,
        at=sight.at,
        zone=sight.workspace.settings.display_zone,
        past=sight.past,
        row=version_row(sight, known, history, version),
        previous=previous,
        params=dict(run.params) if run else {},
        trigger=run.trigger if run else Untrusted(""),
        started_at=run.started_at if run else None,
        ended_at=run.ended_at if run else None,
        phases=dict(run.phases) if run else {},
        leakage=newest_search(reader, sight.environment, model, "leakage", sight.at, made_by) if made_by else None,
        features=run.features if run else None,
        environment_digest=record.environment_digest if record else None,
        code_commit=record.code_commit if record else None,
        policy_digest=record.policy_digest if record else None,
        approvals=tuple(_let_in(sight, each) for each in approvals),
        moves=moves,
        reports=tuple(report.name for report in known.evaluations_of(version)),
        answers=answers,
        differences=differences,
    )


def version_before(sight: Sight, known: Provenance, version: str) -> str | None:
    """What served just before this version first did; for one that never served, the one registered before it."""
    moves = [move for move in sight.alias_history(known.name) if move.alias == SERVING_ALIAS and move.moved_at <= sight.at]
    first = next((number for number, move in enumerate(moves) if move.version == version), None)
    if first is not None:
        return next((move.version for move in reversed(moves[:first]) if move.version not in {None, version}), None)
    record = known.version(version)
    if record is None:
        return None
    older = [each[0] for name, each in known.versions().items() if name != version and each[0].event_at < record.event_at]
    return max(older, key=lambda each: each.event_at).version if older else None


def _moves(sight: Sight, model: str, version: str) -> tuple[Moved, ...]:
    by_key = sight.control.action_by_key
    return tuple(
        Moved(at=move.moved_at, by=move.moved_by, action=by_key.get(move.key))
        for move in sight.alias_history(model)
        if (move.alias, move.version) == (SERVING_ALIAS, version) and move.moved_at <= sight.at
    )


def _let_in(sight: Sight, approval: Approval) -> LetIn:
    payload = approval.payload
    return LetIn(
        id=approval.id,
        action=payload.action.value,
        asked_by=payload.requester,
        asked_at=payload.requested_at,
        state=approval.state_at(sight.at).value,
        votes=tuple(
            Signed(person=vote.person, at=vote.at, reason=Untrusted(vote.reason), signed=vote.signature is not None, solo=vote.solo)
            for vote in approval.votes
        ),
        needed=payload.needed,
        evaluation_digest=payload.evaluation_digest,
        gates=tuple(f"{gate.name}: {gate.state.value}" + (" with waiver" if gate.waiver else "") for gate in payload.gates),
    )
