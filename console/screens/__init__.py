"""Every screen by its name; a module is loaded when its screen is first opened."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.screens.base import DeckScreen

SCREENS = {
    "fleet": "console.screens.fleet:FleetScreen",
    "model": "console.screens.model:ModelScreen",
    "drift": "console.screens.drift:DriftScreen",
    "quality": "console.screens.quality:QualityScreen",
    "labels": "console.screens.labels:LabelsScreen",
    "data": "console.screens.contract:ContractScreen",
    "explain": "console.screens.explain:ExplainScreen",
    "first-run": "console.screens.first_run:FirstRunScreen",
    "approvals": "console.screens.approvals:ApprovalsScreen",
    "reviews": "console.screens.reviews:ReviewsScreen",
    "approval": "console.screens.approvals:ApprovalScreen",
    "versions": "console.screens.versions:VersionsScreen",
    "version": "console.screens.versions:VersionScreen",
    "card": "console.screens.card:CardScreen",
    "sheet": "console.screens.card:SheetScreen",
    "maturity": "console.screens.maturity:MaturityScreen",
    "system": "console.screens.maturity:SystemScreen",
    "badges": "console.screens.badges:BadgesScreen",
    "asset": "console.screens.badges:AssetScreen",
    "lineage": "console.screens.lineage:LineageScreen",
    "changes": "console.screens.changes:ChangesScreen",
    "incident": "console.screens.incident:IncidentScreen",
    "sources": "console.screens.sources:SourcesScreen",
    "source": "console.screens.sources:SourceScreen",
    "switches": "console.screens.switches:SwitchesScreen",
    "actions": "console.screens.actions:ActionsScreen",
    "action": "console.screens.actions:ActionScreen",
    "audit": "console.screens.audit:AuditScreen",
    "entry": "console.screens.audit:EntryScreen",
    "alerts": "console.screens.alerts:AlertsScreen",
    "incidents": "console.screens.alerts:IncidentsScreen",
    "playbooks": "console.screens.playbooks:PlaybooksScreen",
    "playbook": "console.screens.playbooks:PlaybookScreen",
    "release": "console.screens.release:ReleaseScreen",
    "retention": "console.screens.retention:RetentionScreen",
    "own": "console.screens.own:OwnScreen",
    "help": "console.screens.help:HelpScreen",
}


def made(name: str, target: str | None = None) -> DeckScreen:
    """A new screen. Raises KeyError for a name that is none."""
    module, _, kind = SCREENS[name].partition(":")
    screen: DeckScreen = getattr(import_module(module), kind)(target)
    return screen
