"""From a capital letter to its dialog: what each acting command is about, and which screen it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backends.text import displayable
from console.commands import Command
from console.screens import breaker, doubt, holding, shifting

if TYPE_CHECKING:
    from console.screens.application import Application
    from console.screens.commanded import Commanded

ACTING = frozenset(
    {
        *("rollback", "kill", "promote", "approve", "reject", "glass", "close", "take", "note"),
        *("elevate", "recheck", "resolve", "retry", "breaker", "shift", "hold", "retrain", "retain"),
    }
)


def begin(app: Application, command: Command, screen: Commanded, words: str) -> None:
    """Open the plan of a command for the row under the cursor, or for what `words` names."""
    key = screen.content.cursor_key
    if command.id == "note":
        _note(app, screen, words)
    elif command.id == "elevate":
        _elevate(app, screen, words)
    elif command.id in {"approve", "reject"}:
        _sign(app, command, screen, words or (screen.target if screen.scope == "approval" else key) or "")
    elif command.id in {"recheck", "resolve", "retry"}:
        doubt.begin(app, command, screen, words or (screen.target if screen.scope == "action" else key) or "")
    elif command.id == "breaker":
        breaker.begin(app, screen, words)
    elif command.id == "shift":
        _shift(app, screen, words)
    elif command.id == "hold":
        holding.begin(app, screen, words)
    elif command.id == "glass":
        _break_glass(app, screen, words)
    elif command.id == "close":
        _close(app, screen, words or (screen.target if screen.scope == "incident" else key) or "")
    elif command.id == "take":
        app.take(words or subject_of(screen) or "", screen)
    else:
        _plan(app, command, screen, words)


def subject_of(screen: Commanded) -> str | None:
    """What a remark on this screen is about: the incident or request that is open, else what is under the cursor."""
    if screen.scope in {"incident", "approval"}:
        return screen.target
    if screen.scope in {"incidents", "approvals"}:
        return screen.content.cursor_key
    return screen.model_of(screen.content.cursor_key)


def _plan(app: Application, command: Command, screen: Commanded, words: str) -> None:
    from console.control.actions import ActionKind  # control is loaded with the first plan
    from console.errands import Errand, switch_errand, version_that_waits
    from console.screens.plan import PlanScreen

    model, _, version = words.partition("@")
    if not model and command.id == "promote" and screen.scope in {"approval", "approvals"}:
        _execute_request(app, screen)
        return
    model = model or screen.model_of(screen.content.cursor_key) or ""
    if not model:
        screen.say(f"{command.title}: put the cursor on a model first", "warning")
        return
    marked = () if words else screen.marked
    if marked not in {(), (model,)} and command.id != "kill":
        screen.say(f"{command.footer or command.title} acts on one model: Esc takes the {len(marked)} marks away", "warning")
        return
    if len(marked) > 1:
        from console.screens.several import SeveralScreen
        from console.several import SeveralErrand

        app.push_screen(SeveralScreen(SeveralErrand.of(app.session, marked), done=screen.unmark))
        return
    if marked:
        model = marked[0]
    if command.id == "kill":
        app.push_screen(PlanScreen(switch_errand(app.session, model)))
        return
    of_a_model = {"retrain": ActionKind.RETRAIN, "retain": ActionKind.RETAIN}
    if command.id in of_a_model:
        app.push_screen(PlanScreen(Errand(app.session, model, (of_a_model[command.id],))))
        return
    kind = ActionKind.ROLLBACK if command.id == "rollback" else ActionKind.PROMOTE
    to = version or screen.version_of(screen.content.cursor_key)
    if kind is ActionKind.PROMOTE and to is None:
        to = version_that_waits(app.session.paths, app.environment, model, app.session.clock().now())
        if to is None:
            screen.say(f"promote which version? type  :promote {model}@VERSION", "warning")
            return
    app.push_screen(PlanScreen(Errand(app.session, model, (kind,), to)))


def _shift(app: Application, screen: Commanded, words: str) -> None:
    """`:shift 3 canary 10,50` on the model under the cursor."""
    model = screen.model_of(screen.content.cursor_key)
    if not model or not words:
        screen.say(f"{shifting.HOW}; on a model, or W", "warning")
    else:
        shifting.begun(app, screen, model, words)


def _execute_request(app: Application, screen: Commanded, *, glass: bool = False) -> None:
    from console.control.actions import ALIAS_KINDS, ActionKind
    from console.control.approval import no_longer
    from console.control.ledger import read_state
    from console.errands import Errand
    from console.screens.plan import PlanScreen

    wanted = screen.target if screen.scope == "approval" else screen.content.cursor_key
    approval = read_state(app.session.paths).approvals.get(wanted or "")
    if approval is None:
        screen.say("execute which request? put the cursor on one", "warning")
        return
    ended = no_longer(approval, app.session.clock().now())
    if ended is not None:
        screen.say(f"{displayable(ended)}; ask for it again", "warning")
        return
    payload = approval.payload
    kind, wish = approval.asked_as, None
    if kind is ActionKind.SHIFT:
        # A tenth that was asked for is never executed as all of it.
        from console.control.rollout import RolloutWish

        wish = RolloutWish.model_validate((approval.plan or {})["wish"])
    to = payload.to if kind in ALIAS_KINDS or kind is ActionKind.SHIFT else None
    app.push_screen(PlanScreen(Errand(app.session, payload.model, (kind,), to, wish=wish, break_glass=glass)))


def _break_glass(app: Application, screen: Commanded, words: str) -> None:
    """The plan of the row under the cursor without the approval that it needs: of a request, of a version, of the end of the rollout that
    is on the screen, else of the kill switch."""
    from console.control.actions import ActionKind
    from console.errands import Errand, switch_errand
    from console.screens.plan import PlanScreen

    key = screen.content.cursor_key
    if not words and screen.scope in {"approval", "approvals"}:
        _execute_request(app, screen, glass=True)
        return
    model, _, version = words.partition("@")
    model = model or screen.model_of(key) or ""
    version = version or screen.version_of(key) or ""
    if screen.scope == "release" and model:
        app.push_screen(PlanScreen(Errand(app.session, model, (ActionKind.ABORT,), break_glass=True)))
    elif not model:
        screen.say("break the glass for what? put the cursor on a model first", "warning")
    elif version:
        app.push_screen(PlanScreen(Errand(app.session, model, (ActionKind.ROLLBACK,), version, break_glass=True)))
    else:
        app.push_screen(PlanScreen(switch_errand(app.session, model, break_glass=True)))


def _sign(app: Application, command: Command, screen: Commanded, approval_id: str) -> None:
    from console.screens.sign import SignScreen

    if not approval_id:
        screen.say(f"{command.title}: put the cursor on a request first", "warning")
        return
    if approval_id.startswith("REV-"):
        from console.screens.review import ReviewScreen

        app.push_screen(ReviewScreen(app.session, approval_id, justified=command.id == "approve"))
        return
    app.push_screen(SignScreen(app.session, approval_id, veto=command.id == "reject"))


def _close(app: Application, screen: Commanded, incident_id: str) -> None:
    from console.control.actions import ActionKind
    from console.control.ledger import read_state
    from console.errands import Errand
    from console.screens.plan import PlanScreen

    incident = read_state(app.session.paths).incidents.get(incident_id)
    if incident is None:
        screen.say(f"there is no incident {incident_id}: g i lists them", "warning")
        return
    app.push_screen(PlanScreen(Errand(app.session, incident.model, (ActionKind.CLOSE,), subject=incident.id)))


def _note(app: Application, screen: Commanded, words: str) -> None:
    subject = subject_of(screen)
    if not subject:
        screen.say("a note on what? put the cursor on a model or an incident first", "warning")
    elif words:
        app.note(subject, words, screen)
    else:
        screen.ask("+", answered=lambda text: app.note(subject, text, screen))


def _elevate(app: Application, screen: Commanded, words: str) -> None:
    if words:
        app.elevate(words, screen)
    else:
        screen.ask("elevate, and why: ", "15m ", answered=lambda text: app.elevate(text, screen))
