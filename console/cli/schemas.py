"""The JSON that verbs print: which model stands behind each schema name. The schemas themselves are kept in `docs/schemas/`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

SCHEMAS: dict[str, str] = {
    "fleet": "console.views.fleet:FleetView",
    "model": "console.views.health:ModelHealth",
    "drift": "console.views.drift:DriftView",
    "quality": "console.views.quality:QualityView",
    "explain": "console.views.explain:ExplainView",
    "explain-list": "console.views.explain:ExplainListView",
    "drift-column": "console.views.drift:DriftDetailView",
    "incident": "console.views.incident:IncidentView",
    "playbooks": "console.views.playbooks:PlaybooksView",
    "playbook": "console.views.playbooks:PlaybookView",
    "findings": "console.views.playbooks:FindingsView",
    "run": "console.views.playbooks:RunView",
    "plan": "console.control.actions:ActionPlan",
    "approvals": "console.views.approvals:ApprovalsView",
    "approval": "console.views.approvals:ApprovalView",
    "outcome": "console.control.actions:ActionOutcome",
    "versions": "console.views.versions:VersionsView",
    "version": "console.views.version_card:VersionView",
    "lineage": "console.views.lineage:LineageView",
    "changes": "console.views.changes:ChangesView",
    "sources": "console.views.sources:SourcesView",
    "switches": "console.views.switches:SwitchesView",
    "actions": "console.views.actions:ActionsView",
    "action": "console.views.actions:ActionView",
    "audit-log": "console.views.audit:AuditView",
    "audit-verify": "console.views.audit:ChainView",
    "alerts": "console.views.alerts:AlertsView",
    "incidents": "console.views.alerts:IncidentsView",
    "backup": "console.views.backup:BackupView",
    "own": "console.views.own:OwnView",
    "ingest": "console.views.ingested:IngestView",
}
"""By the name in `"schema": "quarterdeck/NAME/1"`."""


def model_of(name: str) -> type[BaseModel]:
    """The view behind a schema name."""
    module, _, attribute = SCHEMAS[name].partition(":")
    found: type[BaseModel] = getattr(import_module(module), attribute)
    return found


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of what a verb prints with `--json`."""
    schema = model_of(name).model_json_schema(mode="serialization", by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = f"quarterdeck/{name}/1"
    schema.setdefault("properties", {})["schema"] = {"const": f"quarterdeck/{name}/1"}
    schema["required"] = sorted({*schema.get("required", []), "schema"})
    return schema
