"""The questions that are answered from records and from control alone: nothing is evaluated for them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from typing import TYPE_CHECKING

from console.views.health.model import ModelHealth
from console.views.sight import Sight

if TYPE_CHECKING:
    from console.control.audit import AuditFilter
    from console.views.actions import ActionsView, ActionView
    from console.views.audit import AuditView, ChainView
    from console.views.cards.data_sheet import SheetView
    from console.views.governance.retention import RetentionView
    from console.views.incidents.alerts import AlertsView, IncidentsView
    from console.views.incidents.changes import ChangesView
    from console.views.lineage.view import LineageView
    from console.views.own.breakers import BreakersView
    from console.views.release.rollout import TrafficView
    from console.views.release.switches import SwitchesView
    from console.views.sources.listing import SourcesView
    from console.views.versions.card import VersionView
    from console.views.versions.listing import VersionsView
    from console.views.waiting.view import ReviewsView

# Each view is imported by its own question: a verb loads no more than its answer needs.


class RecordsLookout(ABC):
    """Answers from records, the journal and the published files."""

    @abstractmethod
    def sight(self) -> Sight:
        """A new look."""

    @abstractmethod
    def model(self, name: str) -> ModelHealth:
        """Health of one model."""

    def named_version(self, text: str) -> tuple[str, str | None]:
        """`M` or `M@V` as model and version; a model whose own name holds an `@` is taken as a whole."""
        from backends.store import queries
        from console.views.lineage.provenance import named_version

        if "@" not in text:
            return text, None
        sight = self.sight()
        with sight.reader() as reader:
            model, version = named_version(text, queries.models(reader, sight.environment))
            if version is None or not version.startswith("v"):
                return model, version
            known = {record.version for record in queries.records_of(reader, "version", model) if record.kind == "version"}
            # Screens write `v3` for the version `3`, so that is what people type.
            return model, version if version in known else version.removeprefix("v")

    def versions(self, model: str) -> VersionsView:
        """Every version of a model. Raises NoSuchModel."""
        from console.views.versions.listing import versions_view

        sight = self.sight()
        with sight.reader() as reader:
            return versions_view(sight, reader, model)

    def version(self, model: str, version: str) -> VersionView:
        """One version in full. Raises NoSuchModel or NoSuchVersion."""
        from console.views.versions.card import version_view

        sight = self.sight()
        with sight.reader() as reader:
            return version_view(sight, reader, model, version)

    def sheet(self, dataset: str) -> SheetView:
        """The data sheet of a dataset. Raises NoSuchDataset or StoreError."""
        from console.views.cards.data_sheet import sheet_view

        sight = self.sight()
        with sight.reader() as reader:
            return sheet_view(sight, reader, dataset)

    def lineage(self, model: str, version: str | None = None) -> LineageView:
        """From the sources to the outcome of a version, the serving one if None. Raises NoSuchModel or NoSuchVersion."""
        from console.views.lineage.view import lineage_view

        sight = self.sight()
        with sight.reader() as reader:
            return lineage_view(sight, reader, model, version)

    def changes(self, model: str, around: datetime | None = None) -> ChangesView:
        """What changed, nearest to `around`, or to when the model broke. Raises NoSuchModel."""
        from console.views.incidents.changes_of import changes_of

        health = self.model(model)
        layer = health.broke_first.value if health.broke_first else ""
        onset, why = health.broke_first_at, f"{layer}: {health.broke_first_why}" if layer else "no layer is broken now"
        if around is not None:
            onset, why = around, "the moment that was asked for"
        sight = self.sight()
        with sight.reader() as reader:
            return changes_of(sight, reader, model, onset, why)

    def sources(self) -> SourcesView:
        """Every source; one that is down is an answer."""
        from console.views.sources.listing import sources_view

        return sources_view(self.sight())

    def retention(self, model: str | None = None) -> RetentionView:
        """How long every log is kept, or those of one model. Raises NoSuchModel or StoreError."""
        from console.views.governance.retention import retention_view

        sight = self.sight()
        with sight.reader() as reader:
            return retention_view(sight, reader, model)

    def reviews(self) -> ReviewsView:
        """Everything that waits for a person. Never raises."""
        from console.views.waiting.view import reviews_view

        return reviews_view(self.sight())

    def breakers(self) -> BreakersView:
        """Every breaker of what is called outside."""
        from console.views.own.breakers import breakers_view

        return breakers_view(self.sight())

    def switches(self) -> SwitchesView:
        """Every kill switch."""
        from console.views.release.switches import switches_view

        return switches_view(self.sight())

    def traffic(self, model: str) -> TrafficView:
        """How the traffic of a model is divided, what its rollout has shown, what would roll it back. Needs no store for the first.

        Raises NoSuchModel when nothing knows the model.
        """
        from backends.store.errors import StoreError
        from console.acting import known_models
        from console.views.not_found import NoSuchModel
        from console.views.release.rollout import rollout_in_force, traffic_view
        from console.views.release.triggers import with_triggers

        sight = self.sight()
        known = model in known_models(sight.workspace, sight.environment)
        try:
            health: ModelHealth | str = self.model(model)
        except (StoreError, NoSuchModel) as error:
            if not known:
                raise
            health = str(error)
        if rollout_in_force(sight, model) is None:
            return with_triggers(sight, traffic_view(sight, model), health)
        from console.views.release.measured import traffic_measured  # loads the store and the arithmetic

        return with_triggers(sight, traffic_measured(sight, model), health)

    def actions(self, *, only_open: bool = False, model: str | None = None) -> ActionsView:
        """Actions, those that wait for a person first."""
        from console.views.actions import actions_view

        return actions_view(self.sight(), only_open=only_open, model=model)

    def action(self, wanted: str) -> ActionView:
        """One action in full. Raises NoSuchAction."""
        from console.views.actions import action_view

        return action_view(self.sight(), wanted)

    def audit(self, *, limit: int | None = 200, filters: AuditFilter | None = None, signatures: bool = False) -> AuditView:
        """Who did what, and whether the chain is whole; `signatures`: every signed approval is verified too.

        Raises JournalUnavailable when it breaks off while it is read.
        """
        from console.views.audit import audit_view

        return audit_view(self.sight(), limit=limit, filters=filters, signatures=signatures)

    def chain(self) -> ChainView:
        """Whether the chain is whole and every signature good, recomputed now."""
        from console.views.audit import chain_view

        return chain_view(self.sight(), signatures=True)

    def alerts(self, *, model: str | None = None, only_firing: bool = False) -> AlertsView:
        """Alerts, firing ones first."""
        from console.views.incidents.alerts import alerts_view

        return alerts_view(self.sight(), model=model, only_firing=only_firing)

    def incidents(self, *, model: str | None = None, only_open: bool = False) -> IncidentsView:
        """Incidents, open ones first."""
        from console.views.incidents.alerts import incidents_view

        return incidents_view(self.sight(), model=model, only_open=only_open)
