"""From a row under Next, or words in the command bar, to the plan of a shift of traffic."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.text import displayable

if TYPE_CHECKING:
    from console.control.rollout import RolloutWish
    from console.screens.application import Application
    from console.screens.commanded import Commanded

BEGINNING = "let in: version, how, shares or hours: "
SHARE = "its share from now on, in percent: "
HOW = "write VERSION canary|shadow|blue-green|ab, then 5,25,50 (canary), 50 36h (ab) or 36h (blue-green)"


def begin(app: Application, screen: Commanded, model: str, move: str, candidate: str | None, *, unjudged: bool = False) -> None:
    """Open the plan of one move; ask for what it leaves open."""
    from console.control.actions import ActionKind  # control is loaded with the first plan
    from console.control.rollout import RolloutMove, RolloutWish

    if move == "begin":
        screen.ask(BEGINNING, _waiting(app, model), answered=lambda words: begun(app, screen, model, words))
    elif move == "share":
        screen.ask(SHARE, answered=lambda words: _shared(app, screen, model, words))
    elif move == "abort":
        _open(app, model, ActionKind.ABORT, None)
    elif move in {"promote", "rollback"}:
        _open(app, model, ActionKind(move), candidate)
    else:
        _open(app, model, ActionKind.SHIFT, None, RolloutWish(move=RolloutMove(move), unjudged=unjudged))


def begun(app: Application, screen: Commanded, model: str, words: str) -> None:
    """The plan of a beginning that was typed as `3 canary 10,50`."""
    from console.control.actions import ActionKind

    try:
        version, wish = beginning(words)
    except ValueError as problem:
        screen.say(str(problem), "warning")
        return
    _open(app, model, ActionKind.SHIFT, version, wish)


def beginning(words: str) -> tuple[str, RolloutWish]:
    """`VERSION STRATEGY [SHARES] [HOURS]` as a version and a wish. Raises ValueError, which says how it is written."""
    from pydantic import ValidationError

    from console.control.rollout import BEGINNINGS, RolloutMove, RolloutWish

    parts = words.split()
    strategies = {move.value: move for move in BEGINNINGS}
    if len(parts) < 2 or parts[1] not in strategies:
        raise ValueError(HOW)
    version, move = parts[0], strategies[parts[1]]
    if version[:1] == "v" and version[1:].isdigit():
        version = version[1:]
    steps: tuple[float, ...] = ()
    hours = None
    for each in parts[2:]:
        if each.endswith("h"):
            hours = _number(each[:-1])
        else:
            steps = tuple(_number(share) / 100 for share in each.rstrip("%").split(","))
    if (steps and move not in {RolloutMove.CANARY, RolloutMove.AB}) or (len(steps) > 1 and move is RolloutMove.AB):
        raise ValueError(f"{move.value} takes no {'steps' if move is RolloutMove.AB else 'share'}; {HOW}")
    if hours is not None and move not in {RolloutMove.AB, RolloutMove.BLUE_GREEN}:
        raise ValueError(f"{move.value} takes no hours; {HOW}")
    try:
        if move is RolloutMove.AB:
            return version, RolloutWish(move=move, share=steps[0] if steps else None, hours=hours)
        return version, RolloutWish(move=move, steps=steps, hours=hours)
    except ValidationError as problem:
        raise ValueError(f"{problem.errors()[0]['msg']}; {HOW}") from None


def _shared(app: Application, screen: Commanded, model: str, words: str) -> None:
    from console.control.actions import ActionKind
    from console.control.rollout import RolloutMove, RolloutWish

    try:
        share = _number(words.rstrip("%")) / 100
        wish = RolloutWish(move=RolloutMove.SHARE, share=share)
    except ValueError:
        screen.say(f"{displayable(words)} is no percentage from 0 to 100", "warning")
        return
    _open(app, model, ActionKind.SHIFT, None, wish)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{displayable(text)!r} is no number; {HOW}") from None


def _waiting(app: Application, model: str) -> str:
    """The prompt's first words: the version that waits, as a canary."""
    from console.errands import version_that_waits

    version = version_that_waits(app.session.paths, app.environment, model, app.session.clock().now())
    return f"{version} canary " if version is not None else ""


def _open(app: Application, model: str, kind: object, to: str | None, wish: RolloutWish | None = None) -> None:
    from console.control.actions import ActionKind
    from console.errands import Errand
    from console.screens.plan import PlanScreen

    assert isinstance(kind, ActionKind)
    app.push_screen(PlanScreen(Errand(app.session, model, (kind,), to, wish=wish)))
