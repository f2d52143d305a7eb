"""The endpoint speaks OFREP 0.3 to the letter, lets nobody in without the token, and is bounded in what it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocol_shapes import BULK, BULK_FAILURE, FAILURE, GENERAL, NOT_FOUND, SUCCESS

from backends.local.acting import LocalAliasSetter, LocalSwitchSetter
from backends.ofrep.application import LARGEST_BODY, application
from backends.ofrep.flags import flag_key
from backends.ofrep.published import Watched
from backends.protocol import SwitchSetting
from backends.records import SwitchState

NOW = datetime(2013, 4, 26, 22, tzinfo=UTC)
TOKEN = "a-token-of-the-tests"
BULK_PATH = "/ofrep/v1/evaluate/flags"
KEY = flag_key("production", "delay")
ANY = {"context": {"targetingKey": "user-1"}}


class Served:
    """The application over the two files of a folder, asked without a network."""

    def __init__(self, folder: Path, token: str | None = TOKEN, environment: str | None = None) -> None:
        self.switches, self.registry = folder / "switches.json", folder / "registry.json"
        self.told: list[str] = []
        self.now = NOW
        self.watched = Watched(self.switches, self.registry, self.told.append)
        self.app = application(self.watched, lambda: self.now, token=token, environment=environment)
        self.base = "http://127.0.0.1:8716"

    def serves(self, model: str, environment: str = "production") -> None:
        LocalAliasSetter(self.registry).set_alias(
            environment, model, "production", "1", expected=None, key=f"{environment}/{model}", actor="ines", now=NOW
        )

    def set(self, state: str, model: str = "delay", environment: str = "production", **more: Any) -> None:
        found = LocalSwitchSetter(self.switches)
        before = found.switch(environment, model)
        key = f"k{found.published_version()}"
        setting = SwitchSetting(environment, model, SwitchState(state), NOW, "mara@bastion", key, "INC-1", **more)
        found.set_switch(setting, expected=SwitchState.NORMAL if before is None else before.state)

    async def ask(self, path: str = BULK_PATH, body: Any = ANY, method: str = "POST", **headers: str) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given_headers = {"authorization": f"Bearer {TOKEN}", **{name.replace("_", "-"): value for name, value in headers.items()}}
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=self.base) as client:
            return await client.request(method, path, content=content, headers=given_headers)

    async def flag(self, key: str = KEY) -> dict[str, Any]:
        found: dict[str, Any] = (await self.ask(f"{BULK_PATH}/{key}")).json()
        return found


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    found = Served(tmp_path)
    found.serves("delay")
    yield found


# -- shapes


@pytest.mark.parametrize("state", ["normal", "degraded", "fallback", "killed"])
async def test_a_single_flag_has_the_shape_of_a_success(served: Served, state: str) -> None:
    if state != "normal":
        served.set(state, until=NOW + timedelta(hours=1))
    answer = await served.ask(f"{BULK_PATH}/{KEY}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    jsonschema.validate(answer.json(), SUCCESS)
    assert (answer.json()["key"], answer.json()["value"], answer.json()["variant"]) == (KEY, state, state)


async def test_all_flags_come_sorted_with_the_version_of_the_file(served: Served) -> None:
    served.serves("air-time")
    served.set("killed")
    answer = await served.ask()
    jsonschema.validate(answer.json(), BULK)
    assert [(each["key"], each["value"]) for each in answer.json()["flags"]] == [
        (flag_key("production", "air-time"), "normal"),
        (KEY, "killed"),
    ]
    assert answer.json()["metadata"] == {"version": 1, "switches": "OK"}


async def test_a_key_that_nobody_knows_is_not_found(served: Served) -> None:
    for key in ("nope", flag_key("production", "delays"), flag_key("staging", "delay"), "quarterdeck.production.delay", "../x", "a b"):
        answer = await served.ask(f"{BULK_PATH}/{key}")
        assert answer.status_code == 404
        jsonschema.validate(answer.json(), NOT_FOUND if "errorCode" in answer.json() else GENERAL)
    assert (await served.ask(f"{BULK_PATH}/nope")).json()["key"] == "nope"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "PARSE_ERROR"),
        (b"{", "PARSE_ERROR"),
        (b"\xff\xfe", "PARSE_ERROR"),
        (b"[" * 30_000, "PARSE_ERROR"),
        (b"[]", "PARSE_ERROR"),
        (b'"text"', "PARSE_ERROR"),
        (b'{"context": []}', "INVALID_CONTEXT"),
        (b'{"context": null}', "INVALID_CONTEXT"),
    ],
)
async def test_a_request_that_is_none_is_told_so(served: Served, body: bytes, code: str) -> None:
    single, bulk = await served.ask(f"{BULK_PATH}/{KEY}", body), await served.ask(body=body)
    assert (single.status_code, bulk.status_code) == (400, 400)
    jsonschema.validate(single.json(), FAILURE)
    jsonschema.validate(bulk.json(), BULK_FAILURE)
    assert (single.json()["errorCode"], bulk.json()["errorCode"], single.json()["key"]) == (code, code, KEY)


async def test_a_request_without_context_or_targeting_key_is_answered_since_no_flag_depends_on_one(served: Served) -> None:
    for body in ({}, {"context": {}}, {"context": {"country": "CA"}}):
        assert (await served.ask(f"{BULK_PATH}/{KEY}", body)).status_code == 200


async def test_two_models_with_one_key_are_not_guessed_at(served: Served) -> None:
    served.serves("b.c", "a")
    served.serves("c", "a.b")
    served.set("killed", "c", "a.b")
    key = flag_key("a", "b.c")
    assert key == flag_key("a.b", "c")
    answer = await served.ask(f"{BULK_PATH}/{key}")
    assert answer.status_code == 400
    jsonschema.validate(answer.json(), FAILURE)
    jsonschema.validate((await served.ask()).json(), BULK)
    assert (await served.flag())["value"] == "normal"


async def test_one_environment_can_be_served_alone(tmp_path: Path) -> None:
    served = Served(tmp_path, environment="staging")
    served.serves("delay")
    served.serves("delay", "staging")
    assert [each["key"] for each in (await served.ask()).json()["flags"]] == [flag_key("staging", "delay")]
    assert (await served.ask(f"{BULK_PATH}/{KEY}")).status_code == 404


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=30)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(names=st.lists(NAMES, min_size=1, max_size=3, unique=True))
async def test_whatever_a_model_is_called_its_flag_comes_back_exactly(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    served = Served(tmp_path_factory.mktemp("named"))
    for name in names:
        served.set("killed", name)
    answer = await served.ask()
    jsonschema.validate(answer.json(), BULK)
    assert {each["key"] for each in answer.json()["flags"]} == {flag_key("production", name) for name in names}
    assert answer.content.isascii() and b"\x1b" not in answer.content and b"\x00" not in answer.content


# -- what an override says


async def test_an_override_says_who_is_asked_and_whether_it_is_overdue_and_goes_on(served: Served) -> None:
    served.set("fallback", until=NOW + timedelta(hours=1), owner="ilse")
    told = (await served.flag())["metadata"]
    assert (told["setBy"], told["owner"], told["until"], told["overdue"]) == ("mara@bastion", "ilse", "2013-04-26T23:00:00Z", False)
    served.now = NOW + timedelta(hours=2)
    found = await served.flag()
    assert (found["value"], found["metadata"]["overdue"]) == ("fallback", True)


# -- conditional requests


async def test_nothing_new_is_said_without_a_body(served: Served) -> None:
    first = await served.ask()
    tag = first.headers["etag"]
    for named in (tag, f"W/{tag}", f'"other", {tag}', "*", tag.strip('"')):
        again = await served.ask(if_none_match=named)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), named
    assert (await served.ask(if_none_match='"other"')).status_code == 200


async def test_every_change_makes_another_tag(served: Served) -> None:
    tags = [(await served.ask()).headers["etag"]]

    async def now_another(said: str) -> None:
        answer = await served.ask(if_none_match=tags[-1])
        assert answer.status_code == 200, said
        assert answer.headers["etag"] not in tags, said
        tags.append(answer.headers["etag"])

    served.set("fallback", until=NOW + timedelta(hours=1))
    await now_another("a state")
    served.set("fallback", until=NOW + timedelta(hours=2))
    await now_another("a renewal")
    served.now = NOW + timedelta(hours=3)
    await now_another("the end of its time")
    served.serves("new")
    await now_another("a model")
    served.switches.write_text("{")
    await now_another("a file that cannot be read")


# -- the file in trouble


async def test_what_was_good_is_served_on_as_stale_and_the_change_is_told_once(served: Served) -> None:
    served.set("killed")
    assert (await served.flag())["value"] == "killed"
    good = served.switches.read_bytes()
    served.switches.write_text("{")
    for _ in range(3):
        found = await served.flag()
        assert (found["value"], found["reason"], found["metadata"]["switches"]) == ("killed", "UNKNOWN", "STALE")
        jsonschema.validate(found, SUCCESS)
    assert (await served.ask("/health", method="GET")).json() == {"status": "STALE", "version": 1}
    served.switches.write_bytes(good)
    assert (await served.flag())["metadata"]["switches"] == "OK"
    assert len(served.told) == 2 and "version 1 is served on, as STALE" in served.told[0] and "again" in served.told[1]


async def test_a_file_that_vanished_does_not_turn_a_switch_back(served: Served) -> None:
    served.set("killed")
    await served.flag()
    served.switches.unlink()
    found = await served.flag()
    assert (found["value"], found["metadata"]["switches"]) == ("killed", "STALE")
    served.set("fallback")
    assert [(await served.flag())[each] for each in ("value", "reason")] == ["fallback", "STATIC"]


async def test_a_file_that_never_could_be_read_is_no_answer_and_names_no_path(tmp_path: Path) -> None:
    served = Served(tmp_path)
    served.serves("delay")
    served.switches.write_text("{")
    single, bulk = await served.ask(f"{BULK_PATH}/{KEY}"), await served.ask()
    assert (single.status_code, bulk.status_code) == (500, 500)
    jsonschema.validate(single.json(), GENERAL)
    assert str(tmp_path) not in single.text + bulk.text
    health = await served.ask("/health", method="GET")
    assert (health.status_code, health.json()) == (503, {"status": "UNKNOWN"})
    served.switches.unlink()
    assert (await served.flag())["value"] == "normal"


async def test_a_broken_registry_takes_no_flag_away(served: Served) -> None:
    assert (await served.flag())["value"] == "normal"
    served.registry.write_text("{")
    assert (await served.flag())["value"] == "normal"
    served.set("killed")
    assert (await served.flag())["value"] == "killed"


# -- who may ask


@pytest.mark.parametrize(
    "headers",
    [
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": f"Bearer {TOKEN[:-1]}"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": "", "x_api_key": TOKEN.upper()},
    ],
)
async def test_without_the_token_nothing_is_told(served: Served, headers: dict[str, str]) -> None:
    for path in (BULK_PATH, f"{BULK_PATH}/{KEY}", "/", "/nowhere"):
        answer = await served.ask(path, **headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert "delay" not in answer.text and TOKEN not in answer.text


async def test_both_ways_of_showing_the_token_are_taken(served: Served) -> None:
    assert (await served.ask(authorization=f"bearer {TOKEN}")).status_code == 200
    assert (await served.ask(authorization="", x_api_key=TOKEN)).status_code == 200


async def test_the_health_check_needs_no_token_and_names_no_model(served: Served) -> None:
    served.set("killed")
    answer = await served.ask("/health", method="GET", authorization="")
    assert (answer.status_code, answer.json()) == (200, {"status": "OK", "version": 1})


async def test_without_a_token_only_this_machine_by_its_own_name_is_answered(tmp_path: Path) -> None:
    """A web page whose name was made to point at this machine still sends its own name."""
    served = Served(tmp_path, token=None)
    served.serves("delay")
    for host in ("127.0.0.1:8716", "localhost", "[::1]:8716"):
        assert (await served.ask(authorization="", host=host)).status_code == 200
    for host in ("attacker.example", "127.0.0.1.attacker.example:8716", "10.0.0.1"):
        for path in (BULK_PATH, "/health"):
            assert (await served.ask(path, authorization="", host=host)).status_code == 403


async def test_no_other_origin_is_invited(served: Served) -> None:
    for method, path in (("POST", BULK_PATH), ("OPTIONS", BULK_PATH), ("GET", "/health")):
        answer = await served.ask(path, method=method, origin="https://attacker.example", access_control_request_method="POST")
        assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path"), [("GET", BULK_PATH), ("PUT", BULK_PATH), ("DELETE", f"{BULK_PATH}/{KEY}"), ("POST", "/health")]
)
async def test_nothing_else_can_be_done(served: Served, method: str, path: str) -> None:
    served.set("killed")
    before = served.switches.read_bytes()
    answer = await served.ask(path, method=method)
    assert answer.status_code == 405
    jsonschema.validate(answer.json(), GENERAL)
    assert served.switches.read_bytes() == before


# -- bounds


async def test_a_request_may_be_so_large_and_no_larger(served: Served) -> None:
    start, end = b'{"context": {"a": "', b'"}}'
    fits = start + b"x" * (LARGEST_BODY - len(start) - len(end)) + end
    assert (await served.ask(body=fits)).status_code == 200
    answer = await served.ask(f"{BULK_PATH}/{KEY}", body=fits + b" ")
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")


async def test_a_body_without_an_end_is_cut_off(served: Served) -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 100 * LARGEST_BODY:
            sent += 1024
            yield b" " * 1024

    transport = httpx.ASGITransport(served.app)
    async with httpx.AsyncClient(transport=transport, base_url=served.base) as client:
        answer = await client.post(BULK_PATH, content=endless(), headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 413
    assert sent <= LARGEST_BODY + 2048


async def test_a_body_that_never_arrives_is_given_up(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from backends.ofrep import application as module

    monkeypatch.setattr(module, "BODY_SECONDS", 0.05)

    async def stuck() -> Any:
        yield b"{"
        await asyncio.Event().wait()

    transport = httpx.ASGITransport(served.app)
    async with httpx.AsyncClient(transport=transport, base_url=served.base) as client:
        answer = await client.post(BULK_PATH, content=stuck(), headers={"authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 408
