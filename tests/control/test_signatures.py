"""A vote is signed by a key of that very person, over exactly this payload, for approvals; at signing and again at execution."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from control_workspace import MODEL, NOW, TEAM, MovableClock, Workspace, confirmed, promotion, switch_to
from last_writer_registry import LastWriterRegistry
from signing_people import Agent, Keys, running_agent, silent_agent

from backends.journal.entries import Draft
from backends.journal.journal import Journal
from backends.records import State
from backends.sshsig import signing
from console.control import events
from console.control.actions import ActionKind, ActionOutcome, ActionState, Gate, PlanFacts
from console.control.approval import Approval, ApprovalPayload, ApprovalState
from console.control.desk import Desk
from console.control.errors import Refused
from console.control.ledger import read_state
from console.control.reach import Reach
from console.control.roles import Grant, Policy, Role
from console.control.signatures import NAMESPACE, SignatureState, judge, open_trust, signature_findings
from console.control.terms import SignerFiles, Signing, Terms

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64
GATE = Gate(name="SLO budget", state=State.OK, after="71 % left", limit="0")
FACTS = PlanFacts(artifact_digest=DIGEST, evaluation_digest=DIGEST, gates=(GATE,), policy_digest=DIGEST, trained_by="omar")
FILES = SignerFiles(allowed_signers="allowed_signers", revoked="revoked_keys")


def policy_with(signature: Signing = "required", quorum: int = 1, files: SignerFiles | None = FILES) -> Policy:
    terms = Terms(quorum=quorum, signature=signature, different_from=("requester", "trainer"))
    grants = (*TEAM.grants, Grant(person="ines", roles=(Role.APPROVER,)), Grant(person="omar", roles=(Role.APPROVER,)))
    return TEAM.model_copy(update={"terms": {ActionKind.PROMOTE: terms}, "signers": files, "grants": grants})


class KeyedClock(MovableClock):
    """The workspace's time and the real time, both moved by hand: keys are valid in real time."""

    def __init__(self, at: datetime = NOW) -> None:
        super().__init__(at)
        self.real = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)

    def real_now(self) -> datetime:
        return self.real


@pytest.fixture
def clock() -> KeyedClock:
    return KeyedClock()


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[Agent]:
    with running_agent(monkeypatch) as running:
        yield running


@dataclass
class Bench:
    """A workspace in which ilse and otto may sign, and what a test does in it."""

    workspace: Workspace
    keys: Keys
    agent: Agent
    policy: Policy

    def write(self, name: str, text: str) -> None:
        self.workspace.paths.policies.mkdir(exist_ok=True)
        (self.workspace.paths.policies / name).write_text(text)

    def ask(self, facts: PlanFacts = FACTS, to: str = "3", environment: str = "production") -> Approval:
        desk = self.workspace.desk("ines", elevated=True, policy=self.policy)
        request = promotion(to).model_copy(update={"environment": environment})
        outcome = desk.execute(desk.plan(request, facts), confirmed("better"))
        assert outcome.state is ActionState.WAITING, outcome.message
        return self.found(outcome.approval or "")

    def found(self, identifier: str) -> Approval:
        approval: Approval = self.workspace.state.approvals[identifier]
        return approval

    def approve(self, approval: Approval, person: str = "ilse", **more: object) -> Approval:
        desk = self.workspace.desk(person, policy=self.policy)
        return desk.approve(approval.id, seen_digest=approval.payload_digest, typed_name=MODEL, **more)  # type: ignore[arg-type]

    def execute(self, facts: PlanFacts = FACTS) -> ActionOutcome:
        desk = self.workspace.desk("ines", elevated=True, policy=self.policy)
        return desk.execute(desk.plan(promotion("3"), facts), confirmed())

    def forge(self, approval: Approval, person: str, signature: str | None) -> None:
        """Put a vote into the journal past every check, as whoever can write the file may: the chain stays whole."""
        ledger = self.workspace.desk(person, policy=self.policy)._ledger
        body = {"reason": "", "payload_digest": approval.payload_digest, "solo": False, "signature": signature}
        ledger.record(ledger.draft(f"approval/{approval.id}/vote/{person}", events.APPROVED, approval.id, body))

    def standing(self, approval: Approval) -> ApprovalState:
        return self.found(approval.id).state_at(self.workspace.clock.now())


@pytest.fixture
def bench(workspace: Workspace, keys: Keys, agent: Agent) -> Bench:
    made = Bench(workspace, keys, agent, policy_with())
    made.write("allowed_signers", f"ilse {keys.public('ilse')}\notto {keys.public('otto')}\n")
    made.write("revoked_keys", "")
    return made


# -- the good way -----------------------------------------------------------------------------------------------------


def test_signed_with_the_key_that_the_agent_holds_and_executed(bench: Bench) -> None:
    bench.agent.add(bench.keys.private("otto"))
    bench.agent.add(bench.keys.private("ilse"))
    approval = bench.ask()
    [vote] = bench.approve(approval).votes
    assert vote.fingerprint == bench.keys.fingerprint("ilse")
    assert bench.execute().state is ActionState.EFFECTIVE
    assert bench.workspace.version == "3"


def test_a_key_file_signs_without_any_agent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK")
    approval = bench.ask()
    [vote] = bench.approve(approval, key_file=bench.keys.private("ilse")).votes
    assert vote.fingerprint == bench.keys.fingerprint("ilse")


def test_the_public_half_and_an_agent_are_enough(bench: Bench, tmp_path: Path) -> None:
    bench.agent.add(bench.keys.private("ilse"))
    public = tmp_path / "only.pub"
    public.write_text(bench.keys.public("ilse") + "\n")
    assert bench.approve(bench.ask(), key_file=public).votes[0].fingerprint == bench.keys.fingerprint("ilse")


def test_stock_ssh_keygen_verifies_what_is_kept(bench: Bench, tmp_path: Path) -> None:
    bench.agent.add(bench.keys.private("ilse"))
    [vote] = bench.approve(bench.ask()).votes
    (tmp_path / "signature").write_text(vote.signature or "")
    allowed = str(bench.workspace.paths.policies / "allowed_signers")
    command = ["ssh-keygen", "-Y", "verify", "-f", allowed, "-I", "ilse", "-n", NAMESPACE, "-s", str(tmp_path / "signature")]
    payload = bench.found("APR-3").payload.signed_bytes()
    assert subprocess.run(command, input=payload, capture_output=True, check=False).returncode == 0
    assert subprocess.run(command, input=payload + b" ", capture_output=True, check=False).returncode != 0


def test_two_keys_of_one_person_count_once(bench: Bench) -> None:
    bench.policy = policy_with(quorum=2)
    allowed = f"ilse {bench.keys.public('ilse')}\nilse {bench.keys.public('spare')}\notto {bench.keys.public('otto')}\n"
    bench.write("allowed_signers", allowed)
    approval = bench.ask()
    bench.approve(approval, key_file=bench.keys.private("ilse"))
    assert bench.approve(approval, key_file=bench.keys.private("spare")).granted == 1
    assert bench.standing(approval) is ApprovalState.PENDING
    bench.approve(approval, "otto", key_file=bench.keys.private("otto"))
    assert bench.standing(approval) is ApprovalState.APPROVED


def test_where_signing_is_optional_a_key_is_used_and_none_is_forgiven(bench: Bench) -> None:
    bench.policy = policy_with("optional")
    assert bench.approve(bench.ask()).votes[0].signature is None
    assert bench.execute().state is ActionState.EFFECTIVE


# -- who may, and what keys count: at signing -------------------------------------------------------------------------

Situation = Callable[[Bench, Approval], None]


def vetoed(bench: Bench, approval: Approval) -> None:
    bench.workspace.desk("otto", policy=bench.policy).reject(approval.id, reason="no")


def after(**span: float) -> Situation:
    return lambda bench, _: bench.workspace.clock.pass_by(**span)  # type: ignore[union-attr]


def allowed(template: str) -> Situation:
    return lambda bench, _: bench.write("allowed_signers", template.format(ilse=bench.keys.public("ilse"), otto=bench.keys.public("otto")))


def revoked(bench: Bench, _approval: Approval) -> None:
    bench.write("revoked_keys", bench.keys.public("ilse") + "\n")


def revoked_by_list(bench: Bench, _approval: Approval) -> None:
    path = bench.workspace.paths.policies / "revoked_keys"
    path.unlink()
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", str(path), f"{bench.keys.private('ilse')}.pub"], check=True, capture_output=True)


def gone(name: str) -> Situation:
    return lambda bench, _: (bench.workspace.paths.policies / name).unlink()


def open_to_all(bench: Bench, _approval: Approval) -> None:
    (bench.workspace.paths.policies / "allowed_signers").chmod(0o666)


def nothing(_bench: Bench, _approval: Approval) -> None:
    return


@pytest.mark.parametrize(
    ("person", "key", "situation", "said"),
    [
        pytest.param("ines", "ilse", nothing, "another person must approve", id="requester"),
        pytest.param("omar", "ilse", nothing, "omar trained v3", id="builder"),
        pytest.param("mara", "ilse", nothing, "needs one of approver", id="no approver"),
        pytest.param("ilse", "ilse", after(hours=24, seconds=1), "is expired", id="approval expired"),
        pytest.param("ilse", "ilse", vetoed, "is vetoed", id="vetoed"),
        pytest.param("ilse", "otto", nothing, "is otto's and not ilse's", id="another person's key"),
        pytest.param("ilse", "stranger", nothing, "is nobody's in", id="unknown key"),
        pytest.param("ilse", "ilse", revoked, "is revoked", id="revoked by a list of keys"),
        pytest.param("ilse", "ilse", revoked_by_list, "is revoked", id="revoked by a KRL"),
        pytest.param("ilse", "ilse", allowed('ilse valid-before="20260501Z" {ilse}\n'), "expired at 2026-05-01", id="key expired"),
        pytest.param(
            "ilse", "ilse", allowed('ilse valid-after="20260502Z" {ilse}\n'), "valid only from 2026-05-02", id="key not valid yet"
        ),
        pytest.param("ilse", "ilse", allowed('ilse namespaces="git" {ilse}\n'), "may not be used for quarterdeck", id="other namespace"),
        pytest.param("ilse", "ilse", allowed("ilse,otto {ilse}\n"), "not one person's name", id="a key of two people"),
        pytest.param("ilse", "ilse", allowed("ilse {ilse}\notto {ilse}\n"), "a key is one person's", id="a key listed for two"),
        pytest.param("ilse", "ilse", allowed("* {ilse}\n"), "without patterns", id="a key of everybody"),
        pytest.param("ilse", "ilse", allowed("ilse cert-authority {ilse}\n"), "cert-authority is not taken", id="an authority"),
        pytest.param("ilse", "ilse", gone("allowed_signers"), "is missing", id="no allowed signers"),
        pytest.param("ilse", "ilse", gone("revoked_keys"), "is missing", id="no revocation file though configured"),
        pytest.param("ilse", "ilse", open_to_all, "written by everybody", id="list writable by everybody"),
    ],
)
def test_what_does_not_count_is_refused_at_signing_with_the_reason(
    bench: Bench, person: str, key: str, situation: Situation, said: str
) -> None:
    approval = bench.ask()
    situation(bench, approval)
    with pytest.raises(Refused, match=said):
        bench.approve(approval, person, key_file=bench.keys.private(key))
    assert bench.found(approval.id).votes == ()
    assert bench.workspace.version == "2"


def test_an_agent_without_a_key_of_this_person_says_which_it_lacks(bench: Bench) -> None:
    bench.agent.add(bench.keys.private("otto"))
    approval = bench.ask()
    with pytest.raises(Refused, match=r"holds 1 other key, none of ilse's \(SHA256:"):
        bench.approve(approval)
    assert bench.found(approval.id).votes == ()


def test_without_an_agent_it_is_said_how_to_bring_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_AUTH_SOCK")
    with pytest.raises(Refused, match="ssh -A"):
        bench.approve(bench.ask())


@pytest.mark.parametrize("changed", [{"artifact_digest": OTHER}, {"gates": (GATE.model_copy(update={"state": State.CRITICAL}),)}])
def test_a_changed_world_is_not_signed(bench: Bench, changed: dict[str, object]) -> None:
    approval = bench.ask()
    with pytest.raises(Refused, match="is void"):
        bench.approve(approval, key_file=bench.keys.private("ilse"), current_world=FACTS.model_copy(update=changed))
    assert bench.standing(approval) is ApprovalState.VOID


# -- votes that got into the journal some other way: at execution -----------------------------------------------------


def over(bench: Bench, approval: Approval, **changed: object) -> bytes:
    payload: ApprovalPayload = approval.payload.model_copy(update=changed)
    assert payload.digest != approval.payload_digest
    return payload.signed_bytes()


Made = Callable[[Bench, Approval], str | None]

FORGERIES: dict[str, tuple[Made, SignatureState]] = {
    "none": (lambda _b, _a: None, SignatureState.MISSING),
    "no signature at all": (lambda _b, _a: "trust me", SignatureState.MALFORMED),
    "another person's key": (lambda b, a: b.keys.sign("otto", a.payload.signed_bytes()), SignatureState.OTHER_PERSON),
    "unknown key": (lambda b, a: b.keys.sign("stranger", a.payload.signed_bytes()), SignatureState.UNKNOWN_KEY),
    "made for git": (lambda b, a: b.keys.sign("ilse", a.payload.signed_bytes(), "git"), SignatureState.NAMESPACE),
    "other environment": (lambda b, a: b.keys.sign("ilse", over(b, a, environment="staging")), SignatureState.ALTERED),
    "other artifact": (lambda b, a: b.keys.sign("ilse", over(b, a, artifact_digest=OTHER)), SignatureState.ALTERED),
    "other version": (lambda b, a: b.keys.sign("ilse", over(b, a, to="4")), SignatureState.ALTERED),
    "other requester": (lambda b, a: b.keys.sign("ilse", over(b, a, requester="otto")), SignatureState.ALTERED),
    "other deadline": (
        lambda b, a: b.keys.sign("ilse", over(b, a, execute_by=a.payload.execute_by + timedelta(days=9))),
        SignatureState.ALTERED,
    ),
    "replayed from another request": (lambda b, a: b.keys.sign("ilse", over(b, a, nonce="another")), SignatureState.ALTERED),
    "cut off": (lambda b, a: b.keys.sign("ilse", a.payload.signed_bytes())[:150], SignatureState.MALFORMED),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_vote_that_was_forged_into_the_journal_is_not_executed(bench: Bench, forgery: str) -> None:
    made, state = FORGERIES[forgery]
    approval = bench.ask()
    signature = made(bench, approval)
    bench.forge(approval, "ilse", signature)
    assert bench.standing(approval) is ApprovalState.APPROVED
    outcome = bench.execute()
    assert outcome.state is ActionState.REFUSED and outcome.exit_code == 3
    trust = open_trust(FILES, bench.workspace.paths.policies)
    verdict = judge(signature, approval.payload.signed_bytes(), "ilse", bench.workspace.clock.real_now(), trust)
    assert verdict.state is state
    assert outcome.difference == (f"vote of ilse: {verdict.message}",)
    assert bench.standing(approval) is ApprovalState.VOID
    assert bench.workspace.version == "2"


def test_a_signature_is_not_usable_by_somebody_else(bench: Bench) -> None:
    """Quorum 2: ilse's own signature, put there a second time as otto's."""
    bench.policy = policy_with(quorum=2)
    approval = bench.ask()
    given = bench.approve(approval, key_file=bench.keys.private("ilse"))
    bench.forge(approval, "otto", given.votes[0].signature)
    assert bench.standing(approval) is ApprovalState.APPROVED
    outcome = bench.execute()
    assert outcome.state is ActionState.REFUSED and "is ilse's and not otto's" in outcome.message
    assert bench.workspace.version == "2"


@pytest.mark.parametrize(
    ("situation", "said"),
    [
        pytest.param(revoked, "is revoked", id="revoked meanwhile"),
        pytest.param(allowed("otto {otto}\n"), "is nobody's in", id="no longer listed"),
        pytest.param(allowed('ilse valid-before="20260501Z" {ilse}\n'), "expired at", id="expired meanwhile"),
    ],
)
def test_a_key_that_counts_no_longer_ends_the_approval_it_gave(bench: Bench, situation: Situation, said: str) -> None:
    approval = bench.ask()
    bench.approve(approval, key_file=bench.keys.private("ilse"))
    situation(bench, approval)
    outcome = bench.execute()
    assert outcome.state is ActionState.REFUSED and said in outcome.message
    assert bench.standing(approval) is ApprovalState.VOID
    assert bench.execute().state is ActionState.WAITING, "it can be asked for again"


@pytest.mark.parametrize("name", ["allowed_signers", "revoked_keys"])
def test_while_it_cannot_be_verified_nothing_is_executed_and_the_approval_stays(bench: Bench, name: str) -> None:
    approval = bench.ask()
    bench.approve(approval, key_file=bench.keys.private("ilse"))
    path = bench.workspace.paths.policies / name
    kept = path.read_text()
    path.unlink()
    outcome = bench.execute()
    assert outcome.state is ActionState.REFUSED and "cannot be verified" in outcome.message
    assert bench.standing(approval) is ApprovalState.APPROVED
    path.write_text(kept)
    assert bench.execute().state is ActionState.EFFECTIVE


@pytest.mark.parametrize(
    ("format_", "later"), [("1", (b"trained_by", b"different_from", b'"signature"', b'"journal"')), ("2", (b'"journal"',))]
)
def test_a_request_of_an_earlier_format_keeps_its_bytes(bench: Bench, format_: str, later: tuple[bytes, ...]) -> None:
    old = bench.ask().payload.model_copy(update={"format": f"quarterdeck/approval/{format_}"})
    for field in later:
        assert field not in old.signed_bytes()
        assert field in bench.ask().payload.signed_bytes()


@pytest.mark.parametrize("elsewhere", ["another workspace", "a copy"])
def test_what_was_signed_in_one_workspace_counts_in_no_other(bench: Bench, tmp_path: Path, elsewhere: str) -> None:
    """A request with its vote, put into this journal from a sandbox: same people, keys and versions, and the chain stays whole."""
    root = tmp_path / "sandbox"
    if elsewhere == "a copy":
        shutil.copytree(bench.workspace.paths.root, root)
        sandbox = replace(bench, workspace=Workspace(root, KeyedClock()))
        sandbox.workspace.desk().execute(sandbox.workspace.desk().plan(switch_to(ActionKind.KILL)), confirmed())
    else:
        root.mkdir()
        sandbox = replace(bench, workspace=Workspace(root, KeyedClock()))
        sandbox.workspace.promote("1")
        sandbox.workspace.promote("2")
        sandbox.write("allowed_signers", f"ilse {bench.keys.public('ilse')}\n")
        sandbox.write("revoked_keys", "")
    approval = sandbox.ask()
    sandbox.approve(approval, key_file=bench.keys.private("ilse"))
    assert sandbox.standing(approval) is ApprovalState.APPROVED
    journal = Journal(sandbox.workspace.paths.control, sandbox.workspace.paths.audit_head, read_only=True)
    taken = [each for each in journal.each() if each.subject == approval.id]
    journal.close()
    here = bench.workspace.desk("ines")._ledger
    here.record(*(Draft(each.key, each.kind, each.subject, each.at, each.real_at, dict(each.actor), dict(each.body)) for each in taken))
    put = bench.found(approval.id)
    assert put.state_at(bench.workspace.clock.now()) is ApprovalState.VOID and "of another workspace" in put.difference[0]
    assert bench.execute().state is ActionState.WAITING and bench.workspace.version == "2"
    wrong, _ = signature_findings([put], bench.policy.signers, bench.workspace.paths.policies)
    assert any(each.startswith(f"{approval.id}: it was not asked for in this journal") for each in wrong)


def test_a_request_is_of_this_journal_also_when_the_past_is_looked_at(bench: Bench) -> None:
    """As of its own moment, though an entry right before it is of a later one: a clock was put back."""
    clock = bench.workspace.clock
    clock.pass_by(hours=1)
    bench.workspace.desk().execute(bench.workspace.desk().plan(switch_to(ActionKind.KILL)), confirmed())
    clock.pass_by(hours=-1)
    approval = bench.ask()
    past = read_state(bench.workspace.paths, until=clock.now())
    assert past.approvals[approval.id].state_at(clock.now()) is ApprovalState.PENDING


def test_where_a_key_is_needed_a_request_that_names_no_journal_is_not_executed(bench: Bench) -> None:
    """Else whoever forges one would take the older format."""
    payload = bench.ask().payload
    older = payload.model_copy(update={"approval_id": "APR-99", "format": "quarterdeck/approval/2", "journal": None})
    ledger = bench.workspace.desk("ines", policy=bench.policy)._ledger
    body = {"key": "older", "payload": older.model_dump(mode="json"), "payload_digest": older.digest, "plan": None}
    ledger.record(ledger.draft("approval/asked/older", events.ASKED, older.approval_id, body))
    put = bench.found("APR-99")
    bench.forge(put, "ilse", bench.keys.sign("ilse", older.signed_bytes()))
    assert bench.standing(put) is ApprovalState.APPROVED
    outcome = bench.execute()
    assert outcome.state is ActionState.REFUSED and "names no journal" in outcome.message
    assert bench.workspace.version == "2" and bench.standing(put) is ApprovalState.VOID


def test_a_repeated_call_verifies_the_signatures_again(bench: Bench) -> None:
    registry = LastWriterRegistry(bench.workspace.paths.root / "elsewhere.json")
    registry.write("2", "otto@desk", NOW)

    bench.policy = bench.policy.model_copy(update={"read_back_seconds": 0.05})

    def ines() -> Desk:
        reach = Reach(registry, Reach.local(bench.workspace.paths).switches)
        return bench.workspace.desk("ines", elevated=True, policy=bench.policy, reach=reach)

    approval = bench.ask()
    bench.approve(approval, key_file=bench.keys.private("ilse"))
    registry.network = "call lost"
    lost = ines().execute(ines().plan(promotion("3"), FACTS), confirmed())
    registry.network = "fine"
    assert lost.state is ActionState.IN_DOUBT, lost.message
    ines().recheck(lost.action_id)
    revoked(bench, approval)
    again = ines().retry(ines().plan_again(lost.action_id, FACTS), confirmed())
    assert again.state is ActionState.REFUSED and "is revoked" in again.message
    assert registry.version == "2" and registry.sent == 1
    bench.write("revoked_keys", "")


def test_an_agent_that_never_answers_holds_nobody_up_and_signs_nothing(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = bench.ask()
    public = tmp_path / "only.pub"
    public.write_text(bench.keys.public("ilse") + "\n")
    monkeypatch.setattr(signing, "PATIENT", 0.5)
    with silent_agent(monkeypatch), pytest.raises(Refused, match="ssh-keygen gave no answer within"):
        bench.approve(approval, key_file=public)
    assert bench.found(approval.id).votes == ()
