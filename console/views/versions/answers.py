"""The five questions that an auditor asks about a version, each answered from records or said to be unanswerable, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from backends.records import Moment, digest_of
from backends.text import Untrusted
from console.control.actions import ActionState, version_label
from console.control.approval import Approval
from console.render import figures
from console.views.health.model import View
from console.views.lineage.provenance import Provenance, ended
from console.views.sight import Sight
from console.views.versions.differences import Difference

Asked = Literal["dataset", "features", "report", "approval", "changes"]

QUESTIONS: dict[Asked, str] = {
    "dataset": "Which dataset and schema trained it?",
    "features": "Which feature definitions were used?",
    "report": "Which evaluation report let it in?",
    "approval": "Who approved it, and when?",
    "changes": "What changed since the version before?",
}


class Answer(View):
    """One question and what the records say."""

    id: Asked
    question: str
    answered: bool
    lines: tuple[Untrusted, ...]
    """The answer; or, when it cannot be answered, why, beginning with `unanswerable: `."""


class Moved(View):
    """One move of the serving alias to this version."""

    at: Moment
    by: str
    action: str | None
    """The action of control that moved it; None: it was moved by something else."""


def answers_of(
    sight: Sight,
    known: Provenance,
    version: str,
    approvals: Sequence[Approval],
    moves: Sequence[Moved],
    previous: str | None,
    differences: Sequence[Difference],
) -> tuple[Answer, ...]:
    """All five."""
    return (
        _dataset(known, version),
        _features(known, version),
        _report(known, version, approvals),
        _approval(sight, approvals, moves, version),
        _changes(previous, version, differences),
    )


def _answered(asked: Asked, *lines: str) -> Answer:
    return Answer(id=asked, question=QUESTIONS[asked], answered=True, lines=tuple(Untrusted(each) for each in lines))


def _unanswerable(asked: Asked, why: str) -> Answer:
    return Answer(id=asked, question=QUESTIONS[asked], answered=False, lines=(Untrusted(f"unanswerable: {why}"),))


def _dataset(known: Provenance, version: str) -> Answer:
    run = known.run_of(version)
    if run is None:
        return _unanswerable("dataset", "no training run is recorded for this version")
    if not run.inputs:
        return _unanswerable("dataset", f"the run {run.name} names no dataset")
    lines = []
    for name in run.inputs:
        found = known.dataset_of(run, name)
        if found is None:
            return _unanswerable("dataset", f"the run {run.name} read {name}, of which no record exists")
        period = f", {found.covers_from} to {found.covers_to}" if found.covers_from else ""
        lines.append(f"{name}: snapshot {figures.short_digest(found.snapshot)}, {figures.count(found.rows)} rows{period}")
        lines.append(f"schema: {len(found.columns)} columns" if found.columns else "schema: no columns are recorded with the dataset")
        now = known.dataset(name)
        if now is not None and now.snapshot != found.snapshot:
            lines.append(f"the record of {name} was corrected since: it now says {figures.short_digest(now.snapshot)}")
        if known.dataset(name, ended(run)) is None:
            lines.append(f"{name} was recorded only after the run, so this is what was said of it later")
    return _answered("dataset", *lines)


def _features(known: Provenance, version: str) -> Answer:
    run = known.run_of(version)
    if run is None:
        return _unanswerable("features", "no training run is recorded for this version")
    if run.features is None:
        return _unanswerable("features", f"the run {run.name} names no feature definition")
    found, now = known.features_of(run), known.features(run.features)
    if found is None or now is None:
        return _unanswerable("features", f"the run {run.name} used {run.features}, of which no record exists")
    lines = [
        f"{found.name} version {found.version}: {len(found.columns)} columns, definition {figures.short_digest(found.definition_digest)}"
    ]
    if now.definition_digest == found.definition_digest and now.columns == found.columns:
        lines.append("the definition in force now is the same")
    else:
        added, gone = set(now.columns) - set(found.columns), set(found.columns) - set(now.columns)
        detail = "".join(
            [f"; added {', '.join(sorted(added))}" if added else "", f"; dropped {', '.join(sorted(gone))}" if gone else ""],
        )
        lines.append(f"the definition in force now differs: version {now.version}, {figures.short_digest(now.definition_digest)}{detail}")
    return _answered("features", *lines)


def _report(known: Provenance, version: str, approvals: Sequence[Approval]) -> Answer:
    reports = known.evaluations_of(version)
    bound = [each for each in approvals if each.payload.evaluation_digest is not None and each.ended == "executed"]
    if not bound:
        there = f"; {len(reports)} on it are recorded, none of them bound to a decision: {reports[0].name}" if reports else ""
        why = "no approval that was carried out names a report" if approvals else "no approval of this version is on record"
        return _unanswerable("report", why + there)
    lines = []
    for approval in bound:
        digest = approval.payload.evaluation_digest
        report = next((each for each in reports if digest_of(each.model_dump(mode="json")) == digest), None)
        if report is None:
            digits = figures.short_digest(digest)
            return _unanswerable("report", f"{approval.id} is bound to the report {digits}, and none here has that digest")
        metrics = "  ".join(f"{name} {figures.share(value)}" for name, value in list(report.metrics.items())[:4])
        lines.append(f"{report.name}, bound by {approval.id}: {figures.short_digest(digest)}")
        lines.append(f"{figures.count(report.labelled)} of {figures.count(report.rows)} rows labelled  {metrics}")
    return _answered("report", *lines)


def _approval(sight: Sight, approvals: Sequence[Approval], moves: Sequence[Moved], version: str) -> Answer:
    lines = []
    for approval in approvals:
        for vote in approval.votes:
            how = "signed" if vote.signature else "alone, as the only person" if vote.solo else "not signed with a key"
            when = figures.full_moment(vote.at, sight.zone)
            lines.append(f"{approval.id}: {vote.person} at {when}, {how}; asked by {approval.payload.requester}")
        if approval.ended == "vetoed":
            lines.append(f"{approval.id}: rejected by {approval.ended_by}")
    if any(approval.votes for approval in approvals):
        return _answered("approval", *lines)
    waiting = [each.id for each in approvals if each.state_at(sight.at).value == "pending"]
    if waiting:
        return _unanswerable("approval", f"nobody yet: {', '.join(waiting)} waits for a person")
    if not moves:
        rejected = f"; {lines[0]}" if lines else ""
        return _unanswerable("approval", f"{version_label(version)} was never let in, so nobody had to approve it{rejected}")
    first = moves[0]
    action = sight.control.actions.get(first.action or "")
    when = figures.full_moment(first.at, sight.zone)
    if action is not None and action.state is ActionState.EFFECTIVE:
        return _unanswerable("approval", f"{action.actor.who} moved it in at {when} with {action.id}, which needed no approval")
    return _unanswerable("approval", f"no approval is on record; {first.by} moved the alias at {when} outside this console")


def _changes(previous: str | None, version: str, differences: Sequence[Difference]) -> Answer:
    if previous is None:
        return _unanswerable("changes", f"there is no version before {version_label(version)}")
    if not differences:
        return _answered("changes", f"nothing that is recorded differs from {version_label(previous)}")
    lines = [f"{each.what}: {each.before.raw} -> {each.after.raw}" for each in differences if each.matters]
    unknown = [each.what for each in differences if not each.matters]
    if unknown:
        lines.append(f"not comparable, recorded for one of them only: {', '.join(unknown)}")
    return _answered("changes", f"against {version_label(previous)}:", *lines)
