"""Control: the journal and its mirrored head, the published files, policies and playbooks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from backends.breaker import BreakerState
from backends.local.reading import LocalAliases, LocalSwitches
from backends.protocol import BackendError
from backends.records import State
from backends.yaml_text import YamlProblem
from console.clock import SystemClock
from console.views.own.finding import Check, Finding, Looked, finding, many


def control_journal(looked: Looked) -> Iterator[Finding]:
    """Every hash recomputed, and the end compared with the mirrored head."""
    from console.control.audit import verify  # loads the journal

    found = verify(looked.workspace.paths)
    for number, each in enumerate(found.findings[:3]):
        to_do = "quarterdeck audit verify says more; compare with a backup before you trust what it says was done"
        yield finding(f"control.journal.{number + 1}" if number else "control.journal", State.CRITICAL, each.message, to_do)
    if len(found.findings) > 3:
        yield finding("control.journal.more", State.CRITICAL, f"{len(found.findings) - 3} more findings", "quarterdeck audit verify")
    for number, warning in enumerate(found.warnings[:3]):
        yield finding(f"control.warning.{number + 1}", State.WARNING, warning, "quarterdeck audit verify")
    if found.gap_entries:
        what = f"{found.gap_entries} of what people did waits in spool/, since the journal could not be written"
        yield finding("control.gap", State.WARNING, what, "the next action or note takes them over, once the journal can be written")
    if found.whole and not found.entries:
        yield finding("control.journal", State.UNKNOWN, "nothing was recorded yet")
    elif found.whole:
        what = f"{found.entries:,} recorded, every hash is right, the head is mirrored at #{found.mirrored_seq}"
        yield finding("control.journal", State.OK, what)


def control_files(looked: Looked) -> Iterator[Finding]:
    """What is published for others: aliases and kill switches."""
    paths = looked.workspace.paths
    to_do = "mend it, or take it from a backup: quarterdeck backup restore FILE DIR"
    try:
        aliases = LocalAliases(paths.registry).aliases()
    except BackendError as error:
        yield finding("control.registry", State.CRITICAL, str(error), to_do)
    else:
        state, what = (
            (State.OK, f"registry.json: {len(aliases)} of its aliases are set") if aliases else (State.UNKNOWN, "no alias was ever set")
        )
        yield finding("control.registry", state, what)
    try:
        switches = LocalSwitches(paths.switches)
        version, off = switches.published_version(), [each for each in switches.switches() if each.state.value != "normal"]
    except BackendError as error:
        yield finding("control.switches", State.CRITICAL, str(error), to_do)
    else:
        what = f"switches.json: version {version}, {len(off)} not normal" if version else "no switch was ever set: all are normal"
        yield finding("control.switches", State.OK, what)


def control_breakers(looked: Looked) -> Iterator[Finding]:
    """What is called outside, and what is not called now."""
    from console.views.own.breakers import breakers_view  # loads the breakers
    from console.views.sight import Sight

    workspace = looked.workspace
    view = breakers_view(Sight(workspace, workspace.environment, SystemClock()))
    if view.problem is not None:
        yield finding(
            "control.breakers", State.WARNING, view.problem.raw, "until then every call is made, also those that somebody stopped"
        )
    off = [row for row in view.rows if row.breaker is not BreakerState.CLOSED]
    for row in off:
        to_do = f"quarterdeck breaker {row.name} automatic --reason TEXT" if row.owner else "quarterdeck breakers says more"
        yield finding(f"control.breaker.{row.name}", row.state, f"{row.name}: {row.why.raw}", to_do)
    if view.problem is None and not off:
        what = f"{many(len(view.rows), 'breaker')}, none held and none open" if view.rows else "nothing outside is called"
        yield finding("control.breakers", State.OK, what)


def policies_valid(looked: Looked) -> Iterator[Finding]:
    """Whether what is in force is what the files say."""
    from console.policies.load import load_policies

    policies = load_policies(looked.workspace.paths.policies)
    if policies.origin == "files":
        yield finding(
            "policies.files", State.OK, f"{len(policies.rules)} alert rules, {len(policies.slos)} SLOs, {len(policies.gates)} gates"
        )
        return
    yield finding(
        "policies.files",
        State.CRITICAL if policies.origin == "shipped" else State.WARNING,
        policies.trouble,
        "mend the file, then: quarterdeck config validate",
    )


def policies_people(looked: Looked) -> Iterator[Finding]:
    """Whether there is anybody who may stop a model: in a workspace of several people only the files say so."""
    from console.acting import control_policy
    from console.control.actions import ActionKind
    from console.control.identity import Actor
    from console.policies.load import load_policies

    workspace = looked.workspace
    if workspace.settings.personal:
        return
    policies = load_policies(workspace.paths.policies)
    without: list[str] = []
    for environment in workspace.settings.environments:
        policy = control_policy(policies, workspace, environment, Actor.from_os())
        if all(policy.refusal_by_role(person, ActionKind.KILL, environment) is not None for person in policies.people):
            without.append(environment)
    if without:
        what = f"nobody may set a kill switch in {', '.join(without)}: no operator is named in policies/"
        to_do = "add  people: {NAME: operator}  to a file there, then: quarterdeck config validate"
        yield finding("policies.people", State.CRITICAL, what, to_do)
    else:
        yield finding(
            "policies.people", State.OK, f"{many(len(policies.people), 'name')} in people, and somebody may set a kill switch everywhere"
        )


def policies_playbooks(looked: Looked) -> Iterator[Finding]:
    """Playbooks that cannot be read or are out of date, and rules that name none."""
    from console.policies.load import load_policies, missing_playbooks
    from console.runbook.library import findings as playbook_findings
    from playbooks.library import read_library

    paths = looked.workspace.paths
    policies = load_policies(paths.policies)
    library = read_library(paths.playbooks)
    found = playbook_findings(policies, paths.playbooks, None, looked.real_now)
    if found.errors:
        more = f"; {len(found.errors) - 1} more" if len(found.errors) > 1 else ""
        yield finding("policies.playbooks", State.WARNING, f"{found.errors[0]}{more}", "mend the file, then: quarterdeck config validate")
    else:
        yield finding("policies.playbooks", State.OK, f"{found.files} playbooks, all can be read")
    expired = sorted(name for name, book in library.playbooks.items() if book.expires_at < looked.real_now.date())
    if expired:
        what = f"not verified for too long: {', '.join(expired[:4])}{' and others' if len(expired) > 4 else ''}"
        yield finding("policies.expired", State.WARNING, what, "walk through it once and set verified_at and expires_at")
    for number, line in enumerate(missing_playbooks(policies, set(library.playbooks)), 1):
        yield finding(f"policies.rule.{number}", State.WARNING, line, "write it in playbooks/, or name another in the rule")


def policies_contracts(looked: Looked) -> Iterator[Finding]:
    """Contracts that cannot be read: file, line, reason, and what judges their model meanwhile."""
    from console.contracts.kept import load_contracts

    folder = looked.workspace.paths.contracts
    found = load_contracts(folder)
    for file, problems in _by_file(found.problems).items():
        copy = found.kept.get(file)
        state, what = State.WARNING, "it is not in force"
        more = f"; {many(len(problems) - 1, 'further problem')} in it" if len(problems) > 1 else ""
        if copy is not None:
            what = f"the copy that was good last is in force for {copy.contract.model}"
        elif file in found.lost:
            state, what = State.CRITICAL, "no copy of it was ever good, so nothing of it is in force"
        to_do = "mend the file, then: quarterdeck config validate"
        yield finding(f"policies.contract.{file}", state, f"{problems[0]}{more}; {what}", to_do)
    if found.by_model and not found.problems:
        yield finding("policies.contracts", State.OK, f"{many(len(found.by_model), 'contract')}, all can be read")


def _by_file(problems: Iterable[YamlProblem]) -> dict[str, list[YamlProblem]]:
    found: dict[str, list[YamlProblem]] = {}
    for each in problems:
        found.setdefault(each.file, []).append(each)
    return found


CHECKS: tuple[Check, ...] = (
    control_journal, control_files, control_breakers, policies_valid, policies_people, policies_playbooks, policies_contracts
)  # fmt: skip
