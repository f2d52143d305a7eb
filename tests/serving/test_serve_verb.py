"""`quarterdeck serve` as a process: where it listens, whom it refuses to listen for, and how it ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from endpoints import LONGEST, PROGRAM, ROOT, TOKEN, Endpoint, Switched, until
from published_schemas import assert_fits

from console.cli.main import main
from console.serving import loopback


def test_it_says_where_it_listens_and_where_the_token_came_from(endpoint: Endpoint) -> None:
    assert_fits(endpoint.view, "endpoint")
    assert endpoint.url.startswith("http://127.0.0.1:")
    assert (endpoint.view["authenticated"], endpoint.view["token_from"], endpoint.view["environment"]) == (True, "environment", None)
    assert "comes from the environment variable" in endpoint.said
    assert TOKEN not in endpoint.said and TOKEN not in str(endpoint.view)


def test_the_token_is_in_no_argument_that_other_users_can_read(endpoint: Endpoint) -> None:
    command = Path(f"/proc/{endpoint.process.pid}/cmdline")
    if not command.exists():
        pytest.skip("this system shows no command lines")
    assert TOKEN.encode() not in command.read_bytes()


def test_a_file_of_the_owners_alone_may_hold_the_token(switched: Switched, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from backends.secret_file import SecretFile

    monkeypatch.delenv("QUARTERDECK_SECRET_OFREP_TOKEN")
    kept = tmp_path / "secrets.json"
    monkeypatch.setenv("QUARTERDECK_SECRETS_FILE", str(kept))
    SecretFile(kept).put("ofrep-token", TOKEN)
    with Endpoint(switched.root) as endpoint:
        assert endpoint.view["token_from"] == "file"
        assert endpoint.flag("delay")["value"] == "normal"
        assert endpoint.ask(Authorization="Bearer wrong").status_code == 401
    kept.chmod(0o644)
    done = subprocess.run(
        [*PROGRAM, "-w", str(switched.root), "serve", "--port", "0"], cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode == 4 and TOKEN not in done.stderr


def test_a_switch_set_by_the_verb_is_served_at_once(endpoint: Endpoint, switched: Switched) -> None:
    tag = endpoint.ask().headers["etag"]
    assert endpoint.ask(If_None_Match=tag).status_code == 304
    switched.set("delay", "killed")
    assert endpoint.flag("delay")["value"] == "killed"
    assert endpoint.ask(If_None_Match=tag).status_code == 200


def test_one_environment_is_served_alone_when_it_is_named(switched: Switched) -> None:
    switched.serves("delay", "1", "staging")
    with Endpoint(switched.root, "--env", "staging") as endpoint:
        assert endpoint.view["environment"] == "staging"
        assert [each["key"] for each in endpoint.ask().json()["flags"]] == ["quarterdeck.staging.delay.state"]


def test_a_request_under_way_is_finished_before_it_ends(endpoint: Endpoint) -> None:
    body = b'{"context": {}}'
    head = (
        f"POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n"
        f"Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", int(endpoint.url.rpartition(":")[2])), timeout=LONGEST) as caller:
        caller.sendall(head.encode())
        # Only whoever reads the body says this: the request is under way.
        assert b"100" in caller.recv(200)
        endpoint.process.send_signal(signal.SIGTERM)
        until(lambda: not _answers(endpoint), "no new connection is taken")
        caller.sendall(body)
        answer = b""
        while piece := caller.recv(65_536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 200") and b"quarterdeck.production.delay.state" in answer
    assert endpoint.process.wait(LONGEST) == 0
    assert "serve: stopped" in endpoint.said


def _answers(endpoint: Endpoint) -> bool:
    try:
        socket.create_connection(("127.0.0.1", int(endpoint.url.rpartition(":")[2])), timeout=LONGEST).close()
    except OSError:
        return False
    return True


def test_an_interrupt_ends_it_as_interrupts_end_every_verb(endpoint: Endpoint) -> None:
    endpoint.process.send_signal(signal.SIGINT)
    assert endpoint.process.wait(LONGEST) == 130
    assert "Traceback" not in endpoint.said


def test_many_callers_at_once_are_all_answered_the_same(endpoint: Endpoint, switched: Switched) -> None:
    switched.set("delay", "fallback")
    found: list[str] = []

    def ask() -> None:
        found.extend(endpoint.flag("delay")["value"] for _ in range(10))

    callers = [threading.Thread(target=ask) for _ in range(8)]
    for each in callers:
        each.start()
    for each in callers:
        each.join()
    assert found == ["fallback"] * 80


# -- what it refuses


def run(capsys: pytest.CaptureFixture[str], switched: Switched, *words: str) -> tuple[int, str]:
    code = main(["--workspace", str(switched.root), "serve", *words])
    return code, capsys.readouterr().err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "no-such-host.invalid"])
def test_without_a_token_it_listens_for_no_other_machine(switched: Switched, capsys: pytest.CaptureFixture[str], host: str) -> None:
    code, said = run(capsys, switched, "--host", host, "--no-token", "--port", "0")
    assert code == 3 and "without a token only" in said


def test_without_a_secret_it_does_not_start_unless_that_is_asked_for(
    switched: Switched, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QUARTERDECK_SECRET_OFREP_TOKEN")
    code, said = run(capsys, switched, "--port", "0")
    assert code == 4 and "no secret ofrep-token" in said and len(said.splitlines()) == 1


def test_a_token_that_can_be_guessed_is_none(
    switched: Switched, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUARTERDECK_SECRET_OFREP_TOKEN", "short")
    code, said = run(capsys, switched, "--port", "0")
    assert code == 3 and "fewer than 16" in said and "short" not in said


def test_a_port_that_is_taken_is_said_in_one_line(switched: Switched, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        code, said = run(capsys, switched, "--port", str(taken.getsockname()[1]))
    assert code == 3 and "in use" in said and len([line for line in said.splitlines() if "secret" not in line]) == 1
    assert run(capsys, switched, "--port", "70000")[0] == 2


def test_the_past_is_not_served(switched: Switched, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--workspace", str(switched.root), "--as-of", "2020-01-01T00:00Z", "serve"]) == 3
    assert "past" in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_without_its_extra_it_names_it_in_one_line(switched: Switched, missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; from console.cli.main import entry; entry()"
    done = subprocess.run(
        [sys.executable, "-c", code, "-w", str(switched.root), "serve", "--port", "0"],
        cwd=ROOT, capture_output=True, text=True, timeout=LONGEST, env=dict(os.environ), check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert done.stderr.splitlines() == [f"quarterdeck serve: serving needs {missing}, which is not installed: install quarterdeck[serve]"]


def test_which_addresses_are_this_machines_own() -> None:
    assert all(loopback(host) for host in ("127.0.0.1", "127.8.9.1", "::1", "localhost"))
    assert not any(loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "no-such-host.invalid"))
