"""Whoever asked and looks at the request through another account is told that it will be refused, before a key is pressed."""

from __future__ import annotations

import os
import pwd

import pytest
from acting_workspace import Place
from pilots import console
from test_people_of_a_group import Group, group

from console.control.ledger import read_state

__all__ = ["group"]

ACCOUNT = pwd.getpwnam("nobody")
WORDS = "daemon asked for APR-1, and acts through another account, as sudo says: another person must approve it"


@pytest.fixture
def through_another_account(group: Group, monkeypatch: pytest.MonkeyPatch) -> Group:
    """`daemon` has asked for APR-1, and runs the program by `sudo -u nobody` now."""
    group.write("people.yaml", "format: 1\npeople: {daemon: operator, nobody: approver}\n")
    assert group.kill("daemon") == 0, group.said
    assert group("daemon", "restore", "m", "--confirm", "m", "--reason", "it is well again") in {0, 3}, group.said
    assert "APR-1" in group.said
    monkeypatch.delenv("QUARTERDECK_ACTOR")
    monkeypatch.setenv("SUDO_USER", "daemon")
    monkeypatch.setattr(os, "getuid", lambda: ACCOUNT.pw_uid)
    return group


def test_can_i_the_request_as_a_verb_and_approving_it_say_the_same(
    through_another_account: Group,
) -> None:
    group = through_another_account
    assert group.as_it_is("can-i", "approve", "APR-1") == 1
    assert WORDS in group.said
    assert group.as_it_is("approvals", "APR-1", "--json") == 0
    assert WORDS in group.said
    assert group.as_it_is("approve", "APR-1", "--confirm", "m") == 3
    assert WORDS in group.said


async def test_the_screen_says_so_before_the_key(through_another_account: Group) -> None:
    place = Place(through_another_account.root)
    async with console(place) as screen:
        screen.app.go("approval", "APR-1")
        await screen.shows("You may not approve: daemon asked for APR-1")
    assert read_state(place.paths).approvals["APR-1"].granted == 0
