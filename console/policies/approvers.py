"""Whether what is asked of approvers can be met: enough people, and keys to sign with where signatures are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from backends.plain_file import read_plain, why_unread
from backends.sshsig.allowed import LARGEST, Signer, SignersError, SignersProblem, read_signers
from backends.yaml_text import YamlProblem, YamlText
from console.control.actions import ActionKind
from console.policies.consistency import EVERYTHING, kinds_of
from console.policies.rules import ApprovalRule, PersonRoles, PolicyFile, Role, roles_by_environment

Own = tuple[YamlText, PolicyFile]


def approver_problems(joined: PolicyFile, own: Sequence[Own], folder: Path) -> list[YamlProblem]:
    """One problem for each place in the files of `own` that asks for what nobody can give. `joined` is what they add up to."""
    problems = _signer_problems(joined, own, folder)
    if problems:
        return problems
    signers = _signers(joined, folder) if joined.signatures is not None else ()
    for text, file in own:
        for index, rule in enumerate(file.approvals):
            if rule.signature != "none" and joined.signatures is None:
                missing = (
                    "approvals: signatures are asked for, but no file says whose keys are whose; add signatures: {allowed_signers: ...}"
                )
                problems.append(text.problem(("approvals", index, "signature"), missing))
            elif len(joined.people) > 1:
                too_few = _too_few(joined, rule, signers)
                if too_few is not None:
                    problems.append(text.problem(("approvals", index, "quorum"), too_few))
    return problems


def _too_few(joined: PolicyFile, rule: ApprovalRule, signers: Sequence[Signer]) -> str | None:
    """Who asks may be one of those who approve: so there must be more of them than the quorum."""
    if not rule.quorum:
        return None
    able = sorted(person for person, given in joined.people.items() if _judges(joined.roles, given, rule))
    if rule.signature == "required":
        keyed = {signer.person for signer in signers}
        able = [person for person in able if person in keyed]
    if rule.quorum < len(able):
        return None
    named = f": {', '.join(able)}" if able else ""
    key = " with a key to sign with" if rule.signature == "required" else ""
    return (
        f"approvals: {rule.action} asks for {rule.quorum}, but only {len(able)} may approve{key}{named}; one more is needed than the quorum"
    )


def _judges(roles: Sequence[Role], given: PersonRoles, rule: ApprovalRule) -> bool:
    """Whether somebody with the roles `given` may approve in any environment that `rule` is about."""
    return any(_judges_in(place, roles, given, rule) for place in rule.environments)


def _judges_in(place: str, roles: Sequence[Role], given: PersonRoles, rule: ApprovalRule) -> bool:
    by_place = roles_by_environment(given).items()
    held = {name for where, names in by_place if EVERYTHING in {where, place} or where == place for name in names}
    there = [
        role for role in roles if role.id in held and any(place == EVERYTHING or fnmatchcase(place, each) for each in role.environments)
    ]
    if any(ActionKind.APPROVE in kinds_of(role.may_not) for role in there):
        return False
    return bool(held & set(rule.roles)) and any(ActionKind.APPROVE in kinds_of(role.may) for role in there)


def _signer_problems(joined: PolicyFile, own: Sequence[Own], folder: Path) -> list[YamlProblem]:
    """What is wrong with the files of keys: at the line that names one that is missing, or in the file of keys itself."""
    given = joined.signatures
    if given is None:
        return []
    text = next(text for text, file in own if file.signatures is not None)
    problems = []
    for name, value in (("allowed_signers", given.allowed_signers), ("revoked", given.revoked)):
        if value is not None and not (folder / value).is_file():
            problems.append(text.problem(("signatures", name), f"signatures: there is no file {folder / value}"))
    if problems:
        return problems
    try:
        _signers(joined, folder)
    except SignersError as error:
        return [YamlProblem(each.file, each.line, 1 if each.line else 0, each.reason) for each in error.problems]
    except (OSError, UnicodeDecodeError) as error:
        return [
            text.problem(
                ("signatures", "allowed_signers"), f"signatures: {folder / given.allowed_signers} cannot be read: {why_unread(error)}"
            )
        ]
    return []


def _signers(joined: PolicyFile, folder: Path) -> tuple[Signer, ...]:
    assert joined.signatures is not None
    path = folder / joined.signatures.allowed_signers
    try:
        content = read_plain(path, LARGEST)
    except OSError as error:
        raise SignersError([SignersProblem(str(path), 0, error.strerror or str(error))]) from error
    return read_signers(content.decode("utf-8"), str(path))
