"""The one catalogue of commands: keys, footer, help, palette and command bar are all read from here.

Small letters look, capital letters open a plan; none acts by itself (`T` and `V` are harmless and recorded).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from console.closest import closest

Danger = Literal["look", "recorded", "acts"]

EVERYWHERE = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Command:
    """One thing a person can ask for."""

    id: str
    """Stable: keys are rebound by it."""
    title: str
    keys: tuple[str, ...] = ()
    """Textual key names; two of them with a blank between are pressed one after the other."""
    scope: frozenset[str] = EVERYWHERE
    """Screens on which it works, by their name; `*` is every screen."""
    danger: Danger = "look"
    needs_row: bool = False
    words: tuple[str, ...] = ()
    """Names in the command bar, the first one shown."""
    verb: str | None = None
    """The headless twin, `{row}` standing for what is under the cursor."""
    footer: str = ""
    """What line 24 says behind its first key; empty: only in help."""


def _in(*screens: str) -> frozenset[str]:
    return frozenset(screens)


_OTHER_ROWS = _in("fleet", "model", "data", "drift", "quality", "labels", "versions", "version", "card", "lineage", "changes", "incident")
_MODEL_ROWS = _OTHER_ROWS | {"release"}

CATALOGUE: tuple[Command, ...] = (
    Command("open", "open what is under the cursor", ("enter",), needs_row=True, footer="open"),
    Command("back", "back to where you came from", ("q", "backspace", "escape"), footer="back"),
    Command("go.fleet", "Fleet: every model, worst first", ("g f",), words=("fleet", "f", "home"), verb="fleet"),
    Command("go.alerts", "alerts", ("g l",), words=("alerts", "al"), verb="alerts"),
    Command("go.incidents", "incidents", ("g i",), words=("incidents", "inc", "i"), verb="incidents"),
    Command("go.approvals", "approvals", ("g a",), words=("approvals", "ap", "pr"), verb="approvals"),
    Command("go.reviews", "reviews: everything that waits for a person", ("g q",), words=("reviews", "queue"), verb="reviews"),
    Command("go.audit", "audit: who did what, and the chain", ("g u",), words=("audit", "au"), verb="audit log"),
    Command("go.playbooks", "playbooks", ("g p",), words=("playbooks", "pb"), verb="playbook list"),
    Command("go.sources", "sources and their age", ("g s",), words=("sources", "src"), verb="sources"),
    Command("go.switches", "kill switches", ("g w",), words=("switches", "sw"), verb="switches"),
    Command("go.maturity", "maturity: practices around each model", ("g m",), words=("maturity",), verb="maturity"),
    Command("go.retention", "retention: how long rows are kept, what is due", ("g r",), words=("retention", "ret"), verb="retention"),
    Command("go.own", "the console's own health", ("g h",), words=("own", "doctor"), verb="doctor"),
    Command("go.actions", "actions and the exact calls they made", ("at",), words=("actions", "@"), verb="actions"),
    Command("go.last", "the screen before this one", ("minus",)),
    Command("model", "health of a model in four layers", ("1",), _MODEL_ROWS, words=("model", "m", "health", "h"), verb="model {row}"),
    Command("drift", "drift", ("d", "2"), _MODEL_ROWS, needs_row=True, words=("drift", "d"), verb="drift {row}"),
    Command("quality", "quality, with label coverage", ("3",), _MODEL_ROWS, needs_row=True, words=("quality",), verb="quality {row}"),
    Command(
        "labels", "outcomes: coverage, delay, what is overdue", ("4",), _MODEL_ROWS, needs_row=True, words=("labels",), verb="labels {row}"
    ),
    Command(
        "data",
        "rows against what is agreed of them",
        ("8",),
        _MODEL_ROWS,
        needs_row=True,
        words=("data", "contract"),
        verb="contract check {row}",
    ),
    Command("versions", "versions", ("v", "5"), _MODEL_ROWS, needs_row=True, words=("versions", "v"), verb="versions {row}"),
    Command(
        "card",
        "model card: what is documented, and what is missing",
        ("c",),
        _MODEL_ROWS,
        needs_row=True,
        words=("card",),
        verb="card {row}",
    ),
    Command("sheet", "data sheet of a dataset", words=("sheet",), verb="card --dataset NAME"),
    Command(
        "badges",
        "badges of every asset: versioned, tested, observable, governable, improved",
        ("b",),
        _in("maturity", "system"),
        needs_row=True,
        words=("badges", "assets"),
        verb="badges {row}",
        footer="badges",
    ),
    Command(
        "lineage", "lineage, from sources to readers", ("x", "6"), _MODEL_ROWS, needs_row=True, words=("lineage", "x"), verb="lineage {row}"
    ),
    Command(
        "changes", "what changed", ("w", "7"), _MODEL_ROWS, needs_row=True, words=("changes", "w"), verb="changes {row}", footer="changed"
    ),
    Command(
        "release",
        "release: traffic by version, the rollout, its next step",
        ("W", "9"),
        _OTHER_ROWS,
        needs_row=True,
        words=("release", "traffic"),
        verb="traffic {row}",
    ),
    Command(
        "incident",
        "the incident of this row",
        ("i",),
        _MODEL_ROWS,
        needs_row=True,
        words=("incident",),
        verb="incidents",
        footer="incident",
    ),
    Command("playbook", "the playbook of this row", ("p",), _MODEL_ROWS, needs_row=True, verb="playbook list"),
    Command("explain", "how the number under the cursor is defined", ("e",), words=("explain",), verb="explain"),
    Command("time.earlier", "time cursor back", ("h", "left"), _in("model")),
    Command("time.later", "time cursor on", ("l", "right"), _in("model")),
    Command("lineage.flow", "data flow, or who decided what", ("f",), _in("lineage"), footer="data or control flow"),
    Command("lineage.blast", "what depends on the node under the cursor", ("b",), _in("lineage"), footer="blast radius"),
    Command(
        "drift.against",
        "against the reference, its weekdays, the days before, a year before",
        ("s",),
        _in("drift"),
        verb="drift {row} --against weekday|previous|season",
        footer="against",
    ),
    Command("changes.order", "nearest to the onset first, or by time", ("s",), _in("changes"), footer="order"),
    Command("actions.open", "only actions that wait for a person", ("o",), _in("actions"), footer="only open"),
    Command("touched", "open what the entry touched", ("o",), _in("audit"), needs_row=True, footer="what it touched"),
    Command("mark", "mark the row, or take its mark away: K acts on all that are marked", ("space",), _in("fleet"), needs_row=True),
    Command("next.problem", "next row that is not ok", ("n",)),
    Command("previous.problem", "previous row that is not ok", ("N",)),
    Command("refresh", "read again now", ("r",), words=("refresh",)),
    Command("travel", "stand at a moment of the past", ("t",), words=("as-of",)),
    Command("now", "back to now", ("0",), words=("now",)),
    Command("copy", "copy the headless command", ("y",)),
    Command("mouse", "give the mouse back to the terminal", ("m",)),
    Command("command", "command bar", ("colon",)),
    Command("filter", "filter rows", ("slash",), footer="filter"),
    Command("help", "help of this screen", ("question_mark",), words=("help",), footer="help"),
    Command("palette", "every command", ("ctrl+p",)),
    Command("redraw", "draw the screen again", ("ctrl+l",)),
    Command("suspend", "to the shell for now; fg there comes back", ("ctrl+z",)),
    Command("leave", "leave the console", ("ctrl+c",), words=("q", "quit")),
    Command(
        "rollback", "roll back to a version that served", ("R",), _MODEL_ROWS, "acts", True, ("rollback",), "rollback {row}", "roll back"
    ),
    Command(
        "kill", "kill switch", ("K",), _MODEL_ROWS | {"switches", "actions", "action"}, "acts", True, ("kill",), "kill {row}", "kill switch"
    ),
    Command(
        "hold",
        "hold the jobs of this model, or let them run again",
        ("H",),
        _in("data"),
        "acts",
        True,
        ("hold",),
        "hold {row}",
        "hold",
    ),
    Command(
        "retrain",
        "ask the pipeline that trains this model for a run",
        ("F",),
        _in("alerts", "incident"),
        "acts",
        True,
        ("retrain",),
        "retrain {row}",
        "retrain",
    ),
    Command("promote", "promote a version", ("P",), _MODEL_ROWS | {"approvals", "approval"}, "acts", True, ("promote",), "promote {row}"),
    Command(
        "shift",
        "the next step of the rollout, or how one begins",
        ("W",),
        _in("release"),
        "acts",
        words=("shift",),
        verb="traffic {row} step",
        footer="next step",
    ),
    Command("abort", "end the rollout: drop the candidate", ("D",), _in("release"), "acts", verb="traffic {row} abort", footer="end it"),
    Command(
        "retain",
        "delete the rows that are due, for good",
        ("D",),
        _in("retention"),
        "acts",
        True,
        ("apply-retention",),
        "retention apply {row}",
        "delete due",
    ),
    Command("approve", "approve", ("A",), _in("approval", "approvals"), "acts", True, ("approve",), "approve {row}", "approve"),
    Command("reject", "reject or veto", ("X",), _in("approval", "approvals"), "acts", True, ("reject",), "reject {row}", "reject"),
    Command(
        "glass",
        "break the glass: act at once without the approval that is needed, reviewed afterwards",
        ("B",),
        _MODEL_ROWS | {"switches", "approvals", "approval"},
        "acts",
        True,
        ("break-glass",),
        "kill {row} --break-glass",
    ),
    Command(
        "take",
        "take it: you drive from now on",
        ("T",),
        _in("incident", "incidents", "fleet", "model"),
        "recorded",
        True,
        ("ack",),
        "ack {row}",
        "take",
    ),
    Command(
        "recheck",
        "find out by looking how an action in doubt ended",
        ("V",),
        _in("actions", "action"),
        "recorded",
        True,
        ("recheck",),
        "action recheck {row}",
        "recheck",
    ),
    Command(
        "resolve",
        "settle an action in doubt by your word",
        ("S",),
        _in("actions", "action"),
        "recorded",
        True,
        ("resolve",),
        "action resolve {row}",
        "settle",
    ),
    Command(
        "retry",
        "the call of an action in doubt once more, with the same key",
        ("A",),
        _in("actions", "action"),
        "acts",
        True,
        ("retry",),
        "action retry {row}",
        "again",
    ),
    Command(
        "breaker",
        "hold the breaker of this source open or closed, or let it go",
        ("B",),
        _in("sources", "source"),
        "recorded",
        True,
        ("breaker",),
        "breaker NAME open|closed|automatic",
        "breaker",
    ),
    Command("elevate", "elevate: act where it is read-only by default", ("E",), danger="recorded", words=("elevate",)),
    Command("can-i", "whether you may do something, and which rule says so", words=("can-i",), verb="can-i ACTION TARGET"),
    Command("verify", "verify the whole chain now", ("V",), _in("audit"), "recorded", verb="audit verify", footer="verify now"),
    Command("undo", "plan to take back the last action", ("U",), _in("incident"), "acts", verb="playbook step RUN --undo STEP"),
    Command("pane", "from the steps to what the step is about, and back", ("tab",), _in("incident"), footer="other pane"),
    Command("handover", "hand over to somebody else", ("H",), _in("incident"), "recorded", True, footer="hand over"),
    Command("skip", "skip this step, with a reason", ("S",), _in("incident"), "recorded", True, footer="skip"),
    Command("note", "add a note", ("plus",), danger="recorded", words=("note",), verb="note", footer="note"),
    Command("export", "write the postmortem", (), _in("incident"), words=("export",), verb="incident {row} --export"),
    Command("close", "close the incident", ("C",), _in("incident"), "acts", True, ("close",), "close {row}"),
)


def on_screen(screen: str) -> tuple[Command, ...]:
    """Every command that works on `screen`, in the order of the catalogue."""
    return tuple(command for command in CATALOGUE if command.scope == EVERYWHERE or screen in command.scope)


def by_key(screen: str, key: str) -> Command | None:
    """The command of a key (or of two, `g f`) on a screen; one made for the screen wins over one for every screen."""
    found = [command for command in on_screen(screen) if key in command.keys]
    found.sort(key=lambda command: command.scope == EVERYWHERE)
    return found[0] if found else None


def by_key_anywhere(key: str) -> Command | None:
    """The command that a key stands for wherever it works; None where it works nowhere, or means one thing here and another there."""
    found = [command for command in CATALOGUE if key in command.keys]
    return found[0] if len(found) == 1 else None


def by_word(word: str) -> Command | None:
    """The command that the command bar knows under `word`."""
    return next((command for command in CATALOGUE if word in command.words), None)


def nearest_words(word: str) -> list[str]:
    """At most three known words that look like `word`."""
    known = [each for command in CATALOGUE for each in command.words]
    return closest(word, known, n=3, cutoff=0.4)


def prefixes(screen: str) -> frozenset[str]:
    """Keys that begin a command of two keys."""
    return frozenset(key.split(" ")[0] for command in on_screen(screen) for key in command.keys if " " in key)


def clashes(commands: Iterable[Command] = CATALOGUE) -> list[tuple[str, str, str]]:
    """`(key, id, id)` for every key that two commands of one screen share and neither is made for fewer screens."""
    found = []
    listed = list(commands)
    for number, first in enumerate(listed):
        for second in listed[number + 1 :]:
            same_reach = (first.scope == EVERYWHERE) == (second.scope == EVERYWHERE)
            if same_reach and (first.scope == EVERYWHERE or first.scope & second.scope):
                found += [(key, first.id, second.id) for key in first.keys if key in second.keys]
    return found


_KEY_WORDS = {
    "enter": "Enter", "backspace": "Backspace", "escape": "Esc", "colon": ":", "slash": "/", "question_mark": "?", "minus": "-",
    "plus": "+", "at": "@", "space": "Space", "left": "Left", "right": "Right", "tab": "Tab",
}  # fmt: skip


def key_words(key: str) -> str:
    """A key as people write it: `question_mark` is `?`."""
    return " ".join(_KEY_WORDS.get(part, part) for part in key.split(" "))
