"""What each kind of entry does to the state. Each function changes the containers it is given and nothing else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backends.journal.entries import Entry, moment_of
from backends.records import Alert, Incident
from console.control import events
from console.control.actions import ENDED, ActionState, Call, Moved
from console.control.approval import BROKEN, FOREIGN, Approval, ApprovalPayload, Vote, place_in
from console.control.identity import Actor
from console.control.records import ActionRecord, EffectWatch, Holder, Note, Recheck, Review, RuleResponse, RunEvent, review_id
from console.control.state import ControlState

_ENDS = {events.EFFECTIVE: ActionState.EFFECTIVE, events.FAILED: ActionState.FAILED, events.REFUSED: ActionState.REFUSED}


def happened_at(entry: Entry) -> datetime:
    """When it happened by the workspace's clock: before it was recorded, for what went through the spool."""
    spooled = entry.body.get("spooled")
    return moment_of(spooled["at"]) if spooled else entry.at


def actor_of(entry: Entry) -> Actor:
    """Who did it."""
    return Actor.model_validate(entry.actor)


def action_intended(state: ControlState, entry: Entry) -> None:
    body, plan = entry.body, entry.body["plan"]
    state.actions[entry.subject] = ActionRecord(
        id=entry.subject,
        key=body["key"],
        kind=plan["kind"],
        environment=plan["environment"],
        model=plan["model"],
        alias=plan["alias"],
        subject=plan["subject"],
        from_=plan["from_"],
        to=plan["to"],
        reason=body["reason"],
        actor=actor_of(entry),
        state=ActionState.INTENDED,
        intended_at=happened_at(entry),
        approval=body["approval"],
        incident=plan["incident"],
        run=plan["run"],
        suggested=plan["suggested"],
        until=plan["until"],
        owner=plan.get("owner"),
        safer=plan["danger"] == "safer",
        holder=Holder.model_validate(body["holder"]),
        spooled="spooled" in body,
        entries=(entry.seq,),
        plan=plan,
        break_glass=plan.get("break_glass", False),
        published=body.get("published"),
    )
    if plan.get("break_glass"):
        _open_review(state, entry)
    state.action_by_key[body["key"]] = entry.subject
    state.unfinished.add(entry.subject)


def _open_review(state: ControlState, entry: Entry) -> None:
    plan, identifier = entry.body["plan"], review_id(entry.subject, state.reviews)
    review = Review(
        id=identifier,
        action=entry.subject,
        environment=plan["environment"],
        model=plan["model"],
        actor=actor_of(entry),
        reason=entry.body["reason"],
        opened_at=happened_at(entry),
    )
    # What was noted in the spool and is taken over later is the same review.
    known = state.reviews.get(identifier)
    if known is None or known.open:
        state.reviews[identifier] = review
        state.unreviewed.setdefault(identifier)


def reviewed(state: ControlState, entry: Entry) -> None:
    review, body = state.reviews[entry.subject], entry.body
    if review.open:
        state.reviews[entry.subject] = review.model_copy(
            update={
                "closed_at": happened_at(entry),
                "closed_by": actor_of(entry),
                "verdict": body["verdict"],
                "text": body["text"],
                "solo": body["solo"],
            }
        )
        state.unreviewed.pop(entry.subject, None)


def action_sent(state: ControlState, entry: Entry) -> None:
    body = entry.body
    told = {name: body[name] for name in ("awaits", "message", "after") if name in body}
    _update(state, entry, state=ActionState.SENT, sent_at=happened_at(entry), **told)


def action_in_doubt(state: ControlState, entry: Entry) -> None:
    _update(state, entry, state=ActionState.IN_DOUBT, message=entry.body["message"])


def action_rechecked(state: ControlState, entry: Entry) -> None:
    body = entry.body
    look = Recheck(at=happened_at(entry), who=actor_of(entry).who, message=body["message"], seen=body["seen"])
    _update(state, entry, recheck=look)


def action_retried(state: ControlState, entry: Entry) -> None:
    _update(
        state,
        entry,
        state=ActionState.SENT,
        sent_at=happened_at(entry),
        message="",
        awaits="",
        holder=Holder.model_validate(entry.body["holder"]),
        recheck=None,
        retries=entry.body["attempt"],
    )


def action_ended(state: ControlState, entry: Entry) -> None:
    body = entry.body
    if entry.subject not in state.actions:
        if "plan" in body:
            _attempt_refused(state, entry)
        return
    state.unfinished.discard(entry.subject)
    _update(
        state,
        entry,
        state=_ENDS[entry.kind],
        awaits="",
        finished_at=happened_at(entry),
        ended_seq=entry.seq,
        message=body["message"],
        after=body.get("after"),
        seconds=body.get("seconds"),
        calls=tuple(Call.model_validate(call) for call in body.get("calls", ())),
        difference=tuple(body.get("difference", ())),
        settled_by=body.get("settled_by"),
        moved=Moved.model_validate(body["moved"]) if body.get("moved") else None,
    )
    action = state.actions[entry.subject]
    if action.sent_at is None and entry.kind == events.EFFECTIVE:
        state.actions[entry.subject] = action.model_copy(update={"sent_at": happened_at(entry)})


def action_watched(state: ControlState, entry: Entry) -> None:
    body = entry.body
    _update(state, entry, watch=EffectWatch(verdict=body["verdict"], message=body["message"], at=happened_at(entry)))


def _attempt_refused(state: ControlState, entry: Entry) -> None:
    """An attempt that was refused before it was intended: it is on record, and its key stays free."""
    plan, at = entry.body["plan"], happened_at(entry)
    state.actions[entry.subject] = ActionRecord(
        id=entry.subject,
        key=entry.key,
        kind=plan["kind"],
        environment=plan["environment"],
        model=plan["model"],
        from_=plan["from_"],
        to=plan["to"],
        reason=entry.body.get("reason", ""),
        actor=actor_of(entry),
        state=ActionState.REFUSED,
        intended_at=at,
        finished_at=at,
        message=entry.body["message"],
        difference=tuple(entry.body.get("difference", ())),
        moved=Moved.model_validate(entry.body["moved"]) if entry.body.get("moved") else None,
        entries=(entry.seq,),
    )


def approval_asked(state: ControlState, entry: Entry, follows: tuple[int, str]) -> None:
    """Folds a request; `follows`: number and hash of the entry before it."""
    payload = ApprovalPayload.model_validate(entry.body["payload"])
    approval = Approval(
        id=entry.subject,
        payload=payload,
        payload_digest=entry.body["payload_digest"],
        asked_by=actor_of(entry),
        plan=entry.body.get("plan"),
    )
    state.asked_by_key[entry.body["key"]] = entry.subject
    if payload.journal not in {None, place_in(*follows)}:
        said = {"ended": "void", "ended_at": happened_at(entry), "ended_reason": FOREIGN, "difference": (FOREIGN,), "foreign": True}
        state.approvals[entry.subject] = approval.model_copy(update=said)
        return
    state.approvals[entry.subject] = approval
    state.unended[entry.subject] = None


def approval_voted(state: ControlState, entry: Entry) -> None:
    approval, body, actor = state.approvals[entry.subject], entry.body, actor_of(entry)
    if body["payload_digest"] != approval.payload_digest:
        # Nobody gives such a vote here: it was for something else, and put here by hand.
        return
    vote = Vote(
        person=actor.name,
        actor=actor,
        at=happened_at(entry),
        reason=body["reason"],
        payload_digest=body["payload_digest"],
        solo=body["solo"],
        signed_at=entry.real_at,
        signature=body["signature"],
        fingerprint=body.get("fingerprint"),
        signers=body.get("signers"),
    )
    state.approvals[entry.subject] = approval.model_copy(update={"votes": (*approval.votes, vote)})


def approval_ended(state: ControlState, entry: Entry) -> None:
    approval = state.approvals[entry.subject]
    if approval.ended is not None:
        return
    ended = {events.VETOED: "vetoed", events.VOIDED: "void", events.EXECUTED: "executed"}[entry.kind]
    state.unended.pop(entry.subject, None)
    state.approvals[entry.subject] = approval.model_copy(
        update={
            "ended": ended,
            "ended_at": happened_at(entry),
            "ended_by": actor_of(entry).name,
            "ended_reason": entry.body.get("reason", ""),
            "difference": tuple(entry.body.get("difference", ())),
        }
    )


def approval_executing(state: ControlState, entry: Entry) -> None:
    approval = state.approvals[entry.subject]
    state.approvals[entry.subject] = approval.model_copy(update={"executing": entry.body["action"]})


def approval_released(state: ControlState, entry: Entry) -> None:
    approval = state.approvals[entry.subject]
    state.approvals[entry.subject] = approval.model_copy(update={"executing": None})


def chain_broken(state: ControlState, entry: Entry) -> None:
    """Folds a break: whatever was asked for and approved before it, somebody may have put there."""
    state.breaks.append(entry.seq)
    for identifier in list(state.unended):
        approval = state.approvals[identifier]
        if approval.executing is None:
            said = {"ended": "void", "ended_at": happened_at(entry), "ended_reason": BROKEN, "difference": (BROKEN,)}
            state.approvals[identifier] = approval.model_copy(update=said)
            del state.unended[identifier]


def alert_opened(state: ControlState, entry: Entry) -> None:
    if state.alerts.setdefault(entry.subject, Alert.model_validate(entry.body["alert"])).closed_at is None:
        state.firing[entry.subject] = None


def alert_closed(state: ControlState, entry: Entry) -> None:
    alert = state.alerts[entry.subject]
    if alert.closed_at is None:
        state.firing.pop(entry.subject, None)
        state.alerts[entry.subject] = alert.model_copy(update={"closed_at": moment_of(entry.body["closed_at"])})


def rule_responded(state: ControlState, entry: Entry) -> None:
    state.responses.setdefault(entry.subject, RuleResponse.model_validate(entry.body["response"]))


def logged_over(state: ControlState, entry: Entry) -> None:
    known = state.responses[entry.subject]
    if known.alert.closed_at is None:
        alert = known.alert.model_copy(update={"closed_at": moment_of(entry.body["closed_at"])})
        state.responses[entry.subject] = known.model_copy(update={"alert": alert})


def incident_opened(state: ControlState, entry: Entry) -> None:
    incident = Incident.model_validate(entry.body["incident"])
    state.incidents[entry.subject] = incident
    if incident.state != "closed":
        state.unclosed[entry.subject] = None
    for alert in incident.alerts:
        _tie(state, alert, incident.id)


def incident_joined(state: ControlState, entry: Entry) -> None:
    incident, alert = state.incidents[entry.subject], entry.body["alert"]
    if alert not in incident.alerts:
        changed: dict[str, Any] = {"alerts": (*incident.alerts, alert), "severity": entry.body["severity"]}
        state.incidents[entry.subject] = Incident.model_validate({**incident.model_dump(), **changed})
    _tie(state, alert, entry.subject)


def incident_changed(state: ControlState, entry: Entry) -> None:
    state.recorded.add(entry.key)
    incident, at = state.incidents[entry.subject], happened_at(entry)
    if incident.state == "closed":
        return
    changes: dict[str, dict[str, Any]] = {
        events.TAKEN: {"driver": actor_of(entry).name, "driver_since": at},
        events.HANDED_OVER: {"driver": entry.body.get("to"), "driver_since": at},
        events.MITIGATED: {"state": "mitigated"},
        events.CLOSED: {"state": "closed", "closed_at": at},
    }
    state.incidents[entry.subject] = incident.model_copy(update=changes[entry.kind])
    if entry.kind == events.CLOSED:
        state.unclosed.pop(entry.subject, None)
    if entry.body.get("text"):
        noted(state, entry)


def acknowledged(state: ControlState, entry: Entry) -> None:
    state.recorded.add(entry.key)
    state.acknowledged[entry.subject] = _note(entry)


def noted(state: ControlState, entry: Entry) -> None:
    state.recorded.add(entry.key)
    state.notes[entry.key] = _note(entry)


def run_event(state: ControlState, entry: Entry) -> None:
    event = RunEvent(
        seq=entry.seq,
        run=entry.subject,
        name=entry.kind.removeprefix(events.RUN),
        at=happened_at(entry),
        actor=actor_of(entry),
        body=entry.body["event"],
        key=entry.key,
    )
    state.runs[entry.subject] = (*state.runs.get(entry.subject, ()), event)
    incident = state.incidents.get(entry.body.get("incident") or "")
    if incident is not None and incident.run is None:
        state.incidents[incident.id] = incident.model_copy(update={"run": entry.subject})


def breaker_moved(state: ControlState, entry: Entry) -> None:
    state.recorded.add(entry.key)
    state.breakers[entry.body["name"]] = {**entry.body, "key": entry.key}


def elevation_begun(state: ControlState, entry: Entry) -> None:
    """Folds the beginning of an elevation, which takes the place of an older one."""
    state.recorded.add(entry.key)
    state.elevations[entry.body["of"]] = {name: entry.body[name] for name in ("since", "until", "reason")}


def elevation_ended(state: ControlState, entry: Entry) -> None:
    """Folds its end before its time."""
    state.recorded.add(entry.key)
    state.elevations.pop(entry.body["of"], None)


def time_passed(state: ControlState, entry: Entry) -> None:
    """Ends for good what had ended by the time of an entry that came later, so that a clock which is set back revives nothing.

    Only what was there before the entry: one that a clock far ahead wrote once takes nothing from what begins after it.
    """
    for subject in [subject for subject, body in state.elevations.items() if moment_of(body["until"]) <= entry.real_at]:
        del state.elevations[subject]
    at = happened_at(entry)
    for identifier in list(state.unended):
        approval = state.approvals[identifier]
        if at > approval.deadline:
            state.approvals[identifier] = approval.model_copy(update={"lapsed": True})
            del state.unended[identifier]


def gap_closed(state: ControlState, entry: Entry) -> None:
    state.late.update(entry.body["keys"])


def _note(entry: Entry) -> Note:
    return Note(seq=entry.seq, at=happened_at(entry), actor=actor_of(entry), subject=entry.subject, text=entry.body.get("text", ""))


def _tie(state: ControlState, alert_id: str, incident_id: str) -> None:
    state.incident_by_alert[alert_id] = incident_id
    alert = state.alerts.get(alert_id)
    if alert is not None:
        state.alerts[alert_id] = alert.model_copy(update={"incident": incident_id})


def _update(control: ControlState, entry: Entry, /, **changed: Any) -> None:
    """An action that has ended stays ended: only its watch goes on."""
    action = control.actions.get(entry.subject)
    if action is not None and (action.state not in ENDED or "watch" in changed):
        control.actions[entry.subject] = action.model_copy(update={**changed, "entries": (*action.entries, entry.seq)})
