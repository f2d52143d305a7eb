"""What is recorded and moves nothing: alerts, what rules answer, incidents, notes of playbook runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from backends.credentials import without_credentials
from backends.journal.entries import Draft
from backends.records import Alert, Incident, Onset, State
from backends.text import Untrusted
from console.control import events, incidents, responses
from console.control.actions import SERVING_ALIAS, ActionKind
from console.control.errors import Refused
from console.control.post import Post
from console.control.records import RuleResponse
from console.control.state import ControlState


class RecordKeeping(Post):
    """Alerts and incidents of the evaluator and of people, and the events of playbook runs."""

    def open_alert(self, alert: Alert) -> Alert:
        """Record a firing alert, once for each id. For the evaluator. Raises Refused or JournalUnavailable."""
        self._require_standing()
        return incidents.open_alert(self._ledger, alert)

    def close_alert(self, alert_id: str, closed_at: datetime) -> Alert:
        """Record that an alert stopped firing. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        return incidents.close_alert(self._ledger, alert_id, closed_at)

    def respond(self, response: RuleResponse) -> None:
        """Record what a rule answers beside an alert, once for each. For the evaluator. Raises Refused or JournalUnavailable."""
        self._require_standing()
        responses.record_response(self._ledger, response)

    def end_logged(self, identifier: str, ended_at: datetime) -> None:
        """Record that what a rule only records is over. Raises NotFound, Refused or JournalUnavailable."""
        self._require_standing()
        responses.end_logged(self._ledger, identifier, ended_at)

    def open_incident(self, alert: Alert, title: Untrusted, onset: Onset | None = None) -> Incident:
        """The incident of an alert: its own, else the open one of its model, else a new one. Raises Refused or JournalUnavailable."""
        self._require_standing()
        return incidents.open_incident(self._ledger, alert, title, onset)

    def declare_incident(
        self, environment: str, model: str, title: Untrusted, *, severity: State = State.CRITICAL, playbook: str | None = None, key: str
    ) -> Incident:
        """Open an incident by hand. Raises Refused or JournalUnavailable."""
        self._require_standing()
        self._require_role(ActionKind.NOTE, environment, model)
        return incidents.declare(
            self._ledger, environment, model, title=Untrusted(without_credentials(title.raw)), severity=severity, playbook=playbook, key=key
        )

    def name_version(self, environment: str, model: str, alias: str, version: str, *, key: str) -> None:
        """Point an alias that serves nobody, such as `challenger`, at a version; noted first. The same key again changes nothing.

        Raises Refused (the serving alias moves by promotion only), BackendError or JournalUnavailable.
        """
        self._require_standing()
        self._require_role(ActionKind.ASK, environment, model)
        if alias == SERVING_ALIAS:
            raise Refused(f"{alias} says which version serves: it is moved by a promotion or a rollback")
        found = self._reach.aliases.alias(environment, model, alias)
        body = {"text": events.naming(alias, version), "environment": environment, "model": model}
        self._ledger.record(self._ledger.draft(events.naming_key(key), events.NOTED, model, body))
        self._reach.aliases.set_alias(
            environment,
            model,
            alias,
            version,
            expected=found.version if found else None,
            key=key,
            actor=self.actor.who,
            now=self.clock.now(),
        )

    def note_restored(self, text: str, *, key: str) -> None:
        """Put on record what a backup brought back here; whoever restores a folder is its owner. Raises Refused or JournalUnavailable."""
        self._require_standing()
        body = {"text": without_credentials(text), "environment": "", "model": ""}
        self._ledger.record(self._ledger.draft(f"{events.NOTED}/{key}", events.NOTED, "workspace", body))

    def open_run(self, playbook: str, body: dict[str, Any], *, environment: str, model: str, incident: str | None, key: str) -> str:
        """Start the record of a playbook run; its id, the same for the same key. Raises Refused or JournalUnavailable."""
        self._require_standing()
        self._require_role(ActionKind.PLAYBOOK, environment, model)
        event = {"playbook": playbook, "environment": environment, "model": model, "incident": incident, **_kept(body)}

        def decision(state: ControlState) -> tuple[list[Draft], str]:
            for run, found in state.runs.items():
                if found[0].key == f"run/opened/{key}":
                    return [], run
            run = f"RUN-{max((int(known.rpartition('-')[2]) for known in state.runs), default=0) + 1}"
            content = {"event": event, "incident": incident}
            return [self._ledger.draft(f"run/opened/{key}", f"{events.RUN}opened", run, content)], run

        return self._ledger.decide(decision)

    def append_run_event(self, run_id: str, name: str, body: dict[str, Any], *, key: str, incident: str | None = None) -> None:
        """Append one event to a run, the first one starting it; the same key with the same content is one event.

        `body` is the runner's own JSON; `incident` ties the run to an incident. Raises Refused, JournalConflict (somebody used
        the key for something else: the run moved) or JournalUnavailable.
        """
        self._require_standing()
        environment, model = self._subject_of_run(run_id)
        self._require_role(ActionKind.PLAYBOOK, environment, model)
        content = {"event": _kept(body), "incident": incident}
        self._ledger.record(self._ledger.draft(f"run/{run_id}/{key}", f"{events.RUN}{name}", run_id, content))

    def _subject_of_run(self, run_id: str) -> tuple[str, str]:
        """Environment and model of a run; names that no rule means for a run that nobody opened."""
        opened = self._ledger.state().runs.get(run_id)
        body = opened[0].body if opened else {}
        return str(body.get("environment") or ""), str(body.get("model") or "")


def _kept(value: Any) -> Any:
    """What a runner says of a step, with what people wrote in it, as it is kept."""
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, dict):
        return {name: _kept(each) for name, each in value.items()}
    return [_kept(each) for each in value] if isinstance(value, list | tuple) else value
