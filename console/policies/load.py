"""Which policies are in force: what ships, replaced item by item by the workspace's files, else the last good copy.

A broken file never loosens anything by being broken: until it is mended, what was adopted last stays in force, and every problem is
named with file and line.
"""

from __future__ import annotations

import contextlib
import json
import stat
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import ConfigDict, Field, ValidationError

from backends.durable import locked, make_folder, private_mode, replace_file
from backends.ownership import open_to_others
from backends.plain_file import read_plain, why_unread
from backends.records import canonical_json, digest_of
from backends.yaml_text import YamlProblem
from console.policies.approvers import approver_problems
from console.policies.consistency import across, repeated, unique_name
from console.policies.documentation import Standard
from console.policies.escalation import Escalation, WaitKind
from console.policies.files import (
    ReadFile,
    people_that_can_be_read,
    problems_by_place,
    read_folder,
    read_shipped,
    shipped_files,
)
from console.policies.retention import Retention
from console.policies.rules import (
    SECTIONS,
    SINGLE,
    AlertRule,
    ApprovalRule,
    Gate,
    PolicyFile,
    Role,
    RollbackTrigger,
    Slo,
    roles_by_environment,
)

PolicyProblem = YamlProblem
"""One thing wrong in one policy file, with line and column."""

IN_FORCE: Final = ".in-force"


class PoliciesError(ValueError):
    """Policy files that cannot be taken; `problems` names each place."""

    def __init__(self, problems: list[PolicyProblem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class Policies(PolicyFile):
    """Everything in force, from all files together. The digest covers the content, not where it came from."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, ignored_types=(cached_property,))

    origin: Literal["files", "last good", "shipped"] = Field(default="files", exclude=True)
    """`last good`: the files are broken, what was adopted last is in force. `shipped`: broken, and nothing was adopted yet."""
    problems: tuple[PolicyProblem, ...] = Field(default=(), exclude=True)
    places: dict[str, str] = Field(default_factory=dict, exclude=True)
    """File and line of each item by `section/name`."""

    @property
    def trouble(self) -> str:
        """What is wrong with the files, and which policies are in force instead: one sentence, empty when nothing is wrong."""
        if not self.problems:
            return ""
        instead = "what was adopted last is in force" if self.origin == "last good" else "what ships is in force"
        many = "1 problem" if len(self.problems) == 1 else f"{len(self.problems):,} problems"
        return f"{many} in policies/: {instead}. First: {self.problems[0]}"

    @property
    def body(self) -> dict[str, Any]:
        """The content as JSON: what is adopted, and what the digest is of."""
        return self.model_dump(mode="json", by_alias=True)

    @cached_property
    def digest(self) -> str:
        """`sha256:` of the canonical JSON of the content."""
        return digest_of(self.body)

    def rule(self, rule_id: str) -> AlertRule | None:
        """The alert rule of this id, enabled or not."""
        return next((rule for rule in self.rules if rule.id == rule_id), None)

    def rules_for(self, model: str, environment: str, task: str | None) -> list[AlertRule]:
        """The enabled alert rules that watch a model, in the order of the files."""
        return [rule for rule in self.rules if rule.enabled and rule.where.takes(model, environment, task)]

    def slos_for(self, model: str, environment: str, task: str | None) -> list[Slo]:
        return [slo for slo in self.slos if slo.where.takes(model, environment, task)]

    def gates_for(self, model: str, environment: str, task: str | None) -> list[Gate]:
        return [gate for gate in self.gates if gate.where.takes(model, environment, task)]

    def triggers_for(self, model: str, environment: str, task: str | None) -> list[RollbackTrigger]:
        """The rollback triggers of a model, those that are switched off too."""
        return [trigger for trigger in self.triggers if trigger.where.takes(model, environment, task)]

    def standards_for(self, model: str, environment: str, task: str | None) -> list[Standard]:
        """The documentation standards that the card of a model is held to."""
        return [each for each in self.documentation if each.takes_model(model, environment, task)]

    def standards_for_dataset(self, dataset: str, environment: str) -> list[Standard]:
        """The documentation standards that the sheet of a dataset is held to."""
        return [each for each in self.documentation if each.takes_dataset(dataset, environment)]

    def escalations_for(self, wait: WaitKind, model: str, environment: str) -> list[Escalation]:
        """Who is told of something that waits, the soonest first."""
        fitting = [each for each in self.escalations if each.wait == wait and each.where.takes(model, environment)]
        return sorted(fitting, key=lambda each: each.after)

    def approval_for(self, action: str, environment: str) -> ApprovalRule | None:
        """The rule that an action in an environment needs approval by; None: nobody's."""
        fitting = (rule for rule in self.approvals if rule.action == action)
        return next((rule for rule in fitting if {environment, "*"} & set(rule.environments)), None)

    def role(self, role_id: str) -> Role | None:
        return next((role for role in self.roles if role.id == role_id), None)

    def retention_of(self, table: str, model: str) -> Retention | None:
        """The rule for a log: the model's own, else that of the whole table."""
        of_table = [rule for rule in self.retention if rule.table == table]
        own = next((rule for rule in of_table if rule.model is not None and rule.model == model), None)
        return own or next((rule for rule in of_table if rule.model is None), None)

    def legal_hold(self, table: str, model: str) -> Retention | None:
        """The rule that holds a log for a court: any that is about it, even where another goes before it."""
        about = (rule for rule in self.retention if rule.table == table and rule.model in {None, model})
        return next((rule for rule in about if rule.legal_hold), None)

    def is_own(self, section: str, item: str) -> bool:
        """Whether the files of the workspace say so themselves, and are not broken."""
        return self.origin == "files" and (self.place(section, item) or "").startswith("policies/")

    def place(self, section: str, item: str) -> str | None:
        """Where an item in force stands: `policies/guardrails.yaml:8`; None for one from the last good copy."""
        return self.places.get(f"{section}/{item}")


def shipped_policies() -> Policies:
    """The policies that ship, alone."""
    return _joined(read_shipped(), [])


def read_policies(folder: Path) -> Policies:
    """The policies that the files in `folder` ask for, over the shipped ones. Raises PoliciesError.

    A folder that does not exist is like an empty one. An item replaces the shipped item of the same id as a whole; two files
    of the folder may not define the same item.
    """
    own, problems = read_folder(folder)
    problems += repeated(own)
    if problems:
        raise PoliciesError(problems_by_place(problems))
    policies = _joined(read_shipped(), own)
    problems = across(policies, own) or approver_problems(policies, [(read.text, read.file) for read in own], folder)
    if problems:
        raise PoliciesError(problems_by_place(problems))
    return policies


def load_policies(folder: Path) -> Policies:
    """The policies in force: the files, or what was adopted last when they are broken, with `problems` saying so.

    Never raises on bad content: somebody must be able to act while a file is being mended.
    """
    try:
        return read_policies(folder)
    except PoliciesError as error:
        problems = error.problems
    try:
        current = json.loads(read_plain(folder / IN_FORCE / "current.json"))
        good = policies_by_digest(folder, current["digest"])
        kept = (folder / IN_FORCE, folder / IN_FORCE / "current.json", _copy_of(folder, current["digest"]))
        written = [problem.reason for path in kept if (problem := open_to_others(path, folder)) is not None]
        if written:
            # Whoever may write the copy would otherwise only have to break a file to have rules of their own.
            raise ValueError(written[0])
        return good.model_copy(update={"origin": "last good", "problems": problems})
    except FileNotFoundError:
        lost: tuple[PolicyProblem, ...] = ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        lost = (PolicyProblem(str(folder / IN_FORCE / "current.json"), 0, 0, f"the last good copy cannot be used: {why_unread(error)}"),)
    shipped = shipped_policies()
    roles = {role.id for role in shipped.roles}
    # Somebody must be able to stop a model: whoever can still be read to be an operator is one, for steps towards safety.
    people = {
        person: given
        for person, given in people_that_can_be_read(folder).items()
        if roles.issuperset(role for named in roles_by_environment(given).values() for role in named)
    }
    return shipped.model_copy(update={"origin": "shipped", "problems": (*problems, *lost), "people": {**shipped.people, **people}})


def adopt_new(folder: Path, policies: Policies) -> None:
    """Keep good `policies` unless they are the ones that were kept last. Where that cannot be written nothing happens: `watch` says so."""
    if policies.problems:
        return
    with contextlib.suppress(OSError):
        try:
            kept = json.loads(read_plain(folder / IN_FORCE / "current.json"))["digest"]
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            kept = None
        if kept != policies.digest and folder.is_dir():
            adopt(folder, policies)


def adopt(folder: Path, policies: Policies) -> Path:
    """Keep `policies` as the last good copy, by digest; older copies stay, so that past decisions keep their own rules.

    Returns the file of the copy. Only what came from good files is adopted: raises ValueError otherwise, OSError when it
    cannot be written.
    """
    if policies.problems:
        raise ValueError("policies with problems are not adopted; mend the files first")
    store = folder / IN_FORCE
    folder.mkdir(parents=True, exist_ok=True)
    if folder.stat().st_mode & stat.S_ISGID:
        make_folder(store)
    # In a workspace of one person no group may write here, whatever is usual where the program was started.
    store.mkdir(exist_ok=True, mode=0o755)
    mode = private_mode(folder)
    copy, current = _copy_of(folder, policies.digest), store / "current.json"
    with locked(current, mode):
        if not copy.exists():
            replace_file(copy, canonical_json(policies.body).encode(), mode)
        replace_file(current, canonical_json({"digest": policies.digest}).encode(), mode)
    return copy


def policies_by_digest(folder: Path, digest: str) -> Policies:
    """The policies that were once in force under `digest`. Raises FileNotFoundError, or ValueError when the copy was changed."""
    body = json.loads(read_plain(_copy_of(folder, digest)))
    if digest_of(body) != digest:
        raise ValueError(f"the kept policies {digest} were changed since they were adopted")
    try:
        return Policies.model_validate(body)
    except ValidationError as error:
        raise ValueError(f"the kept policies {digest} are of another version of the program") from error


def _copy_of(folder: Path, digest: str) -> Path:
    return folder / IN_FORCE / f"{digest.removeprefix('sha256:')}.json"


def _joined(shipped: Sequence[ReadFile], own: Sequence[ReadFile]) -> Policies:
    sections: dict[str, tuple[Any, ...]] = {}
    places: dict[str, str] = {}
    for section in SECTIONS:
        items: dict[str, Any] = {}
        for read in [*shipped, *own]:
            for index, item in enumerate(getattr(read.file, section)):
                name = unique_name(section, item)
                items[name] = item
                places[f"{section}/{name}"] = f"{read.shown}:{read.text.place((section, index))[0]}"
        sections[section] = tuple(items.values())
    people: dict[str, Any] = {}
    for read in [*shipped, *own]:
        people |= read.file.people
        places |= {f"people/{person}": f"{read.shown}:{read.text.place(('people', person))[0]}" for person in read.file.people}
    singles = {section: [getattr(read.file, section) for read in [*shipped, *own]] for section in SINGLE}
    single = {section: next((each for each in reversed(found) if each is not None), None) for section, found in singles.items()}
    joined: dict[str, Any] = {"format": 1, "people": people, **sections, **single}
    return Policies(**joined, places=places)


__all__ = [
    "Policies", "PoliciesError", "PolicyProblem", "adopt", "adopt_new", "known_rules", "load_policies", "missing_playbooks",
    "policies_by_digest", "read_policies", "shipped_files", "shipped_policies",
]  # fmt: skip


def known_rules(policies: Policies) -> dict[str, Any]:
    """Every alert rule by id with its layer: the catalogue that a playbook's `applies_to` is checked against."""
    return {rule.id: rule.layer for rule in policies.rules}


def missing_playbooks(policies: Policies, playbooks: set[str]) -> list[str]:
    """One line for each alert rule that names a playbook which is not among `playbooks`."""
    return [
        f"alert rule {rule.id} names the playbook {rule.playbook}, which does not exist"
        for rule in policies.rules
        if rule.playbook not in playbooks
    ]
