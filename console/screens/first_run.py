"""No workspace: what was looked for, and what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events

from console.locate import ENVIRONMENT_VARIABLE, data_home, holds_remains
from console.screens.base import DeckScreen
from widgets.line import Line, Page, Row, line
from widgets.wrapping import wrapped

if TYPE_CHECKING:
    from console.commands import Command
    from console.lookout import Lookout

CHOICES = (
    ("demo", "d", "Look around with real flights", "builds in about a minute, offline", "qd demo"),
    ("init", "n", "New workspace from files", "Parquet, CSV, JSON Lines", "qd init --personal"),
    ("open", "o", "Open a workspace someone sent", "a folder or a backup", "qd -w FOLDER"),
)

_PUT_BACK = "qd backup restore FILE DIR"


class FirstRunScreen(DeckScreen):
    """The first screen where there is no workspace."""

    scope = "first-run"

    def first_view(self) -> Any:
        return self.app.session.located

    def load(self, _lookout: Lookout) -> Any:
        raise AssertionError("there is nothing to load")

    def reload(self) -> None:
        """There is nothing to read."""

    def model_of(self, key: str | None) -> str | None:
        del key
        return None

    def footer_of(self, command: Command) -> str:
        """Three rows need no filter."""
        return "do it" if command.id == "open" else ""

    def page(self, view: Any, width: int, height: int) -> Page:
        del height
        here = line(" There is no workspace here, so there is nothing to show and nothing to break.")
        if holds_remains(view.root):
            here = line(
                (" workspace.toml is gone or no file, though the rest of a workspace is still here. Put it back: ", "critical"), _PUT_BACK
            )
        rows = [
            Row(Line()),
            *(Row(each) for each in wrapped(here, width, 1)),
            Row(line((" Looked for:  ", "dim"), f"--workspace, {ENVIRONMENT_VARIABLE}, and")),
            Row(line((" " * 14), f"{data_home()}/workspace.toml")),
            Row(line((" Chosen:      ", "dim"), f"{view.root} ({view.because})")),
            Row(Line()),
            Row(line(" What would you like?")),
            Row(Line()),
        ]
        for key, letter, title, detail, verb in CHOICES:
            rows.append(
                Row(
                    line("   ", (letter, "key"), f"  {title:<36} {detail}"),
                    key=key,
                    why=line(f"Enter or {letter} {'asks where: ' if key == 'open' else 'runs: '}{verb}"),
                )
            )
        rows += [
            Row(Line()),
            Row(line((" The same without this screen:", "dim"))),
            Row(line("   qd demo                     qd init my-models")),
        ]
        rows += [Row(line("   qd -w my-models ingest predictions scores.parquet --model churn --version 1")), Row(Line())]
        rows += [Row(line(" Nothing is sent anywhere. Everything stays in one folder that you can delete."))]
        return Page(line(("Quarterdeck", "bold")), tuple(rows), "doctor")

    def on_key(self, event: events.Key) -> None:
        choice = next((key for key, letter, *_ in CHOICES if letter == event.key), None)
        if choice is None or self.too_small:
            super().on_key(event)
            return
        event.stop()
        self.open_row(choice)

    def open_row(self, key: str) -> None:
        if key == "open":
            self.ask("o", str(self.app.session.located.root), answered=lambda folder: self.app.leave_for(["-w", folder]))
        else:
            self.app.leave_for({"demo": ["demo"], "init": ["init", "--personal"]}[key])
