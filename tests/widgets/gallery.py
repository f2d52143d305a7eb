"""A gallery of the widgets to look at: `PYTHONPATH=. python tests/widgets/gallery.py NAME`.

The figures are illustrations; nothing here reads a workspace.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace

from textual.app import App
from textual.message import Message
from textual.widget import Widget

from backends.text import Untrusted
from widgets.chart import Limit, Series, chart_lines, hist_lines, strip
from widgets.confirm import Cancelled, ChoiceMoved, Closed, Confirmed, ConfirmView
from widgets.dialog import Choice, Plan
from widgets.frame import BannerFacts, FrameScreen
from widgets.line import Line, Page, Row, columns, joined, lamp, line, mark, rule
from widgets.page import PageView
from widgets.prompt import Dismissed, Prompt, Submitted, Typed
from widgets.rows import Moved
from widgets.stepper import Stepper
from widgets.table import Counted, VirtualTable
from widgets.theme import use_terminal_colours

BANNER = BannerFacts(
    environment="PROD",
    workspace="demo",
    colour="magenta",
    mode="read-only",
    who="mara@bastion",
    clock="sim 2013-04-26 18:00 EDT",
    data="data 25m",
    extra=("chain whole", "1 console"),
)


def fleet_row(state: str, name: str, version: str, *, lamps: tuple[str, ...], numbers: tuple[str, str, str]) -> Row:
    """One model of the fleet."""
    drift, budget, since = numbers
    shown = line(" ", mark(state), " ")
    names = columns([(name, 13, ""), (version, 3, "")])
    lights = joined([joined([line(" "), Line((lamp(each),))]) for each in lamps])
    rest = columns([(drift, 5, ""), (budget, 6, ""), ("normal", 7, ""), ("1" if state == "critical" else "-", -3, ""), (since, -5, "")])
    why = line(f"{'X' if state == 'critical' else '.'} {name}: illustration")
    return Row(joined([shown, names, lights, line(" "), rest]), key=name, why=why, state=state)


def fleet(late: str = ".474", *, resorted: bool = False) -> Page:
    """The home screen with three models and a preview."""
    rows = [
        fleet_row("critical", "arrival-delay", "v2", lamps=("ok", "warning", "critical", "unknown"), numbers=(". .20", "X  0%", "27h")),
        fleet_row("warning", "cancellation", "v1", lamps=("ok", "warning", "warning", "unknown"), numbers=(". .11", ". 71%", "2d")),
        fleet_row("ok", "air-time", "v1", lamps=("ok", "ok", "ok", "stale"), numbers=(". .04", ". 98%", "-")),
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

    def key_r(self) -> None:
        self.view.show(fleet())

    def key_c(self) -> None:
        self.view.show(fleet(".999"))


class LongScreen(FleetScreen):
    """Sixty rows of a page, so that it scrolls."""

    def __init__(self) -> None:
        states = ["ok", "ok", "ok", "ok", "warning"]
        rows = [
            Row(line(f" {n:>3} row number {n} of a long page"), key=str(n), why=line(f"row {n}"), state=states[n % 5]) for n in range(60)
        ]
        super().__init__(Page(line(("Long", "bold")), tuple(rows), "long"))


class HostileScreen(FleetScreen):
    """Names as an enemy would choose them, one a row, in every place where text is drawn."""

    def __init__(self) -> None:
        rows = [Row(line(" ", Untrusted(text)), key=f"h{n}", why=line(Untrusted(text))) for n, text in enumerate(HOSTILE)]
        super().__init__(Page(line("Hostile ", Untrusted(HOSTILE[0])), tuple(rows), HOSTILE[1]))

    def on_mount(self) -> None:
        self.banner.show(replace(BANNER, who=Untrusted(HOSTILE[2]), workspace=Untrusted(HOSTILE[3])))
        self.heading.show(self.page.heading)
        self.show_verb(self.page.verb)
        self.keys.show([(HOSTILE[0], HOSTILE[1])])


HOSTILE = (
    "\x1b]52;c;cm0gLXJmIC8=\x07copied",
    "\x1b]0;owned\x07title",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b[2J\x1b[Hcleared",
    "[red]markup[/red] [link=https://evil.example]x[/link] [@click=app.exit]go[/]",
    "\x9b31mC1 colour\x9d0;C1 title\x9c",
    "\x90q#0;2;0;0;0\x9c sixel",
    "rtl \u202egnp.exe \u2066isolate\u2069",
    "zero\u200bwidth\u200djoin\ufeffbom\u00adsoft",
    "tag\U000e0041\U000e0042 vs\ufe0f",
    "new\nline\rreturn\ttab\x00nul\x7fdel\x08bs",
    "line\u2028sep\u2029par\x85nel",
    "zalgo" + "\u0301" * 50,
    "wide \u6f22\u5b57 emoji \U0001f600 half \uff71",
    "lone \ud800 surrogate",
    "\x1b[?1049l\x1b[?1000h\x1bc",
    "x" * 500,
)


def rollback_plan(**changes: object) -> Plan:
    """The plan of a rollback, as long as it is in earnest."""
    width = 80
    lines = (
        rule("Will change", width),
        line(" alias production      v2 -> v1        registry local, expected from: v2"),
        line(" traffic to v1         0 % -> 100 %    about 980 scores a day"),
        rule("Will not change", width),
        line(" alias challenger v3, request APR-1, kill switch (normal), stored predictions"),
        rule("Target", width),
        line(" v1 trained on January, 26,398 flights   served until 11 Mar 09:00, 46 days ago"),
        line(" inputs 16 of 16 present   artifact here, digest 77b0 ae21 matches"),
        rule("Would it help?", width),
        line(" ", ("!", "warning"), " no gain expected: on the same 4,304 flights v1 has AUC .573 (v2 .606) and"),
        line("   Brier .353 (v2 .345). The fallback has Brier .265: Esc, then K."),
        rule("Who notices, how to undo", width),
        line(" gate board, crew desk (read every score). Undo: promote v2, needs 1 approval."),
        rule("Calls", width),
        line(" 1  registry set_alias arrival-delay production=1, only if it is 2 now"),
        line(" 2  registry get_alias until it says 1, at most 30 s, else IN DOUBT"),
    )
    plan = Plan(lines=lines, act="Roll back to v1", name="arrival-delay", reason="INC-1 late gap +.338")
    return replace(plan, **changes)  # type: ignore[arg-type]


def switch_plan(chosen: str = "fallback") -> Plan:
    """The plan of a kill switch with its three safer states."""
    return Plan(
        choices_title=rule("Choose a state", 80, "up/down: safer downwards"),
        choices=(
            Choice("degraded", line("degraded    v2 answers, scores above .3 only are shown to readers"), "Set degraded"),
            Choice("fallback", line("fallback    late share of the last 24 h at the origin. Brier .265 (v2 .345)"), "Set fallback"),
            Choice("killed", line("killed      no answer; callers use their own default"), "Set killed"),
        ),
        chosen=chosen,
        lines=(
            rule("What will happen", 80),
            line(f" switches.json  normal -> {chosen}, version 12 -> 13, replaced in one step"),
            rule("Until", 80),
            line(" 4 h, owner mara. At 22:00 you are asked again; it never turns itself back on."),
        ),
        act="Set it",
        name="arrival-delay",
        reason="INC-1 late gap +.338",
    )


class ConfirmScreen(FrameScreen):
    """A confirmation in the frame, which answers itself."""

    def __init__(self, plan: Plan | None = None) -> None:
        super().__init__()
        self.view = ConfirmView(plan or rollback_plan())
        self.outcomes: list[Message] = []

    def compose_content(self) -> Iterable[Widget]:
        yield self.view

    def on_mount(self) -> None:
        self.banner.show(BANNER)
        self.heading.show(line(("PLAN  ROLL BACK arrival-delay", "bold"), "  v2 -> v1   PRODUCTION       nothing has been sent"))
        self.why.show(line("production, safer direction: 1 operator is enough"))
        self.show_verb("rollback arrival-delay")
        self.keys.show([("Tab", "to the button"), ("Space", "presses it"), ("Enter", "never"), ("Esc", "cancels")])

    def on_confirm_confirmed(self, message: Confirmed) -> None:
        self.outcomes.append(message)
        receipt = [
            rule("Receipt", 80),
            line(" intended   18:03:14  written first"),
            line(" sent       18:03:14"),
            line(" ", ("effective", "good"), "  after .2 s: production = 1, read back"),
        ]
        self.view.show_receipt(receipt, finished=True)

    def on_confirm_cancelled(self, message: Cancelled) -> None:
        self.outcomes.append(message)
        self.why.say(line("cancelled: nothing was sent"))

    def on_confirm_choice_moved(self, message: ChoiceMoved) -> None:
        self.outcomes.append(message)
        self.view.show_plan(switch_plan(message.choice), keep_form=True)

    def on_confirm_closed(self, message: Closed) -> None:
        self.outcomes.append(message)
        self.why.say(line("back"))


class SwitchScreen(ConfirmScreen):
    """The kill switch."""

    def __init__(self) -> None:
        super().__init__(switch_plan())


class StepsScreen(FrameScreen):
    """A playbook's two panes."""

    def __init__(self) -> None:
        super().__init__()
        self.view = Stepper()
        self.prompt = Prompt()

    def compose_content(self) -> Iterable[Widget]:
        yield self.view
        yield self.prompt

    def on_mount(self) -> None:
        self.banner.show(BANNER)
        self.heading.show(line(("INC-1 arrival-delay", "bold"), "  ", lamp("critical"), " 27h"))
        self.show_verb("incident INC-1")
        self.keys.show([("j/k", ""), ("Enter", "choose"), ("T", "take"), ("?", ""), ("q", "")])
        steps = [("ok", "1 check  data bug?   none"), ("ok", "2 check  labels sound? ok"), ("warning", "3 check  input drift? yes")]
        rows = [Row(line(" ", mark(state), " ", text), key=text[0], state=state) for state, text in steps]
        detail = [Row(line(f"   {text}"), key=text) for text in ("fallback     .528   .265", "rollback v1  .573   .353")]
        self.view.show(
            [Row(line((" INVESTIGATE", "bold"))), *rows],
            [Row(line(" which is the fastest safe mitigation?")), Row(Line()), *detail],
        )

    def key_colon(self) -> None:
        commands = ("drift", "driver", "doctor", "fleet")
        self.why.display = self.keys.display = False
        self.prompt.open(":", complete=lambda text: [each for each in commands if each.startswith(text)])

    def on_prompt_dismissed(self, _message: Dismissed) -> None:
        self.prompt.close()
        self.why.display = self.keys.display = True
        self.view.steps.focus()


class Numbers:
    """A source of as many rows as asked for, one in ten of them a problem."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.reads: list[tuple[int, int]] = []

    def _matching(self, needle: str) -> range | list[int]:
        return [n for n in range(self.size) if needle in f"row-{n}"] if needle else range(self.size)

    def count(self, needle: str) -> int:
        return len(self._matching(needle))

    def rows(self, start: int, stop: int, needle: str) -> list[Row]:
        self.reads.append((start, stop))
        return [number_row(n) for n in self._matching(needle)[start:stop]]

    def index_of(self, key: str, needle: str) -> int | None:
        found = [place for place, n in enumerate(self._matching(needle)) if f"row-{n}" == key]
        return found[0] if found else None

    def next_problem(self, index: int, direction: int, needle: str) -> int | None:
        matching = self._matching(needle)
        order = [(index + direction * step) % len(matching) for step in range(1, len(matching) + 1)]
        return next((place for place in order if matching[place] % 10 == 7), None)


def number_row(n: int) -> Row:
    """Row `n` of `Numbers`, wider than any terminal."""
    state = "warning" if n % 10 == 7 else "ok"
    cells = "  ".join(f"{n * step:>8}" for step in range(2, 20))
    return Row(line(" ", mark(state), f" row-{n:<9}", cells), key=f"row-{n}", why=line(f"number {n}"), state=state)


class TableScreen(FrameScreen):
    """A long table in the frame, with a filter."""

    def __init__(self, size: int = 100_000) -> None:
        super().__init__()
        header = line(("   NUMBER       " + "  ".join(f"{f'x{step}':>8}" for step in range(2, 20)), "dim"))
        self.source = Numbers(size)
        self.view = VirtualTable(self.source, header, frozen=16)
        self.prompt = Prompt()

    def compose_content(self) -> Iterable[Widget]:
        yield self.view
        yield self.prompt

    def on_mount(self) -> None:
        self.banner.show(BANNER)
        self.show_verb("actions")
        self.view.focus()

    def on_rows_moved(self, message: Moved) -> None:
        self.why.show(message.why)

    def on_table_counted(self, message: Counted) -> None:
        self.heading.show(line(("Numbers", "bold"), f"  {message.total:,} rows  filter: {message.needle or 'none'}"))

    def key_slash(self) -> None:
        self.why.display = self.keys.display = False
        self.prompt.open("/", self.view.needle)

    def on_prompt_typed(self, message: Typed) -> None:
        self.view.filter(message.text)

    def on_prompt_submitted(self, _message: Submitted) -> None:
        self._close()

    def on_prompt_dismissed(self, _message: Dismissed) -> None:
        self.view.filter("")
        self._close()

    def _close(self) -> None:
        self.prompt.close()
        self.why.display = self.keys.display = True
        self.view.focus()


class ShortTableScreen(TableScreen):
    """The same with ten rows."""

    def __init__(self) -> None:
        super().__init__(10)


class ChartScreen(FleetScreen):
    """Charts as a page."""

    def __init__(self) -> None:
        values = [0.12 + 0.1 * math.sin(place / 9) for place in range(240)] + [0.42 + 0.03 * math.sin(place) for place in range(90)]
        gap = chart_lines(
            [Series([*values[:50], *[None] * 10, *values[60:]])],
            79,
            9,
            limits=[Limit(0.2, "warning"), Limit(0.275, "warning", "=")],
            x_labels=[(0, "12 Apr"), (0.5, "19 Apr"), (1, "26 Apr")],
            braille=True,
        )
        labels = ["to 33.1", "33.1-36.0", "36.0-37.9", "37.9 up"]
        bins = hist_lines(labels, [0.072, 0.123, 0.5, 0.305], [0.0, 0.09, 0.31, 0.6], 80, title="temp F")
        rows = [*gap, Line(), *bins, Line(), line(" Gap  ", strip(values, 30))]
        super().__init__(Page(line(("Charts", "bold")), tuple(Row(each) for each in rows), "quality arrival-delay"))


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


SCREENS: dict[str, Callable[[], FrameScreen]] = {
    "fleet": FleetScreen,
    "long": LongScreen,
    "hostile": HostileScreen,
    "confirm": ConfirmScreen,
    "switch": SwitchScreen,
    "steps": StepsScreen,
    "table": TableScreen,
    "short-table": ShortTableScreen,
    "chart": ChartScreen,
}

if __name__ == "__main__":
    Gallery(SCREENS[sys.argv[1] if len(sys.argv) > 1 else "fleet"]()).run()
