"""A gallery of the widgets to look at: `python -m tests.widgets.gallery NAME`, name one of `fleet`, `confirm`, ...

The figures are illustrations; nothing here reads a workspace.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from textual.app import App
from textual.widget import Widget
from widgets.frame import BannerFacts, FrameScreen
from widgets.line import Line, Page, Row, columns, joined, lamp, line, mark, rule
from widgets.page import PageView
from widgets.rows import Moved
from widgets.theme import use_terminal_colours

BANNER = BannerFacts(
    environment="PROD",
    workspace="demo",
    production=True,
    mode="read-only",
    who="mara@bastion",
    clock="sim 2013-04-26 18:00 EDT",
    data="data 25m",
    extra=("chain whole", "1 console"),
)


def fleet_row(state: str, name: str, version: str, lamps: tuple[str, ...], drift: str, budget: str, since: str) -> Row:
    """One model of the fleet."""
    shown = line(" ", mark(state), " ")
    names = columns([(name, 13, ""), (version, 3, "")])
    lights = joined([joined([line(" "), Line((lamp(each),))]) for each in lamps])
    rest = columns([(drift, 5, ""), (budget, 6, ""), ("normal", 7, ""), ("1" if state == "critical" else "-", -3, ""), (since, -5, "")])
    why = line(f"{'X' if state == 'critical' else '.'} {name}: illustration")
    return Row(joined([shown, names, lights, line(" "), rest]), key=name, why=why, state=state)


def fleet(late: str = ".474", *, resorted: bool = False) -> Page:
    """The home screen with three models and a preview."""
    rows = [
        fleet_row("critical", "arrival-delay", "v2", ("ok", "warning", "critical", "unknown"), ". .20", "X  0%", "27h"),
        fleet_row("warning", "cancellation", "v1", ("ok", "warning", "warning", "unknown"), ". .11", ". 71%", "2d"),
        fleet_row("ok", "air-time", "v1", ("ok", "ok", "ok", "stale"), ". .04", ". 98%", "-"),
    ]
    if resorted:
        rows.reverse()
    preview = [
        rule("arrival-delay v2", 80, "critical, not taken"),
        line(" Broke first  MODEL, 22 Apr 14:00: more flights are late than the scores say"),
        line(f" Last 24 h    observed late {late}   scored .136   gap +.338   AUC .651   n 753"),
        line(" Labels       77 % of 981 have arrived; complete up to 26 Apr 10:35"),
        line(" Gap by 12 h  12 Apr .--.._.____.-=.--._.*#**.-*#* 26 Apr   warn .20  crit .275"),
    ]
    return Page(
        heading=line(("Fleet", "bold"), "  3 models: 1 critical, 1 warning, 1 ok                   sort: worst first"),
        rows=(
            Row(line(("   MODEL         VER SYSTEM DATA   MODEL  BIZ    DRIFT  SLO    SWITCH  INC SINCE", "dim"))),
            *rows,
            Row(Line()),
            *(Row(each) for each in preview),
        ),
        verb="fleet",
    )


class FleetScreen(FrameScreen):
    """Fleet in the frame."""

    def __init__(self, page: Page | None = None) -> None:
        super().__init__()
        self.view = PageView(page or fleet())
        self.page = page or fleet()

    def compose_content(self) -> Iterable[Widget]:
        yield self.view

    def on_mount(self) -> None:
        self.banner.show(BANNER)
        self.heading.show(self.page.heading)
        self.show_verb(self.page.verb)
        self.keys.show([("Enter", "open"), ("i", "incident"), ("w", "changed"), ("R", "roll back"), ("K", "kill switch")])

    def on_rows_moved(self, message: Moved) -> None:
        self.why.show(message.why)


class Gallery(App[None]):
    """One screen of the gallery."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, first: FrameScreen) -> None:
        super().__init__()
        use_terminal_colours(self)
        self.first = first

    def on_mount(self) -> None:
        self.push_screen(self.first)

    def key_q(self) -> None:
        self.exit()


SCREENS = {"fleet": FleetScreen}

if __name__ == "__main__":
    Gallery(SCREENS[sys.argv[1] if len(sys.argv) > 1 else "fleet"]()).run()
