"""The JSON Schemas that `docs/` keeps: of what verbs print, by name, and of the files that serving processes read."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

SCHEMAS: dict[str, str] = {
    "fleet": "console.views.health.fleet:FleetView",
    "model": "console.views.health.model:ModelHealth",
    "drift": "console.views.drift.view:DriftView",
    "quality": "console.views.quality.view:QualityView",
    "labels": "console.views.quality.labels:LabelsView",
    "quality-file": "console.views.quality.file:FileQualityView",
    "explain": "console.views.definitions.explain:ExplainView",
    "explain-list": "console.views.definitions.explain:ExplainListView",
    "drift-segments": "console.views.drift.segments:SegmentsView",
    "drift-column": "console.views.drift.view:DriftDetailView",
    "incident": "console.views.incidents.incident:IncidentView",
    "playbooks": "console.views.incidents.playbooks:PlaybooksView",
    "playbook": "console.views.incidents.playbooks:PlaybookView",
    "findings": "console.views.incidents.playbooks:FindingsView",
    "run": "console.views.incidents.playbooks:RunView",
    "plan": "console.control.actions:ActionPlan",
    "approvals": "console.views.approvals.requests:ApprovalsView",
    "approval": "console.views.approvals.request:ApprovalView",
    "approval-signatures": "console.views.approvals.signatures:SignaturesView",
    "approval-bundle": "console.views.approvals.signatures:BundleView",
    "reviews": "console.views.waiting.view:ReviewsView",
    "review": "console.views.approvals.reviews:ReviewView",
    "outcome": "console.control.actions:ActionOutcome",
    "plans": "console.views.release.several:PlansView",
    "outcomes": "console.views.release.several:OutcomesView",
    "versions": "console.views.versions.listing:VersionsView",
    "version": "console.views.versions.card:VersionView",
    "card": "console.views.cards.model_card:CardView",
    "data-sheet": "console.views.cards.data_sheet:SheetView",
    "badges": "console.views.badges.view:BadgesView",
    "maturity": "console.views.maturity.view:MaturityView",
    "lineage": "console.views.lineage.view:LineageView",
    "changes": "console.views.incidents.changes:ChangesView",
    "sources": "console.views.sources.listing:SourcesView",
    "traffic": "console.views.release.rollout:TrafficView",
    "switches": "console.views.release.switches:SwitchesView",
    "held": "console.views.release.holds:HeldView",
    "retention": "console.views.governance.retention:RetentionView",
    "breakers": "console.views.own.breakers:BreakersView",
    "actions": "console.views.actions:ActionsView",
    "action": "console.views.actions:ActionView",
    "audit-log": "console.views.audit:AuditView",
    "audit-verify": "console.views.audit:ChainView",
    "alerts": "console.views.incidents.alerts:AlertsView",
    "incidents": "console.views.incidents.alerts:IncidentsView",
    "init": "console.views.workspaces:InitView",
    "workspaces": "console.views.workspaces:WorkspacesView",
    "policies": "console.views.in_force:InForceView",
    "config": "console.views.workspaces:ConfigView",
    "config-path": "console.views.workspaces:PathView",
    "secrets": "console.views.secrets:SecretsView",
    "watch": "console.views.workspaces:WatchView",
    "endpoint": "console.views.endpoint:EndpointView",
    "demo": "console.views.workspaces:DemoView",
    "backup": "console.views.backup:BackupView",
    "own": "console.views.own.view:OwnView",
    "ingest": "console.views.sources.ingested:IngestView",
    "compare": "console.views.compare.files:CompareView",
    "elevation": "console.views.approvals.elevation:ElevationView",
    "contract-proposal": "console.views.data.contract:ContractProposalView",
    "leakage": "console.views.data.leakage:LeakageView",
    "parity": "console.views.data.parity:ParityView",
    "parity-replay": "console.views.data.replay:ReplayView",
    "contract-check": "console.views.data.contract:ContractCheckView",
    "can-i": "console.views.approvals.may:MayView",
}
"""By the name in `"schema": "quarterdeck/NAME/1"`."""


PUBLISHED: dict[str, str] = {
    "switches": "backends.local.documents:SwitchesDocument",
    "traffic": "backends.local.traffic_document:TrafficDocument",
    "pipelines": "backends.local.pipelines_document:PipelinesDocument",
}
"""The files that serving processes and pipelines read; `docs/NAME.schema.json` is kept beside the folder of the others."""


def published_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of `NAME.json`, with every field that is always written as required."""
    schema = _named(PUBLISHED[name]).model_json_schema(mode="validation")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = f"quarterdeck/{name}/1"
    schema["required"] = sorted(schema["properties"])
    return schema


def published_text(name: str) -> str:
    """The same, as it is kept in `docs/`."""
    return json.dumps(published_schema(name), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def published_path(folder: Path, name: str) -> Path:
    """Where the schema of `NAME.json` is kept, beside `folder`."""
    return folder.parent / f"{name}.schema.json"


def model_of(name: str) -> type[BaseModel]:
    """The view behind a schema name."""
    return _named(SCHEMAS[name])


def _named(place: str) -> type[BaseModel]:
    module, _, attribute = place.partition(":")
    found: type[BaseModel] = getattr(import_module(module), attribute)
    return found


def name_key(fields: Collection[str]) -> str:
    """Where the name of its schema stands in an answer with these fields: a view that speaks of schemas itself has `schema` taken."""
    return "$schema" if "schema" in fields else "schema"


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of what a verb prints with `--json`."""
    schema = model_of(name).model_json_schema(mode="serialization", by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = f"quarterdeck/{name}/1"
    key = name_key(schema.setdefault("properties", {}))
    schema["properties"][key] = {"const": f"quarterdeck/{name}/1"}
    schema["required"] = sorted({*schema.get("required", []), key})
    return schema


def text_of(name: str) -> str:
    """A schema as it is kept in `docs/schemas/NAME.json`."""
    return json.dumps(json_schema(name), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def write(folder: Path, *, accept: bool = False) -> list[str]:
    """Write every schema into `folder`. Without `accept` nothing is written when that would break readers: one line for each place."""
    from console.cli.schema_changes import incompatible

    folder.mkdir(parents=True, exist_ok=True)
    kept = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))}
    broken = [f"{name}: the whole schema is gone" for name in kept if name not in SCHEMAS]
    broken += [f"{name}: {line}" for name, old in kept.items() if name in SCHEMAS for line in incompatible(old, json_schema(name))]
    for name in PUBLISHED:
        path = published_path(folder, name)
        if path.exists():
            changes = incompatible(json.loads(path.read_text(encoding="utf-8")), published_schema(name))
            broken += [f"{path.name}: {line}" for line in changes]
    if broken and not accept:
        return broken
    for name in kept.keys() - SCHEMAS.keys():
        (folder / f"{name}.json").unlink()
    for name in SCHEMAS:
        (folder / f"{name}.json").write_text(text_of(name), encoding="utf-8")
    for name in PUBLISHED:
        published_path(folder, name).write_text(published_text(name), encoding="utf-8")
    return []


def main(words: Sequence[str]) -> int:
    """`python -m console.cli.schemas --write DIR [--accept]`."""
    if len(words) not in {2, 3} or words[0] != "--write" or words[2:] not in ([], ["--accept"]):
        print("python -m console.cli.schemas --write DIR [--accept]", file=sys.stderr)
        return 2
    broken = write(Path(words[1]), accept="--accept" in words)
    if broken:
        print("\n".join([*broken, "readers would stumble over this; nothing was written (--accept writes it)"]), file=sys.stderr)
        return 1
    print(f"{len(SCHEMAS)} schemas in {words[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
