"""`ssh bastion qd approve APR-1` with a forwarded agent: from what is shown to what anybody can verify with OpenSSH alone."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from acting_workspace import MODEL, Place
from pilots import console
from published_schemas import assert_fits

from console.cli.main import main
from console.control.ledger import read_state

sys.path.insert(0, str(Path(__file__).parents[1] / "control"))
from signing_people import Agent, Keys, running_agent

POLICY = """format: 1
signatures: {allowed_signers: allowed_signers, revoked: revoked_keys}
approvals:
  - {action: promote, environments: [production], quorum: 1, signature: required}
"""


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    with running_agent(monkeypatch) as running:
        yield running


@pytest.fixture
def qd(place: Place, keys: Keys, agent: Agent, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """A verb as somebody, with the agent forwarded; a request of ines' waits."""
    (place.paths.policies / "approvals.yaml").write_text(POLICY)
    (place.paths.policies / "allowed_signers").write_text(f"ilse {keys.public('ilse')}\notto {keys.public('otto')}\n")
    (place.paths.policies / "revoked_keys").write_text("")
    monkeypatch.setenv("SSH_CONNECTION", "10.2.0.14 50022 10.2.0.1 22")

    def run(*words: str, who: str = "ilse") -> tuple[int, str, str]:
        monkeypatch.setenv("QUARTERDECK_ACTOR", f"{who}@desk")
        code = int(main(["--workspace", str(place.root), *words]))
        return code, *capsys.readouterr()

    assert run("promote", f"{MODEL}@3", "--confirm", MODEL, "--reason", "better", who="ines")[0] == 0
    return run


def test_approving_shows_the_key_signs_and_verifies(qd: Any, keys: Keys, agent: Agent) -> None:
    agent.add(keys.private("ilse"))
    code, out, _ = qd("approve", "APR-1", "--dry-run")
    assert code == 0
    assert f"key {keys.fingerprint('ilse')} in your forwarded agent" in " ".join(out.split())
    code, out, _ = qd("approve", "APR-1", "--confirm", MODEL)
    assert code == 0
    assert "signed and verified, 1 of 1; not executed yet: qd promote APR-1" in out
    assert f"with {keys.fingerprint('ilse')}" in out
    code, out, _ = qd("approvals", "APR-1")
    assert f"with {keys.fingerprint('ilse')} (good)" in " ".join(out.split())


def test_without_a_terminal_the_name_is_needed(qd: Any, keys: Keys, agent: Agent) -> None:
    agent.add(keys.private("ilse"))
    code, _, err = qd("approve", "APR-1")
    assert code == 2 and f"--confirm {MODEL}" in err


def test_without_a_key_of_hers_nothing_is_recorded(qd: Any, keys: Keys, agent: Agent, place: Place) -> None:
    agent.add(keys.private("otto"))
    code, _, err = qd("approve", "APR-1", "--confirm", MODEL)
    assert code == 3 and "none of ilse's" in err
    assert read_state(place.paths).approvals["APR-1"].votes == ()


def test_a_key_file_takes_the_place_of_the_agent(qd: Any, keys: Keys) -> None:
    given = ("approve", "APR-1", "--confirm", MODEL, "--key-file", str(keys.private("ilse")))
    code, _, err = qd(*given, who="ada")
    assert code == 3 and "is ilse's and not ada's" in " ".join(err.split())
    code, out, _ = qd(*given)
    assert code == 0 and keys.fingerprint("ilse") in out


def test_what_is_exported_is_verified_by_stock_ssh_keygen_with_the_printed_commands(qd: Any, keys: Keys, tmp_path: Path) -> None:
    qd("approve", "APR-1", "--confirm", MODEL, "--key-file", str(keys.private("ilse")))
    code, out, _ = qd("approvals", "export", "APR-1", "--to", str(tmp_path / "bundle"), "--json")
    bundle = json.loads(out)
    assert code == 0 and len(bundle["commands"]) == 1
    assert_fits(bundle, "approval-bundle")

    def verified() -> bool:
        done = subprocess.run(["bash", "-c", bundle["commands"][0]], cwd=tmp_path / "bundle", capture_output=True, text=True, check=False)
        return done.returncode == 0 and done.stdout.startswith('Good "quarterdeck-approval@1" signature for ilse')

    assert verified()
    payload = tmp_path / "bundle" / "payload.json"
    content = payload.read_bytes()
    assert json.loads(content)["to"] == "3"
    payload.write_bytes(content.replace(b'"to":"3"', b'"to":"2"'))
    assert not verified()
    payload.write_bytes(content)
    (tmp_path / "bundle" / "revoked_keys").write_text(keys.public("ilse") + "\n")
    assert not verified()


@pytest.mark.parametrize(
    ("situation", "code", "verdict", "vote"),
    [
        ("", 0, "holds", "good"),
        ("revoked", 1, "does not hold", "revoked"),
        ("unlisted", 1, "does not hold", "unknown key"),
        ("missing", 4, "cannot be checked", "not checked"),
    ],
)
def test_approvals_verify_says_what_each_signature_is_worth(
    qd: Any, keys: Keys, place: Place, situation: str, code: int, verdict: str, vote: str
) -> None:
    qd("approve", "APR-1", "--confirm", MODEL, "--key-file", str(keys.private("ilse")))
    policies = place.paths.policies
    if situation == "revoked":
        (policies / "revoked_keys").write_text(keys.public("ilse") + "\n")
    elif situation == "unlisted":
        (policies / "allowed_signers").write_text(f"otto {keys.public('otto')}\n")
    elif situation == "missing":
        # Adopted while it was good, as every watch round does; then the file is gone.
        qd("watch", "--once")
        (policies / "revoked_keys").unlink()
    found, out, _ = qd("approvals", "verify", "APR-1", "--json")
    view = json.loads(out)
    assert_fits(view, "approval-signatures")
    assert (found, view["verdict"], view["votes"][0]["signature"]) == (code, verdict, vote)
    assert qd("approvals", "verify", "APR-1")[1].startswith(f"APR-1 {verdict}")


async def test_on_the_screen_the_key_is_named_and_a_signs_with_it(
    qd: Any, keys: Keys, agent: Agent, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent.add(keys.private("ilse"))
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    async with console(place, size=(120, 40)) as screen:
        await screen.press("g", "a")
        await screen.shows("promote delay v2 -> v3")
        await screen.press("enter")
        await screen.shows(f"You are ilse, not ines: may approve. Key {keys.fingerprint('ilse')} in your forwarded agent.")
        await screen.opens("A")
        await screen.until(lambda: screen.app.screen.asked.world is not None and screen.app.screen.form.takes_keys, "facts")
        await screen.signs()
        await screen.shows("signed and verified, 1 of 1")
        await screen.shows(keys.fingerprint("ilse"))
    [vote] = read_state(place.paths).approvals["APR-1"].votes
    assert vote.fingerprint == keys.fingerprint("ilse")


async def test_on_the_screen_without_a_key_the_button_is_off_and_says_why(qd: Any, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QUARTERDECK_ACTOR", "ilse@desk")
    async with console(place, size=(120, 40)) as screen:
        await screen.press("g", "a")
        await screen.shows("promote delay v2 -> v3")
        await screen.opens("A")
        await screen.shows("your SSH agent holds no key")
        await screen.shows("( Sign APR-1: you may not )")
    assert read_state(place.paths).approvals["APR-1"].votes == ()


def test_audit_verify_finds_a_vote_that_was_put_into_a_chain_made_whole_again(qd: Any, keys: Keys, place: Place) -> None:
    """Whoever may write the journal and its mirrored head can make a whole chain, and still cannot sign for ilse."""
    from console.acting import open_desk
    from console.config import open_workspace
    from console.control import events

    assert qd("approve", "APR-1", "--confirm", MODEL, "--key-file", str(keys.private("ilse")))[0] == 0
    assert qd("audit", "verify")[0] == 0
    with open_desk(open_workspace(place.root), "production") as desk:
        approval = read_state(place.paths).approvals["APR-1"]
        other = approval.payload.model_copy(update={"to": "1"})
        body = {
            "reason": "",
            "payload_digest": approval.payload_digest,
            "solo": False,
            "signature": keys.sign("otto", other.signed_bytes()),
        }
        draft = desk._ledger.draft("approval/APR-1/vote/otto", events.APPROVED, "APR-1", body)
        draft = dataclasses.replace(draft, actor={**draft.actor, "name": "otto"})
        desk._ledger.record(draft)
    code, out, _ = qd("audit", "verify", "--json")
    chain = json.loads(out)
    assert (code, chain["state"]) == (1, "broken")
    [finding] = chain["findings"]
    assert finding["kind"] == "signature" and "vote of otto" in finding["message"] and "does not fit" in finding["message"]


def test_audit_verify_only_notes_a_key_that_was_revoked_after_it_was_used(qd: Any, keys: Keys, place: Place) -> None:
    qd("approve", "APR-1", "--confirm", MODEL, "--key-file", str(keys.private("ilse")))
    (place.paths.policies / "revoked_keys").write_text(keys.public("ilse") + "\n")
    code, out, _ = qd("audit", "verify", "--json")
    chain = json.loads(out)
    assert (code, chain["findings"]) == (0, [])
    assert any("vote of ilse" in each and "is revoked" in each for each in chain["warnings"])


def test_audit_verify_does_not_pass_without_the_list_of_keys(qd: Any, keys: Keys, place: Place) -> None:
    qd("approve", "APR-1", "--confirm", MODEL, "--key-file", str(keys.private("ilse")))
    qd("watch", "--once")
    (place.paths.policies / "allowed_signers").unlink()
    code, out, _ = qd("audit", "verify", "--json")
    assert code == 1
    assert "is missing" in json.loads(out)["findings"][0]["message"]
