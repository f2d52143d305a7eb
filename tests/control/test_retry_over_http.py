"""A registry behind a real HTTP connection that breaks: what goes over the wire, and how often, is counted where it arrives."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from control_workspace import MODEL, NOW, TEAM, Workspace, confirmed, rollback

from backends.protocol import AliasMove, BackendError, BackendUnavailable
from console.control.actions import ActionState
from console.control.desk import Desk
from console.control.ledger import read_state
from console.control.reach import Reach


class Served(ThreadingHTTPServer):
    """One alias over HTTP. `breaks`: the connection is cut `before` the call is applied, or `after`; no answer is given then."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.breaks: str | None = None
        self.unreadable = False
        self.moves: list[dict[str, Any]] = []
        self.posted: list[tuple[str, dict[str, Any]]] = []
        """Idempotency key and body of every call that arrived, applied or not."""
        self.write("1", "ines", "earlier")
        self.write("2", "ines", "since")

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def write(self, version: str, by: str, key: str) -> None:
        self.moves.append({"version": version, "by": by, "at": NOW.isoformat(), "key": key})


class _Handler(BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        self._answer(503 if self.server.unreadable else 200, self.server.moves)

    def do_POST(self) -> None:
        key, body = self.headers["Idempotency-Key"], json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.posted.append((key, body))
        if self.server.breaks == "before":
            return self._cut()
        if not any(move["key"] == key for move in self.server.moves):
            self.server.write(body["version"], body["by"], key)
        return self._cut() if self.server.breaks == "after" else self._answer(200, {})

    def _cut(self) -> None:
        # The connection ends without a word of answer.
        self.server.unreadable = True
        self.close_connection = True

    def _answer(self, status: int, said: Any) -> None:
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        return


class Remote:
    """The registry as a backend, with a client that repeats nothing by itself."""

    def __init__(self, address: str) -> None:
        self.address = address

    def alias(self, environment: str, model: str, alias: str) -> AliasMove | None:
        del alias
        return self.alias_history(environment, model)[-1]

    def alias_history(self, environment: str, model: str) -> list[AliasMove]:
        try:
            answer = httpx.get(f"{self.address}/aliases", timeout=5)
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise BackendError(f"the registry does not answer: {error}") from error
        return [
            AliasMove(environment, model, "production", move["version"], datetime.fromisoformat(move["at"]), move["by"], move["key"])
            for move in answer.json()
        ]

    def set_alias(
        self, environment: str, model: str, alias: str, version: str, *, key: str, actor: str, now: datetime, **_unheeded: Any
    ) -> AliasMove:
        try:
            answer = httpx.post(
                f"{self.address}/aliases", json={"version": version, "by": actor}, headers={"Idempotency-Key": key}, timeout=5
            )
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise BackendUnavailable(str(error)) from error
        return AliasMove(environment, model, alias, version, now, actor, key)


@pytest.fixture
def served() -> Iterator[Served]:
    server = Served()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def desk_at(workspace: Workspace, served: Served) -> Desk:
    policy = TEAM.model_copy(update={"read_back_seconds": 0.1})
    return workspace.desk(policy=policy, reach=Reach(Remote(served.address), Reach.local(workspace.paths).switches))


def lost(workspace: Workspace, served: Served, breaks: str) -> str:
    """A rollback whose answer never came, from a console that nothing can be read from either; the id of the action."""
    served.breaks = breaks
    mara = desk_at(workspace, served)
    outcome = mara.execute(mara.plan(rollback(to="1")), confirmed(key="over-the-wire"))
    assert outcome.state is ActionState.IN_DOUBT
    mara.close()
    served.breaks, served.unreadable = None, False
    return outcome.action_id


def test_a_call_that_was_cut_before_it_was_applied_is_made_exactly_once_more_with_its_key(workspace: Workspace, served: Served) -> None:
    action = lost(workspace, served, "before")
    # Opening, looking, planning and rechecking send nothing, however often.
    for _ in range(3):
        desk = desk_at(workspace, served)
        assert desk.recheck(action).state is ActionState.IN_DOUBT
        plan = desk.plan_again(action)
        read_state(workspace.paths)
        desk.close()
    assert len(served.posted) == 1 and [move["version"] for move in served.moves] == ["1", "2"]
    otto = desk_at(workspace, served)
    outcome = otto.retry(plan, confirmed("the registry is back"))
    assert outcome.state is ActionState.EFFECTIVE and outcome.action_id == action
    assert served.posted == [("over-the-wire", {"version": "1", "by": served.posted[0][1]["by"]})] * 2
    assert [move["version"] for move in served.moves] == ["1", "2", "1"]
    # The same retry again, and the same action from the beginning, send nothing more.
    assert otto.retry(plan, confirmed("again")).state is ActionState.REFUSED
    assert otto.execute(otto.plan(rollback(to="1")), confirmed(key="over-the-wire")).repeated
    assert len(served.posted) == 2


def test_a_call_that_was_applied_before_the_answer_was_cut_is_found_and_not_made_again(workspace: Workspace, served: Served) -> None:
    action = lost(workspace, served, "after")
    mara = desk_at(workspace, served)
    assert mara.recheck(action).state is ActionState.EFFECTIVE
    assert not mara.plan_again(action).allowed
    assert len(served.posted) == 1 and [move["key"] for move in served.moves] == ["earlier", "since", "over-the-wire"]


def test_a_retry_that_is_cut_too_is_in_doubt_again_and_the_next_one_needs_another_recheck(workspace: Workspace, served: Served) -> None:
    action = lost(workspace, served, "before")
    mara = desk_at(workspace, served)
    mara.recheck(action)
    served.breaks = "after"
    again = mara.retry(mara.plan_again(action), confirmed())
    assert again.state is ActionState.IN_DOUBT and len(served.posted) == 2
    served.breaks, served.unreadable = None, False
    assert "recheck" in str(mara.plan_again(action).refusal)
    assert mara.recheck(action).state is ActionState.EFFECTIVE
    assert [key for key, _ in served.posted] == ["over-the-wire"] * 2
    assert [move["version"] for move in served.moves] == ["1", "2", "1"]
    assert workspace.state.actions[action].retries == 1


def test_a_registry_that_nobody_listens_at_was_sent_nothing_and_says_so_until_it_is_back(workspace: Workspace, served: Served) -> None:
    action = lost(workspace, served, "before")
    gone = desk_at(workspace, served)
    address = served.address
    gone._reach.aliases.address = "http://127.0.0.1:9"  # type: ignore[attr-defined]
    assert "still in doubt" in gone.recheck(action).message
    # A recheck that could not read anything does count as a look, and yet the retry looks again before it sends.
    assert gone.retry(gone.plan_again(action), confirmed()).state is not ActionState.EFFECTIVE
    assert len(served.posted) == 1
    gone._reach.aliases.address = address  # type: ignore[attr-defined]
    gone.recheck(action)
    assert gone.retry(gone.plan_again(action), confirmed()).state is ActionState.EFFECTIVE
    assert len(served.posted) == 2 and MODEL in workspace.state.actions[action].model
