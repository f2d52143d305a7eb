"""The Model page: four layers in causal order, one time cursor for every course."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from backends.records import Layer, State
from backends.shell_words import command_line
from console.render import figures
from console.render.curves import signal_curve
from console.render.marks import mark_words
from console.views.health.model import BesideHealth, LayerHealth, ModelHealth, Signal
from console.views.model_line import ModelLine
from widgets.chart import strip
from widgets.line import MARKS, WORDS, Line, Page, Row, line, sides
from widgets.wrapping import wrapped

STRIP_WIDTH = 29
RAMP = "_.-=*#"
PROXY = " (proxy)"
TABS = (
    ("1", "Health"),
    ("2", "Drift"),
    ("3", "Quality"),
    ("4", "Labels"),
    ("5", "Versions"),
    ("6", "Lineage"),
    ("7", "Changes"),
    ("8", "Data"),
)


def tabs(current: str) -> Line:
    """The tab line of a model's screens, the current one in brackets."""
    parts = []
    for number, name in TABS:
        chosen = name == current
        parts.append((f"[{number} {name}] " if chosen else f"{number} {name} ", "bold" if chosen else "dim"))
    return line(*parts)


def model_heading(health: ModelHealth | ModelLine, width: int) -> Line:
    """Line 2 of every screen of a model."""
    version = f"{_version(health.version)} {health.environment}"
    right = [("owner ", "dim"), (health.owner or "nobody", "")] if health.owner else []
    state = WORDS[str(health.state)] if health.state == State.OK else str(health.state).upper()
    tail = line(
        *right,
        "  ",
        (f"{MARKS[str(health.state)]} {state} {figures.since(health.since, health.at)}", str(health.state)),
        f" {health.incidents[0]}" if health.incidents else "",
    )
    return sides(line("Fleet > ", (health.model, "bold"), f"   {version}"), tail, width)


def model_page(
    health: ModelHealth,
    *,
    width: int = 80,
    height: int = 20,
    cursor: int | None = None,
    curve: bool = False,
    selected: str | None = None,
    tabbed: bool = True,
) -> Page:
    """Health in four layers. `cursor` is the index of the window that the time cursor stands on; None: the last one. `tabbed`: a screen.

    With `curve` what there is of room below holds the course of the signal `selected`.
    """
    zone = ZoneInfo(health.zone)
    rows = [*([Row(tabs("Health"))] if tabbed else []), Row(_header(health, zone, width))]
    notes = [each for note in _notes(health, zone, cursor) for each in wrapped(line((f"    {note}", "dim")), width, 6)]
    everything = len(rows) + sum(1 + len(layer.signals) for layer in health.layers) + len(notes) + 1
    for layer in health.layers:
        folded = everything > height and layer.state == State.OK
        rows += [_folded(layer)] if folded else _layer_rows(layer, health, zone, width, cursor)
    room = height - len(rows) - len(notes)
    if room > 0:
        rows.append(Row(Line()))
    rows += [Row(each) for each in notes[: max(1, height - len(rows))]]
    if curve:
        rows += [Row(each) for each in signal_curve(health, selected, zone, width, height - len(rows))]
    return Page(model_heading(health, width), tuple(rows), command_line("model", health.model))


def _header(health: ModelHealth, zone: ZoneInfo, width: int) -> Line:
    first = figures.day(health.ends[0], zone) if health.ends else ""
    last = figures.day(health.ends[-1], zone) if health.ends else ""
    span = f"{first} {'.' * max(1, STRIP_WIDTH - len(first) - len(last) - 2)} {last}" if health.ends else "no history"
    return line((f"   {'SIGNAL':<{_name_width(width) + 1}}{'NOW':>8}{'LIMIT':>9}  {span:<{STRIP_WIDTH}} SINCE", "dim"))


def _folded(layer: LayerHealth) -> Row:
    """A layer that is well, where there is no room for its signals: what they say in one line."""
    name = layer.layer.value
    said = ", ".join(f"{signal.title} {figures.amount(signal.value, signal.unit)}" for signal in layer.signals if signal.value is not None)
    why = line((". ", "ok"), f"{len(layer.signals)} signals, all measured and within their limits")
    return Row(line((" . ", "ok"), (f"{name.upper():<9}", "bold"), "ok  ", (said, "dim")), key=f"layer:{name}", why=why, state="ok")


def _layer_rows(layer: LayerHealth, health: ModelHealth, zone: ZoneInfo, width: int, cursor: int | None) -> list[Row]:
    state = str(layer.state)
    name = layer.layer.value.upper()
    head = [(f" {MARKS[state]} ", state), (f"{name:<9}", "bold"), (state.upper() if state == "critical" else state, state)]
    if layer.state == State.UNKNOWN and not any(signal.value is not None for signal in layer.signals):
        said = line(*head, f": {layer.why}")
        return [Row(said if said.width <= width else said.cut(width), key=f"layer:{layer.layer.value}", why=line(layer.why), state=state)]
    if health.broke_first == layer.layer and health.broke_first_at is not None:
        head.append((f"       broke first: {figures.moment(health.broke_first_at, zone)}", ""))
    if health.now_seen == layer.layer and health.now_seen_since is not None:
        head.append((f"   now seen since {figures.moment(health.now_seen_since, zone)}", "dim"))
    rows = [Row(line(*head), state=state)]
    for signal in layer.signals:
        rows.append(_signal_row(signal, health, width, cursor))
    return rows


def _signal_row(signal: Signal, health: ModelHealth, width: int, cursor: int | None) -> Row:
    state = str(signal.state)
    value = signal.history[cursor] if cursor is not None and cursor < len(signal.history) else signal.value
    limit = signal.critical if signal.critical is not None else signal.warning
    name_width = _name_width(width)
    name = signal.title if not signal.simulated else f"{signal.title} (simulated)"
    if signal.proxy and len(name) + len(PROXY) <= name_width:
        name += PROXY
    drawn = strip(signal.history, STRIP_WIDTH, RAMP) if any(each is not None for each in signal.history) else ""
    now = figures.amount(value, signal.unit) if value is not None else "unkn"
    parts = line(
        (f" {MARKS[state]}  ", state),
        f"{name[:name_width]:<{name_width}}",
        (f"{now:>8}", state if state in {"critical", "warning", "unknown"} else ""),
        f"{_limit(signal, limit):>9}  ",
        f"{drawn:<{STRIP_WIDTH}}",
        f" {figures.since(signal.since, health.at):>5}",
    )
    return Row(parts, key=signal.id, why=line((MARKS[state], state), f" {_proxy(signal)}{signal.why}"), state=state)


def _proxy(signal: Signal) -> str:
    if not signal.proxy:
        return ""
    known = figures.percent(signal.outcomes_known) if signal.outcomes_known is not None else "none"
    return f"proxy, {known} of outcomes known: "


def _name_width(width: int) -> int:
    return 20 + max(0, min(20, width - 100))


def _limit(signal: Signal, limit: float | None) -> str:
    return figures.amount(limit, signal.unit).removeprefix("+") if limit is not None else ""


def _notes(health: ModelHealth, zone: ZoneInfo, cursor: int | None) -> list[str]:
    labels = health.labels
    lost = [f"Unknown where rows are gone: {health.deleted}."] if health.deleted else []
    notes = lost + [f"{beside_words(each, health.task)}; W, or qd {command_line('traffic', health.model)}" for each in health.beside]
    if health.scored_last_day:
        complete = f", complete up to {figures.moment(labels.complete_to, zone)}" if labels.complete_to else ""
        notes.append(
            f"24 h to {figures.clock_time(health.at, zone)}: {figures.count(labels.labelled)} of {figures.count(labels.scored)} labelled "
            f"({figures.percent(labels.share)}){complete}"
        )
    if health.since_onset is not None:
        notes.append(_onset(health, zone))
    if cursor is not None and cursor < len(health.ends):
        notes.append(f"Time cursor at {figures.moment(health.ends[cursor], zone)} (h l moves it){_changed(health, zone, cursor)}")
    if health.budget is not None:
        notes.append(health.budget.why)
    return notes


def _changed(health: ModelHealth, zone: ZoneInfo, cursor: int) -> str:
    """What changed since the window before the one that the time cursor stands on."""
    since = health.ends[cursor - 1] if cursor else health.ends[0]
    found = [each for each in health.marks if since < each.at <= health.ends[cursor]]
    return "".join(f"; {mark_words(each, zone).text}" for each in found[-2:])


def beside_words(each: BesideHealth, task: str) -> str:
    """What a candidate answered beside the version that serves."""
    day = each.last_day
    loss = f"MAE {figures.share(day.mae, 2)}" if task == "regression" else f"Brier {figures.share(day.brier)}"
    quality = f"{loss} on {figures.count(day.labelled)}" if day.labelled else "no outcome yet"
    return f"Beside, not counted above: {_version(each.version)} answered {figures.count(day.scored)} in 24 h, {quality}"


def _onset(health: ModelHealth, zone: ZoneInfo) -> str:
    quality = health.since_onset
    assert quality is not None
    since = f"Since {figures.day(quality.since, zone)}: "
    sample = f"n {figures.count(quality.labelled)} of {figures.count(quality.scored)}"
    if health.task == "regression":
        return f"{since}MAE {figures.share(quality.mae, 2)}  bias {figures.signed(quality.bias, 2)}  {sample}"
    interval = f" ({figures.share(quality.auc_low)}-{figures.share(quality.auc_high)})" if quality.auc_low is not None else ""
    return (
        f"{since}AUC {figures.share(quality.auc)}{interval}  Brier {figures.share(quality.brier)}  "
        f"ECE {figures.share(quality.ece)}  {sample}"
    )


def _version(version: str | None) -> str:
    if version is None:
        return "no version"
    return version if version.startswith("v") else f"v{version}"


__all__ = ["Layer", "model_heading", "model_page", "tabs"]
