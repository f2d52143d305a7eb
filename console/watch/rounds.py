"""One round of the watch: collect, compact, evaluate, profile, notify; each step leased, and safe to do again."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from backends.host import host_name
from backends.protocol import BackendError
from backends.reserve import keep_reserve
from backends.store.catalogue import open_catalogue
from backends.store.compactor import compact
from backends.store.errors import StoreBusy
from backends.text import displayable
from console.acting import outside_heads
from console.clock import Clock
from console.config import Workspace
from console.contracts.kept import adopt_contracts, load_contracts
from console.control.desk import Desk
from console.control.errors import JournalUnavailable, Refused
from console.control.identity import Actor
from console.control.roles import Policy
from console.policies.load import adopt, load_policies
from console.views.sight import Sight
from console.watch.alerting import Transition, record
from console.watch.answering import answered
from console.watch.collecting import collect
from console.watch.estimating import estimate_environment
from console.watch.evaluation import evaluate_workspace
from console.watch.looking import keep_looks
from console.watch.notifying import notify
from console.watch.overrides import overdue_breakers, override_transitions
from console.watch.profiling import profile_environment
from console.watch.retaining import BY_THE_WATCH, retain

LEASE_FOR: Final = timedelta(minutes=10)

KEEP_EVERY: Final = 500
"""Entries of the journal after which the state is kept anew: reading that many takes a few hundredths of a second."""


@dataclass
class Round:
    """What one round did, one line a step."""

    lines: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    new: list[Transition] = field(default_factory=list)


def watch_once(workspace: Workspace, clock: Clock, *, desk_at: Callable[[datetime], Desk] | None = None, learn: bool = True) -> Round:
    """Go through every step once; without `learn` all but estimates. A step that another process is at is left to it. Raises StoreError."""
    done = Round()
    _adopt(workspace, done)
    keep_reserve(workspace.paths.root)
    try:
        # Owners are asked before anything that needs the store: it may be the store that is in trouble.
        for environment in workspace.settings.environments:
            _ask_owners(workspace, environment, clock, done)
        done.problems += [displayable(line) for line in overdue_breakers(Sight(workspace, workspace.environment, clock))]
        _steps(workspace, clock, desk_at, done)
    finally:
        # What is on record is told, whatever stopped the steps after it.
        done.problems += notify(workspace, clock, [each for each in done.new if not each.only_logged])
    if learn:
        # Learning takes a while: nobody waits for it to be told of an alert.
        told = len(done.new)
        _learn(workspace, clock, desk_at, done)
        if done.new[told:]:
            done.problems += notify(workspace, clock, [each for each in done.new[told:] if not each.only_logged])
    # Last of all: what is learnt changes every look, and each costs as much as the evaluation.
    _look(workspace, clock, done)
    return done


def _learn(workspace: Workspace, clock: Clock, desk_at: Callable[[datetime], Desk] | None, done: Round) -> None:
    with _leased(workspace, "estimate", clock, done) as mine:
        if mine:
            for environment in workspace.settings.environments:
                learnt, problems = estimate_environment(Sight(workspace, environment, clock))
                done.lines.append(f"estimate {environment}: {learnt} models learnt anew")
                done.problems += problems
                if learnt:
                    # What was judged before it was learnt says nothing of it.
                    with _leased(workspace, "evaluate", clock, done) as free:
                        if free:
                            _evaluate(workspace, environment, clock, desk_at, done)


def _look(workspace: Workspace, clock: Clock, done: Round) -> None:
    with _leased(workspace, "look", clock, done) as mine:
        if mine:
            for environment in workspace.settings.environments:
                keep_looks(Sight(workspace, environment, clock))


def _steps(workspace: Workspace, clock: Clock, desk_at: Callable[[datetime], Desk] | None, done: Round) -> None:
    if workspace.settings.duckdb:
        with _leased(workspace, "collect", clock, done) as mine:
            if mine:
                collected = collect(workspace, clock)
                done.lines += collected.lines
                done.problems += collected.problems
    with _leased(workspace, "compact", clock, done) as mine:
        if mine:
            found = compact(workspace.paths, clock.now())
            done.lines.append(
                f"compact: generation {found.generation}, {found.rows} rows of {found.files} files, {found.duplicates} repeated"
            )
            done.problems += [f"refused {name}: {reason}" for name, reason in found.rejected]
            if found.conflicts:
                done.problems.append(f"{found.conflicts} facts contradict an earlier one of the same id; the first stays")
    with _leased(workspace, "evaluate", clock, done) as mine:
        if mine:
            for environment in workspace.settings.environments:
                _evaluate(workspace, environment, clock, desk_at, done)
    _look_for_runs(workspace, clock, done)
    with _leased(workspace, "profile", clock, done) as mine:
        if mine:
            for environment in workspace.settings.environments:
                days, problems = profile_environment(Sight(workspace, environment, clock))
                done.lines.append(f"profile {environment}: {days} days of inputs stored")
                done.problems += problems
    # After the profiles: what they counted of rows that go now is all that stays of them.
    if any(rule.delete == BY_THE_WATCH for rule in load_policies(workspace.paths.policies).retention):
        with _leased(workspace, "retain", clock, done) as mine:
            if mine:
                for environment in workspace.settings.environments:
                    lines, problems = retain(Sight(workspace, environment, clock))
                    done.lines += lines
                    done.problems += problems
    with rule_desk(workspace, clock) as desk:
        if desk.keep_state(after=KEEP_EVERY):
            done.lines.append("journal: what it adds up to is kept, so that nobody reads all of it again")


def _look_for_runs(workspace: Workspace, clock: Clock, done: Round) -> None:
    try:
        with rule_desk(workspace, clock) as desk:
            done.lines += [f"requests: {displayable(line)}" for line in answered(desk)]
    except (JournalUnavailable, Refused) as error:
        done.problems.append(f"requests: nobody looked for their runs: {error}")


def _ask_owners(workspace: Workspace, environment: str, clock: Clock, done: Round) -> None:
    try:
        found = override_transitions(Sight(workspace, environment, clock))
        if found:
            with rule_desk(workspace, clock) as desk:
                new = record(found, lambda _at: desk, workspace.paths)
            done.new += new
            done.lines += [f"overrides {environment}: {displayable(each.alert.message)}" for each in new if each.opens]
    except BackendError as error:
        done.problems.append(f"overrides of {environment}: nobody knows whose time has passed: {error}")
    except (JournalUnavailable, Refused) as error:
        done.problems.append(f"overrides of {environment}: {error}")


def _adopt(workspace: Workspace, done: Round) -> None:
    """Keep the policies in force as the last good copy; while the files are broken, say so at every round."""
    folder = workspace.paths.policies
    policies = load_policies(folder)
    done.problems += [str(problem) for problem in policies.problems]
    if not policies.problems:
        adopt(folder, policies)
    contracts = workspace.paths.contracts
    done.problems += [str(problem) for problem in load_contracts(contracts).problems]
    adopt_contracts(contracts)


def rule_desk(workspace: Workspace, clock: Clock) -> Desk:
    """The desk of the evaluator: it opens and closes alerts and incidents, and may do nothing else."""
    return Desk(workspace.paths, clock, Actor.of_program("rule"), policy=Policy(), outside=outside_heads(workspace))


def _evaluate(workspace: Workspace, environment: str, clock: Clock, desk_at: Callable[[datetime], Desk] | None, done: Round) -> None:
    with rule_desk(workspace, clock) as desk:
        found = evaluate_workspace(Sight(workspace, environment, clock), desk_at or (lambda _at: desk))
    told = [transition for transition in found.new if not transition.only_logged]
    opened, logged = sum(transition.opens for transition in told), sum(each.only_logged and each.opens for each in found.new)
    counted = ", ".join(f"{number} {state.value}" for state, number in found.fleet.counted().items() if number)
    beside = f", {logged} only logged" * bool(logged) + f", {found.proposed} proposals" * bool(found.proposed)
    done.lines.append(f"evaluate {environment}: {counted or 'no models'}; {opened} alerts opened, {len(told) - opened} closed{beside}")
    done.new += found.new


@contextmanager
def _leased(workspace: Workspace, step: str, clock: Clock, done: Round) -> Iterator[bool]:
    """Hold the lease of a step; False when somebody else has it."""
    holder = f"{host_name()}:{os.getpid()}"
    with open_catalogue(workspace.paths) as catalogue:
        try:
            catalogue.take_lease(f"watch/{step}", holder, LEASE_FOR, clock.real_now())
        except StoreBusy as busy:
            done.lines.append(f"{step}: left to another process ({busy})")
            yield False
            return
        try:
            yield True
        finally:
            catalogue.release_lease(f"watch/{step}", holder)
