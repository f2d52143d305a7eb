"""`quarterdeck traffic M`: how its traffic is divided; begin, take on, pause and end a rollout."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from console.cli.acting import act, acting_arguments, request_of, version_of
from console.cli.context import WIDTH, Context, Problem
from console.cli.exits import Exit
from console.control.actions import ActionKind
from console.control.rollout import BEGINNINGS, DEFAULT_STEPS, RolloutMove
from console.render.traffic import traffic_page

if TYPE_CHECKING:
    from backends.protocol import TrafficSetting

MOVES = {"step": RolloutMove.STEP, "pause": RolloutMove.PAUSE, "resume": RolloutMove.RESUME}


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", help="the model's name")
    parser.add_argument(
        "what",
        nargs="?",
        default="show",
        choices=("show", "shift", "step", "pause", "resume", "abort"),
        help="show (the default), shift: begin a rollout or set a share, step: the next share of a canary, pause, resume, abort",
    )
    group = parser.add_argument_group("shift")
    group.add_argument("--to", metavar="V", help="the version that is let in")
    group.add_argument("--strategy", choices=[move.value for move in BEGINNINGS], help="begin a rollout of this kind")
    group.add_argument(
        "--percent", metavar="N", type=_percent, help="its share: of a canary's first step, of an experiment, or from now on"
    )
    group.add_argument("--steps", metavar="N,N", type=_steps, help="shares of a canary's steps (default: 5,25,50); promotion comes last")
    group.add_argument("--hours", metavar="H", type=float, help="ab: runs at least so long; blue-green: keep the other colour so long")
    parser.add_argument("--unjudged", action="store_true", help="go forward although the step could not be judged; goes on record")
    acting_arguments(parser)


def run(context: Context, options: argparse.Namespace) -> Exit:
    if options.what == "show":
        return _show(context, options)
    if options.what != "shift" and any(each is not None for each in (options.to, options.strategy, options.steps, options.percent)):
        raise Problem(Exit.USAGE, f"{options.what} takes no version, share or strategy; to set one: traffic {options.model} shift")
    if options.what == "abort":
        return act(context, request_of(context, ActionKind.ABORT, options.model))
    to = version_of(context, options.model, options.to)
    wish = {"move": MOVES[options.what]} if options.what in MOVES else _shift(context, options)
    return act(context, request_of(context, ActionKind.SHIFT, options.model, to=to, wish={**wish, "unjudged": options.unjudged}))


def _show(context: Context, options: argparse.Namespace) -> Exit:
    view = context.lookout.traffic(options.model)
    context.show(view, "traffic", lambda: traffic_page(view, width=WIDTH))
    return Exit.UNAVAILABLE if view.problem is not None else Exit.OK


def _shift(context: Context, options: argparse.Namespace) -> dict[str, object]:
    """What a shift wishes: a beginning where a strategy is named or nothing is under way, else another share."""
    share = options.percent
    if options.strategy is None and share is None:
        raise Problem(Exit.USAGE, "say how much with --percent N, or how with --strategy canary|shadow|blue-green|ab")
    if options.strategy is None and options.steps is None and _under_way(context, options.model) is not None:
        return {"move": RolloutMove.SHARE, "share": share}
    if options.to is None:
        raise Problem(Exit.USAGE, "no rollout is under way: name the version to let in with --to V")
    move = RolloutMove(options.strategy or "canary")
    if options.steps is not None and move is not RolloutMove.CANARY:
        raise Problem(Exit.USAGE, f"--steps belong to a canary, not to {move.value}")
    if options.hours is not None and move not in {RolloutMove.AB, RolloutMove.BLUE_GREEN}:
        raise Problem(Exit.USAGE, f"--hours belong to ab and blue-green, not to {move.value}")
    if move is RolloutMove.CANARY:
        later = options.steps if options.steps is not None else DEFAULT_STEPS
        steps = later if share is None else (share, *(each for each in later if each > share))
        return {"move": move, "steps": steps}
    if share is not None and move is not RolloutMove.AB:
        raise Problem(Exit.USAGE, f"--percent belongs to a canary or an experiment: {move.value} answers nobody with the other version")
    return {"move": move, "share": share, "hours": options.hours}


def _under_way(context: Context, model: str) -> TrafficSetting | None:
    from console.views.release.rollout import rollout_in_force

    return rollout_in_force(context.lookout.sight(), model)


def _percent(words: str) -> float:
    try:
        value = float(words.removesuffix("%"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{words!r} is no percentage") from None
    if not 0 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{words!r} is not between 0 and 100")
    return value / 100


def _steps(words: str) -> tuple[float, ...]:
    return tuple(_percent(word) for word in words.split(","))
