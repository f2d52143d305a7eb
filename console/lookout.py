"""Opens a workspace for looking and answers every question of screens and verbs with a view. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from backends.text import Untrusted
from console.clock import Clock
from console.config import Workspace, WorkspaceProblem, open_workspace
from console.records_lookout import RecordsLookout
from console.session import Session
from console.views.health.fleet import FleetView
from console.views.health.kept import fleet_in_force, health_in_force, last_fleet
from console.views.health.latest_action import latest_effective, watched
from console.views.health.model import ModelHealth
from console.views.health.standing import with_control
from console.views.sight import Sight

if TYPE_CHECKING:
    from pathlib import Path

    from console.views.actions import ActionView
    from console.views.approvals.request import ApprovalView
    from console.views.approvals.requests import ApprovalsView
    from console.views.badges.view import BadgesView
    from console.views.cards.model_card import CardView
    from console.views.data.contract import ContractCheckView
    from console.views.data.parity import ParityAsked, ParityView
    from console.views.data.replay import ReplayView
    from console.views.definitions.explain import ExplainListView, ExplainView
    from console.views.drift.segments import SegmentsView
    from console.views.drift.view import Asked, DriftDetailView, DriftView
    from console.views.incidents.effect_view import EffectView
    from console.views.incidents.incident import IncidentView
    from console.views.maturity.view import MaturityView
    from console.views.quality.labels import LabelsView
    from console.views.quality.view import QualityAsked, QualityView
    from console.views.release.holds import HeldView


@dataclass
class Lookout(RecordsLookout):
    """One environment of one workspace, seen from now or from a past moment."""

    workspace: Workspace
    environment: str
    as_of: datetime | None = None

    @classmethod
    def open(cls, session: Session) -> Lookout:
        """Open the session's workspace. Raises WorkspaceProblem."""
        workspace = open_workspace(session.located.root)
        environment = session.environment or workspace.environment
        if environment not in workspace.settings.environments:
            raise WorkspaceProblem(f"no environment {environment!r} here; there are: {', '.join(workspace.settings.environments)}")
        return cls(workspace, environment, session.as_of)

    def clock(self) -> Clock:
        """The clock of every look: real, simulated, or standing in the past."""
        return self.workspace.clock(as_of=self.as_of)

    def sight(self) -> Sight:
        """A new look, at the present moment of the clock."""
        return Sight(self.workspace, self.environment, self.clock())

    def fleet(self) -> FleetView:
        """Every model, worst first: as last evaluated when nothing has changed since, else evaluated now. Raises StoreError."""
        sight = self.sight()
        found = fleet_in_force(sight)
        if found is not None:
            return found
        from console.views.health.assessment import known_fleet  # loads the store and the arithmetic

        with sight.reader() as reader:
            return known_fleet(sight, reader)

    def fleet_standing(self) -> FleetView | None:
        """What is known at once: the last evaluation, however old, with what stands now. None: there is none, or the past is looked at."""
        sight = self.sight()
        found = None if sight.past else last_fleet(sight.workspace.paths, sight.environment)
        return with_control(found, sight) if found is not None else None

    def model(self, name: str) -> ModelHealth:
        """Health of one model: as last evaluated when nothing has changed since, else evaluated now. Raises NoSuchModel."""
        sight = self.sight()
        found = health_in_force(sight, name)
        if found is not None:
            return found
        from console.views.health.assessment import known_health
        from console.views.versions.registry import registry_of

        with sight.reader() as reader:
            return known_health(sight, reader, registry_of(reader, self.environment, sight.at), name)

    def incident(self, identifier: str) -> IncidentView:
        """One incident with its playbook as control has it now. Raises NotFound."""
        from console.runbook.incident import incident_view

        return incident_view(self.sight(), identifier)

    def incident_standing(self, shown: IncidentView) -> IncidentView:
        """The incident that is shown with what control knows of it now, read in no time. Raises NotFound."""
        from console.runbook.incident import incident_standing

        return incident_standing(self.sight(), shown)

    def drift(self, name: str, asked: Asked | None = None) -> DriftView:
        """Every column of a model against the reference. Raises NoSuchModel."""
        from console.views.drift.view import Asked, DriftView
        from console.views.health.kept_look import look_in_force

        found = look_in_force(self.sight(), "drift", DriftView, name) if asked in {None, Asked()} else None
        if found is not None:
            return found
        from console.views.drift.look import drift_view  # loads the store and the arithmetic

        health, sight = self.model(name), self.sight()
        with sight.reader() as reader:
            return drift_view(sight, reader, health, asked or Asked())

    def quality(self, name: str, asked: QualityAsked | None = None) -> QualityView:
        """Observed quality of a model. Raises NoSuchModel and NoSuchSlice."""
        from console.views.health.kept_look import look_in_force
        from console.views.quality.view import QualityAsked, QualityView

        found = look_in_force(self.sight(), "quality", QualityView, name) if asked in {None, QualityAsked()} else None
        if found is not None:
            return found
        from console.views.quality.look import quality_view  # loads the store and the arithmetic

        health, sight = self.model(name), self.sight()
        with sight.reader() as reader:
            return quality_view(sight, reader, health, asked or QualityAsked())

    def card(self, name: str, version: str | None = None) -> CardView:
        """The card of a version, of the one that serves if None. Raises NoSuchModel, NoSuchVersion, NoVersion or StoreError."""
        from console.views.cards.model_card import card_view, version_of_card
        from console.views.lineage.provenance import provenance_of
        from console.views.versions.serving import serving_at

        sight = self.sight()
        with sight.reader() as reader:
            known = provenance_of(sight, reader, name)
            about = version_of_card(sight, known, version)
            serves = serving_at(sight.alias_history(name), sight.at).version == about
            return card_view(sight, reader, known, about, self.quality(name) if serves else None)

    def maturity(self, name: str | None = None) -> MaturityView:
        """How mature the delivery of each system is, or of one, by what the workspace holds of it. Raises NoSuchModel or StoreError."""
        from console.views.lineage.provenance import every_provenance, provenance_of
        from console.views.maturity.view import maturity_view

        sight = self.sight()
        with sight.reader() as reader:
            known = every_provenance(sight, reader) if name is None else [provenance_of(sight, reader, name)]
            return maturity_view(sight, reader, [(each, self.model(each.name)) for each in known])

    def badges(self, name: str, asset: str | None = None) -> BadgesView:
        """Five badges for every asset of a model, or for one. Raises NoSuchModel, NoSuchAsset or StoreError."""
        from console.views.badges.view import badges_view
        from console.views.lineage.provenance import provenance_of

        sight = self.sight()
        with sight.reader() as reader:
            return badges_view(sight, reader, provenance_of(sight, reader, name), self.model(name), asset)

    def labels(self, name: str) -> LabelsView:
        """How many outcomes of a model are known, and how fast they come. Raises NoSuchModel."""
        from console.views.health.kept_look import look_in_force
        from console.views.quality.labels import LabelsView

        found = look_in_force(self.sight(), "labels", LabelsView, name)
        if found is not None:
            return found
        from console.views.quality.labels_look import labels_view  # loads the store and the arithmetic

        health, sight = self.model(name), self.sight()
        with sight.reader() as reader:
            return labels_view(sight, reader, health)

    def held(self, model: str | None = None, pipeline: str | None = None) -> HeldView:
        """What holds the jobs of a model, or of every one. Never raises."""
        from console.views.release.holds import held_view  # loads control

        return held_view(self.sight(), model, pipeline)

    def contract(self, name: str) -> ContractCheckView:
        """The production logs of a model against its contract. Raises NoSuchModel."""
        from console.views.data.logs import logs_checked  # loads the store and the arithmetic

        sight = self.sight()
        with sight.reader() as reader:
            return logs_checked(sight, reader, name)

    def parity(self, offline: str, name: str, asked: ParityAsked, days: int) -> ParityView:
        """A file of what was computed offline against what a model logged. Raises NoSuchModel, DataFileProblem and StoreError."""
        from backends.data_files.files import table_files  # loads the store
        from backends.data_files.logged import logged
        from backends.data_files.table import opened_beside
        from backends.store.reader import open_reader
        from console.views.data.parity import parity_of
        from console.views.lineage.provenance import provenance_of
        from console.views.lineage.windows import trained_windows
        from console.views.versions.registry import no_such_model, registry_of
        from console.views.versions.serving import serving_at

        sight, side = self.sight(), table_files(offline)
        with open_reader(self.workspace.paths, at=sight.at, also_readable=side.files) as reader:
            models = registry_of(reader, sight.environment, sight.at).models
            if name not in models:
                raise no_such_model(name, models)
            with opened_beside(reader.connection, side, "offline_rows") as table:
                online = logged(reader, sight.environment, name, sight.at - timedelta(days=days), sight.at)
                serving = serving_at(sight.alias_history(name), sight.at).version
                return parity_of(table, online, asked, trained_windows(provenance_of(sight, reader, name), serving))

    def replay(self, name: str, last: int, out: Path) -> ReplayView:
        """Write the newest requests that `M` or `M@V` answered. Raises NoSuchModel, DataFileProblem and StoreError."""
        from console.views.data.replay import replay
        from console.views.lineage.provenance import named_version
        from console.views.versions.registry import registry_of

        sight = self.sight()
        with sight.reader() as reader:
            model, version = named_version(name, registry_of(reader, sight.environment, sight.at).models)
        return replay(sight, model, version, last, out)

    def explain(self, topic: str | None) -> ExplainView | ExplainListView:
        """What a number or word means; without a topic every one. Raises NoSuchTopic."""
        from console.views.definitions.explain import explain_list, explained

        policies = self.sight().policies
        return explained(topic, policies) if topic else explain_list(policies)

    def drift_column(self, name: str, column: str, asked: Asked | None = None, *, exact: bool = False) -> DriftDetailView:
        """One column of a model in detail; with `exact` its KS and Wasserstein from the rows. Raises NoSuchModel and NoSuchColumn."""
        from console.views.drift.view import Asked, DriftColumnsView
        from console.views.health.kept_look import look_in_force

        usual = not exact and asked in {None, Asked()}
        kept = look_in_force(self.sight(), "drift-columns", DriftColumnsView, name) if usual else None
        found = next((each for each in kept.columns if each.shift.column.raw == column), None) if kept is not None else None
        if found is not None:
            return found
        from console.views.drift.look import drift_detail  # loads the store and the arithmetic

        health, sight = self.model(name), self.sight()
        with sight.reader() as reader:
            return drift_detail(sight, reader, health, column, asked or Asked(), exact=exact)

    def drift_segments(self, name: str, column: str, asked: Asked | None = None) -> SegmentsView:
        """Drift of scores and inputs within each value of a column. Raises NoSuchModel and NoSuchColumn."""
        from console.views.drift.by_segment import segments_view
        from console.views.drift.view import Asked

        health, sight = self.model(name), self.sight()
        with sight.reader() as reader:
            return segments_view(sight, reader, health, column, asked or Asked())

    def approvals(self) -> ApprovalsView:
        """Every request for approval, those that wait first."""
        from console.views.approvals.requests import approvals_view

        return approvals_view(self.sight())

    def approval(self, approval_id: str, patience: float = 30.0) -> ApprovalView:
        """One request as this person sees it, with what is true now where that can be read in time. Raises NotFound."""
        from console.views.approvals.asked import approval_asked

        return approval_asked(self.sight(), approval_id, patience).view

    def action_with_effect(self, wanted: str) -> ActionView:
        """One action and, where it moved something, whether that helped. Raises NoSuchAction."""
        view = self.action(wanted)
        action = self.sight().control.action(wanted)
        if action is None or not watched(action):
            return view
        from backends.store.errors import StoreError

        try:
            return view.model_copy(update={"effect": self.effect(action.id)})
        except (LookupError, StoreError) as error:
            return view.model_copy(update={"effect_problem": Untrusted(str(error))})

    def latest_effect(self, model: str) -> EffectView | None:
        """Whether the newest action on a model helped; None when nothing was done lately. Raises LookupError or StoreError."""
        sight = self.sight()
        action = latest_effective(sight, model)
        if action is None:
            return None
        from console.views.incidents.effect import effect_view  # loads the store and the arithmetic

        with sight.reader() as reader:
            return effect_view(sight, reader, action.id)

    def effect(self, action_id: str) -> EffectView:
        """Whether an action helped. Raises LookupError or StoreError."""
        from console.views.incidents.effect import effect_view

        sight = self.sight()
        with sight.reader() as reader:
            return effect_view(sight, reader, action_id)
