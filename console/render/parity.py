"""The page of training-serving parity."""

from __future__ import annotations

from backends.records import State
from backends.text import Untrusted, shortened
from console.render import figures
from console.render.freshness import freshness_rows
from console.views.data.parity import Difference, ParityColumn, ParityView
from widgets.line import MARKS, Line, Page, Row, columns, line
from widgets.wrapping import wrapped

NAME_WIDTH = 26


def parity_page(view: ParityView, *, width: int = 80) -> Page:
    """How many requests are on both sides, then every column, the worst first, with requests that differ."""
    heading = line("Parity ", (shortened(view.offline, 26), "bold"), " offline, ", (shortened(view.online, 26), "bold"), " online")
    state = str(view.state)
    rows = [Row(line(f" {figures.count(view.matched)} requests on both sides: ", (state, state)))]
    left = f"{figures.count(view.offline_only)} only offline, {figures.count(view.online_only)} only online"
    repeated = f"{figures.count(view.repeated_offline)} and {figures.count(view.repeated_online)} keys repeat and take no part"
    rows += [Row(each) for each in wrapped(line((f" {left}; {repeated}", "dim")), width - 1, 3)]
    for word, names in (("online", view.missing_online), ("offline", view.missing_offline)):
        if names:
            listed = ", ".join(each.raw for each in names[:8]) + (", ..." if len(names) > 8 else "")
            rows += [Row(each) for each in wrapped(line((f" not {word}: ", "dim"), (Untrusted(listed), "dim")), width - 1, 3)]
    rows.append(Row(line((f"   {'COLUMN':<{NAME_WIDTH}}{'DIFFER':>10}{'SHARE':>9}{'LARGEST':>11}{'NULLS OFF':>11}{'ON':>9}", "dim"))))
    for each in view.columns:
        rows.append(Row(_row(each), state=str(each.state)))
        if each.state is not State.OK:
            said = [line("     ", (Untrusted(each.why), "dim")), *map(_sample, each.sample)]
            rows += [Row(part) for one in said for part in wrapped(one, width - 1, 5)]
        if each.training_window is not None and each.serving_window is not None:
            windows = (("window of training ", each.training_window), ("where it serves    ", each.serving_window))
            said = [line("     ", (word, "dim"), (window, "warning")) for word, window in windows]
            rows += [Row(part) for one in said for part in wrapped(one, width - 1, 7)]
    return Page(heading, (*rows, *freshness_rows(view, width)), "parity")


def _sample(found: Difference) -> Line:
    offline, online = (each if each is not None else Untrusted("no value") for each in (found.offline, found.online))
    parts = (found.key, ": ", offline, " offline, ", online, " online (shapes)" if found.redacted else " online")
    return line("     ", *((each, "dim") for each in parts))


def _row(each: ParityColumn) -> Line:
    state = str(each.state)
    cells = columns(
        [
            (each.name, NAME_WIDTH, ""),
            (figures.MISSING if each.differing is None else figures.count(each.differing), -10, state),
            (_percent(each.share), -9, ""),
            (figures.MISSING if each.largest is None else f"{each.largest:.4g}", -11, ""),
            (_percent(each.nulls_offline), -11, ""),
            (_percent(each.nulls_online), -9, ""),
        ],
        gap=0,
    )
    return Line((*line((f" {MARKS[state]} ", state)).spans, *cells.spans))


def _percent(share: float | None) -> str:
    return figures.MISSING if share is None else f"{share * 100:.3g} %"
