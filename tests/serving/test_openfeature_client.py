"""The SDK and the provider that OpenFeature itself publishes read the switches, and every failure leaves a caller with its own default."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from endpoints import TOKEN, Endpoint, Switched, until
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason

FLAG = "quarterdeck.production.delay.state"


def client_of(url: str, token: str = TOKEN) -> OpenFeatureClient:
    api.set_provider(OFREPProvider(url, headers_factory=lambda: {"Authorization": f"Bearer {token}"}, timeout=30.0))
    return api.get_client()


@pytest.fixture
def client(endpoint: Endpoint) -> Iterator[OpenFeatureClient]:
    yield client_of(endpoint.url)
    api.clear_providers()


def test_a_switch_that_was_never_set_is_normal(client: OpenFeatureClient) -> None:
    found = client.get_string_details(FLAG, "default")
    assert (found.value, found.variant, found.reason, found.error_code) == ("normal", "normal", Reason.STATIC, None)


@pytest.mark.parametrize("state", ["degraded", "fallback", "killed"])
def test_the_verb_reaches_the_client(client: OpenFeatureClient, switched: Switched, state: str) -> None:
    assert client.get_string_value(FLAG, "default") == "normal"
    switched.set("delay", state, "--owner", "ilse")
    found = client.get_string_details(FLAG, "default")
    assert (found.value, found.variant) == (state, state)
    assert (found.flag_metadata["owner"], found.flag_metadata["overdue"], found.flag_metadata["version"]) == ("ilse", False, 1)
    switched.set("delay", "normal")
    assert client.get_string_value(FLAG, "default") == "normal"


def test_models_and_environments_have_flags_of_their_own(client: OpenFeatureClient, switched: Switched) -> None:
    switched.serves("delay", "1", "staging")
    switched.set("delay", "killed", environment="staging")
    assert client.get_string_value("quarterdeck.staging.delay.state", "default") == "killed"
    assert client.get_string_value(FLAG, "default") == "normal"
    assert client.get_string_value("quarterdeck.production.air-time.state", "default") == "normal"


def test_no_flag_depends_on_who_asks(client: OpenFeatureClient, switched: Switched) -> None:
    switched.set("delay", "fallback")
    for context in (EvaluationContext(), EvaluationContext("user-1", {"country": "CA", "nested": {"a": [1, 2]}})):
        assert client.get_string_value(FLAG, "default", context) == "fallback"


def test_a_mistyped_key_is_an_error_and_gives_the_default(client: OpenFeatureClient) -> None:
    found = client.get_string_details("quarterdeck.production.delays.state", "default")
    assert (found.value, found.reason, found.error_code) == ("default", Reason.ERROR, ErrorCode.FLAG_NOT_FOUND)


def test_a_flag_of_another_type_is_an_error_and_gives_the_default(client: OpenFeatureClient) -> None:
    found = client.get_boolean_details(FLAG, True)
    assert (found.value, found.error_code) == (True, ErrorCode.TYPE_MISMATCH)


def test_a_wrong_token_gives_the_default_and_says_why(endpoint: Endpoint, switched: Switched) -> None:
    switched.set("delay", "killed")
    found = client_of(endpoint.url, TOKEN + "x").get_string_details(FLAG, "default")
    api.clear_providers()
    assert (found.value, found.reason, found.error_message) == ("default", Reason.ERROR, "unauthorized")


def test_the_last_good_state_is_served_on_as_stale_while_the_file_cannot_be_read(client: OpenFeatureClient, switched: Switched) -> None:
    switched.set("delay", "killed")
    assert client.get_string_value(FLAG, "default") == "killed"
    good = switched.paths.switches.read_bytes()
    for spoil in (lambda: switched.paths.switches.write_text("{"), switched.paths.switches.unlink):
        spoil()
        found = client.get_string_details(FLAG, "default")
        assert (found.value, found.reason, found.flag_metadata["switches"]) == ("killed", Reason.UNKNOWN, "STALE")
        switched.paths.switches.write_bytes(good)
        found = client.get_string_details(FLAG, "default")
        assert (found.value, found.reason, found.flag_metadata["switches"]) == ("killed", Reason.STATIC, "OK")


def test_an_endpoint_that_was_stopped_gives_the_default(client: OpenFeatureClient, endpoint: Endpoint, switched: Switched) -> None:
    switched.set("delay", "killed")
    assert client.get_string_value(FLAG, "default") == "killed"
    assert endpoint.ended() == 0
    found = until(lambda: (each := client.get_string_details(FLAG, "default")).error_code and each, "an error")
    assert (found.value, found.reason) == ("default", Reason.ERROR)
