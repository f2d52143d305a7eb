"""Lineage: the tree, `f` for who decided, `b` for what depends on the node under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from console.render.lineage import lineage_page, node_detail
from console.screens import made
from console.screens.detailed import DetailedScreen
from widgets.line import Line, Page

if TYPE_CHECKING:
    from console.commands import Command
    from console.lookout import Lookout
    from console.screens.base import DeckScreen


class LineageScreen(DetailedScreen):
    """Lineage of a model's serving version, or of `model@version`."""

    scope = "lineage"

    def __init__(self, target: str | None = None) -> None:
        super().__init__(target)
        self._control_flow = False
        self._blast = False

    def load(self, lookout: Lookout) -> Any:
        return lookout.lineage(*lookout.named_version(self.target or ""))

    def page(self, view: Any, width: int, height: int) -> Page:
        return lineage_page(view, width=width, height=height, control_flow=self._control_flow, detail=False)

    def detail_of(self, view: Any, key: str | None, width: int) -> Sequence[Line]:
        return () if self._control_flow else node_detail(view, key, width, self._blast)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.view.model if self.view is not None else (self.target or "").partition("@")[0]

    def works(self, command: Command) -> bool:
        return not (command.id == "lineage.blast" and self._control_flow) and super().works(command)

    def do_lineage_flow(self) -> None:
        """Data flow or control flow."""
        self._control_flow = not self._control_flow
        self.draw()
        self.show_keys()

    def do_lineage_blast(self) -> None:
        """What depends on the node under the cursor, in full or in one line."""
        if self._control_flow:
            self.say("blast radius: of a node of the data flow, which f shows", "warning")
            return
        self._blast = not self._blast
        self.draw()

    def leads_to(self, key: str) -> DeckScreen | None:
        kind, _, name = key.partition(":")
        if kind == "version" and self.view is not None:
            return made("version", f"{self.view.model}@{name}")
        if kind == "source":
            return made("sources")
        if kind in {"predictions", "labels", "business"}:
            return made("model", self.model_of(None))
        if key.startswith("A-"):
            return made("action", key.partition("#")[0])
        if key.startswith("APR-"):
            return made("approval", key.partition("#")[0])
        return None

    def open_row(self, key: str) -> None:
        kind, _, name = key.partition(":")
        if self.leads_to(key) is None:
            self.leads_nowhere(f"a node of kind {kind}" if name else "this row")
        else:
            super().open_row(key)
