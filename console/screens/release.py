"""Release: which version gets which share, what the rollout has shown, what would roll it back, and every next move one key away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import commands
from console.render.traffic import TRIGGER, VERSION, traffic_page
from console.screens import made, shifting
from console.screens.base import DeckScreen
from widgets.line import Page

if TYPE_CHECKING:
    from console.lookout import Lookout

FORWARD = ("resume", "step", "rollback", "begin")
"""What `W` means here, the first of them that can be done now."""


class ReleaseScreen(DeckScreen):
    """The traffic of one model."""

    scope = "release"
    own_keys = frozenset({"shift", "abort"})

    def load(self, lookout: Lookout) -> Any:
        assert self.target is not None
        return lookout.traffic(self.target)

    def page(self, view: Any, width: int, height: int) -> Page:
        del height
        return traffic_page(view, width=width, on_screen=True)

    def model_of(self, key: str | None) -> str | None:
        del key
        return self.target

    def topic_of(self, key: str | None) -> str | None:
        """What a trigger goes by is an alert rule."""
        found = next((each for each in getattr(self.view, "triggers", ()) if key == f"{TRIGGER}{each.id}"), None)
        return found.rule if found is not None and found.rule is not None else "rollback trigger"

    def works(self, command: commands.Command) -> bool:
        known = {each.move for each in self.view.next} if self.view is not None else set()
        if command.id == "abort":
            return "abort" in known and super().works(command)
        if command.id == "shift":
            return bool(known & set(FORWARD)) and super().works(command)
        return super().works(command)

    def leads_to(self, key: str) -> DeckScreen | None:
        if key.startswith(VERSION):
            return made("version", f"{self.target}@{key.removeprefix(VERSION)}")
        return made("explain", self.topic_of(key)) if self._move(key) is None else None

    def open_row(self, key: str) -> None:
        move = self._move(key)
        if move is None:
            super().open_row(key)
        else:
            self._begin(move)

    def _move(self, key: str) -> Any:
        return next((each for each in self.view.next if each.verb == key), None)

    def do_shift(self) -> None:
        """The next step of the rollout; without one, how one begins."""
        known = {each.move: each for each in self.view.next} if self.view is not None else {}
        move = next((known[name] for name in FORWARD if name in known), None)
        if move is None:
            self.say("no step is left here: the rows under Next say what can be done", "warning")
        else:
            self._begin(move)

    def do_abort(self) -> None:
        """The rollout given up."""
        move = next((each for each in self.view.next if each.move == "abort"), None) if self.view is not None else None
        if move is None:
            self.say("no rollout is under way", "warning")
        else:
            self._begin(move)

    def do_promote(self) -> None:
        """The candidate of the rollout, else the version that waits."""
        move = next((each for each in self.view.next if each.move == "promote"), None) if self.view is not None else None
        if move is None:
            self.app.run_command(_command("promote"), self)
        else:
            self._begin(move)

    def _begin(self, move: Any) -> None:
        command = _command("abort" if move.move == "abort" else "shift")
        reason = self.app.disabled(command)
        if reason is not None:
            self.say(f"{move.verb}: {reason}", "warning")
            return
        candidate = next((arm.version for arm in self.view.arms if arm.role == "candidate"), None)
        shifting.begin(self.app, self, self.target or "", move.move, candidate, unjudged=move.unjudged)


def _command(name: str) -> commands.Command:
    return next(each for each in commands.CATALOGUE if each.id == name)
