"""The model service of the documentation obeys the switch that the verb sets, within moments, whatever becomes of the file after."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from endpoints import LONGEST, ROOT, TOKEN, Endpoint, Process, Switched, until

SERVER = ROOT / "docs" / "example_server.py"
GENEROUS = 10.0
"""Seconds to effect that even a machine with better things to do stays far below."""


class Service(Process):
    """The example server, and a caller that never stops asking."""

    def __init__(self, folder: Path, *words: str, environ: dict[str, str] | None = None) -> None:
        super().__init__(
            sys.executable, str(SERVER), "--model", "delay", *words, said=folder / "service.err", environ=environ
        )  # fmt: skip
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url, self.said
        self.client = httpx.Client(base_url=self.url, timeout=LONGEST, trust_env=False)

    def served_by(self, distance: float = 1089.0) -> str:
        return str(self.client.post("/score", json={"distance": distance}).json()["served_by"])

    @property
    def switch(self) -> tuple[str, bool]:
        found = self.client.get("/switch").json()
        return found["state"], found["stale"]

    def __exit__(self, *error: object) -> None:
        self.client.close()
        super().__exit__(*error)


@dataclass
class Caller:
    """Asks in a thread of its own for as long as it is open; keeps when it was answered by what."""

    service: Service
    answers: list[tuple[float, str]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Caller:
        self._thread = threading.Thread(target=self._ask)
        self._thread.start()
        until(lambda: self.answers, "a first answer")
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self.service.url, timeout=LONGEST, trust_env=False) as client:
            while not self._stop.is_set():
                asked = time.monotonic()
                found = client.post("/score", json={"distance": 1089.0}).json()["served_by"]
                self.answers.append((asked, found))

    def first(self, served_by: str, after: float) -> float:
        """When the first request was asked, after a moment, that was answered so."""
        return float(until(lambda: next((at for at, by in list(self.answers) if at >= after and by == served_by), None), served_by))


@pytest.fixture
def service(switched: Switched, tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path, "--switches", str(switched.paths.switches)) as found:
        yield found


def test_the_switch_takes_effect_within_moments_of_the_verb(service: Service, switched: Switched) -> None:
    with Caller(service) as caller:
        for state, served_by in (("fallback", "fallback"), ("killed", "killed"), ("normal", "model")):
            began = time.monotonic()
            switched.set("delay", state)
            seconds = caller.first(served_by, began) - began
            print(f"{state}: {seconds:.3f} s from the verb to the first answer that obeys it")
            assert seconds < GENEROUS
    courses = [by for number, (_, by) in enumerate(caller.answers) if number == 0 or by != caller.answers[number - 1][1]]
    assert courses == ["model", "fallback", "killed", "model"]


def test_a_request_asked_after_the_verb_has_ended_is_answered_by_the_new_state(service: Service, switched: Switched) -> None:
    assert service.served_by() == "model"
    for state, served_by in (("degraded", "degraded"), ("fallback", "fallback"), ("killed", "killed"), ("normal", "model")):
        switched.set("delay", state)
        assert service.served_by() == served_by


def test_each_state_answers_as_it_is_declared(service: Service, switched: Switched) -> None:
    far, near = {"distance": 2400.0}, {"distance": 200.0}

    def asked(body: dict[str, float]) -> tuple[int, float | None]:
        found = service.client.post("/score", json=body)
        return found.status_code, found.json()["score"]

    model_far, model_near = asked(far), asked(near)
    assert model_far[1] is not None and model_far[1] > 0.9
    assert model_near[1] is not None and model_near[1] < 0.2
    switched.set("delay", "degraded")
    assert (asked(far), asked(near)) == (model_far, (200, None))
    switched.set("delay", "fallback")
    assert asked(far) == asked(near) == (200, 0.2)
    switched.set("delay", "killed")
    assert asked(far) == asked(near) == (503, None)


def test_another_model_and_another_environment_do_not_concern_it(service: Service, switched: Switched) -> None:
    switched.set("air-time", "killed")
    switched.set("delay", "killed", environment="staging")
    assert (service.served_by(), service.switch) == ("model", ("normal", False))


def test_the_last_good_state_is_obeyed_while_the_file_cannot_be_read(service: Service, switched: Switched) -> None:
    switched.set("delay", "fallback")
    assert service.switch == ("fallback", False)
    good = switched.paths.switches.read_bytes()
    other = good.replace(b"quarterdeck/switches/1", b"quarterdeck/switches/2")
    for broken in (b"{", b"", b"[]", good[: len(good) // 2], other, good.replace(b'"state"', b'"status"')):
        switched.paths.switches.write_bytes(broken)
        assert (service.served_by(), service.switch) == ("fallback", ("fallback", True)), broken
        switched.paths.switches.write_bytes(good)
        assert service.switch == ("fallback", False)
    switched.paths.switches.unlink()
    assert (service.served_by(), service.switch) == ("fallback", ("fallback", True))
    switched.paths.switches.mkdir()
    assert service.switch == ("fallback", True)
    switched.paths.switches.rmdir()
    switched.set("delay", "killed")
    assert (service.served_by(), service.switch) == ("killed", ("killed", False))


def test_before_anything_was_ever_read_the_safe_default_answers(switched: Switched, tmp_path: Path) -> None:
    switched.paths.switches.write_text("{")
    with Service(tmp_path, "--switches", str(switched.paths.switches)) as service:
        assert (service.served_by(), service.switch) == ("fallback", ("fallback", True))
        switched.paths.switches.unlink()
        assert (service.served_by(), service.switch) == ("model", ("normal", False))


def test_a_state_of_tomorrow_is_answered_by_the_safe_default(service: Service, switched: Switched) -> None:
    switched.set("delay", "killed")
    text = switched.paths.switches.read_text()
    switched.paths.switches.write_text(text.replace('"killed"', '"drained"'))
    assert service.served_by() == "fallback"


def test_a_file_replaced_many_times_is_never_read_half(service: Service, switched: Switched) -> None:
    switched.set("delay", "fallback")
    with Caller(service) as caller:
        for _ in range(40):
            switched.set("delay", "fallback", "--until", "2h")
        after = len(caller.answers)
        until(lambda: len(caller.answers) > after, "another answer")
    assert {by for _, by in caller.answers} == {"fallback"}


def test_by_way_of_the_endpoint_it_obeys_too_and_keeps_to_what_it_heard_last(
    endpoint: Endpoint, switched: Switched, tmp_path: Path
) -> None:
    with Service(tmp_path, "--ofrep", endpoint.url, "--every", "0.05", environ={"OFREP_TOKEN": TOKEN}) as service:
        until(lambda: service.switch == ("normal", False), "a first answer of the endpoint")
        assert service.served_by() == "model"
        with Caller(service) as caller:
            began = time.monotonic()
            switched.set("delay", "killed")
            seconds = caller.first("killed", began) - began
            print(f"killed: {seconds:.3f} s by way of the endpoint")
            assert seconds < GENEROUS
        endpoint.ended()
        until(lambda: service.switch[1], "nothing newer can be heard")
        assert (service.served_by(), service.switch) == ("killed", ("killed", True))


def test_without_the_token_it_hears_nothing_and_answers_with_the_safe_default(endpoint: Endpoint, tmp_path: Path) -> None:
    with Service(tmp_path, "--ofrep", endpoint.url, "--every", "0.05", environ={"OFREP_TOKEN": "wrong"}) as service:
        assert (service.served_by(), service.switch) == ("fallback", ("fallback", True))
