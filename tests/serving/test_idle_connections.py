"""Clients that open connections and ask for nothing, with a token or without: whoever asks still hears what the switches say."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import uvicorn
from endpoints import LONGEST, TOKEN, Endpoint, Switched, until

from backends.ofrep.patience import PatientProtocol

HALF_A_QUESTION = f"POST /ofrep/v1/evaluate/flags HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 900\r\n"


@pytest.fixture
def opened() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def opens(stack: ExitStack, port: int | None, *said: str) -> socket.socket:
    """A connection on which so much is said, and no more."""
    found = stack.enter_context(socket.create_connection(("127.0.0.1", port or 0), timeout=LONGEST))
    found.sendall("".join(said).encode())
    return found


def test_whoever_asks_is_answered_however_many_ask_for_nothing(endpoint: Endpoint, switched: Switched, opened: ExitStack) -> None:
    port = urlsplit(endpoint.url).port
    first = opens(opened, port)
    for number in range(PatientProtocol.most + 100):
        opens(opened, port, *([], [HALF_A_QUESTION], [HALF_A_QUESTION, "\r\n{"])[number % 3])
    assert endpoint.flag("delay")["value"] == "normal"
    # Room was made by the one that had been idle for longest.
    first.settimeout(LONGEST)
    assert _closed(first)
    switched.set("delay", "killed")
    assert endpoint.flag("delay")["value"] == "killed"


def _closed(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


class Impatient(PatientProtocol):
    most = 8
    patience = 0.3


@pytest.fixture
def impatient() -> Iterator[int]:
    """The port of a server that answers every question with `ok`, and waits for none for long."""

    async def answers(_scope: object, _receive: object, send) -> None:  # type: ignore[no-untyped-def]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(answers, http=Impatient, ws="none", lifespan="off", log_config=None, timeout_keep_alive=30))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until(lambda: server.started, "the server")
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("said", ["", HALF_A_QUESTION, HALF_A_QUESTION + "\r\n{"], ids=["nothing", "half a head", "half a body"])
def test_a_question_that_comes_byte_by_byte_is_not_waited_for(impatient: int, opened: ExitStack, said: str) -> None:
    connection = opens(opened, impatient, said)
    connection.settimeout(0.02)
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        try:
            connection.sendall(b"X")
            if connection.recv(100) == b"":
                return
        except TimeoutError:
            continue
        except OSError:
            return
    raise AssertionError("it was waited for")


def test_a_connection_that_goes_on_asking_stays(impatient: int, opened: ExitStack) -> None:
    connection = opens(opened, impatient)
    until_then = time.monotonic() + 3 * Impatient.patience
    asked = 0
    while time.monotonic() < until_then:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while not answer.endswith(b"ok"):
            more = connection.recv(1000)
            assert more, "it was closed"
            answer += more
        asked += 1
    assert asked > 1
