"""The kinds of entry that control writes, and the keys that make each of them happen once."""

from __future__ import annotations

from typing import Final

INTENDED: Final = "action.intended"
SENT: Final = "action.sent"
EFFECTIVE: Final = "action.effective"
FAILED: Final = "action.failed"
REFUSED: Final = "action.refused"
IN_DOUBT: Final = "action.in_doubt"
WATCHED: Final = "action.watched"
RECHECKED: Final = "action.rechecked"
RETRIED: Final = "action.retried"
ASKED: Final = "approval.asked"
APPROVED: Final = "approval.approved"
VETOED: Final = "approval.vetoed"
VOIDED: Final = "approval.voided"
EXECUTING: Final = "approval.executing"
RELEASED: Final = "approval.released"
EXECUTED: Final = "approval.executed"
REVIEWED: Final = "glass.reviewed"
"""A broken glass was reviewed; it is opened by the intent of the action itself, so that no crash comes between."""
ALERT_OPENED: Final = "alert.opened"
ALERT_CLOSED: Final = "alert.closed"
RESPONDED: Final = "rule.responded"
"""What a rule answers beside an alert: only this record, or a proposal."""
LOGGED_OVER: Final = "rule.logged_over"
INCIDENT_OPENED: Final = "incident.opened"
INCIDENT_JOINED: Final = "incident.alert_joined"
TAKEN: Final = "incident.taken"
HANDED_OVER: Final = "incident.handed_over"
MITIGATED: Final = "incident.mitigated"
CLOSED: Final = "incident.closed"
ACKNOWLEDGED: Final = "acknowledged"
NOTED: Final = "noted"
RUN: Final = "run."
"""Prefix of every entry of a playbook run."""
BREAKER_HELD: Final = "breaker.held"
BREAKER_LET_GO: Final = "breaker.let_go"
ELEVATED: Final = "elevation.begun"
LOWERED: Final = "elevation.ended"
GAP: Final = "audit.gap"
BREAK: Final = "audit.break"
CHECKPOINT: Final = "audit.checkpoint"


def intent_key(key: str) -> str:
    """Written once for each action key, before anything moves."""
    return f"action/{key}/intended"


def outcome_key(key: str) -> str:
    """Written once for each action key: whoever ends an action first has ended it."""
    return f"action/{key}/outcome"


def naming_key(key: str) -> str:
    """Of the entry that says, before it is moved, where an alias that serves nobody will stand."""
    return f"{NOTED}/{key}"


def naming(alias: str, version: str) -> str:
    """What that entry says."""
    return f"{alias} is {version}"
