"""The seven practices around a model, beyond its code: each judged by what this workspace holds of it.

What a workspace does not hold may still exist elsewhere, so that it is unknown; absent is only what the workspace itself decides: which
rules watch, who may do what, what is written down.
"""

from __future__ import annotations

from backends.records import Evaluation, Layer, PipelineStage, State
from backends.shell_words import command_line
from console.control.actions import version_label
from console.render import figures
from console.views.cards.documented import documented, held_to
from console.views.cards.fields import missing_of
from console.views.maturity.judged import Evidence, Judged, Level, evidence, judged
from console.views.maturity.system import System

TRAINING = (PipelineStage.TRAINING, PipelineStage.RETRAINING)
NOT_MEASURED = (State.UNKNOWN, State.STALE)


def practices(system: System) -> tuple[Judged, ...]:
    """All seven, in the order in which a system is built."""
    return (
        pipelines(system),
        validation(system),
        tested(system, "testing", "Testing"),
        automation(system),
        monitored(system, "monitoring", "Monitoring"),
        access_control(system),
        documentation(system),
    )


def pipelines(system: System) -> Judged:
    """Whether what made the version ran as a pipeline that is recorded."""
    found, verb = [], command_line("versions", system.named)
    if system.run is not None:
        found.append(evidence(f"run {system.run.name} made {version_label(system.version)}: {system.run.status}", verb))
    ran = 0
    for each in system.pipelines():
        runs = system.runs_of(each)
        ran += len(runs) if each.stage in TRAINING else 0
        told = f"{len(runs)} run{'' if len(runs) == 1 else 's'}, the newest {runs[0].status}" if runs else "no run recorded"
        found.append(evidence(f"pipeline {each.name} ({each.stage.value}) of {each.source}: {told}", verb))
    to_do = "record the pipeline and its runs: qd ingest records, kinds pipeline and pipeline_run"
    if ran and system.run is not None:
        return judged("pipelines", "Pipelines", "there", found)
    if found:
        lacks = "no pipeline is recorded whose run it was" if system.run is not None else "no run is recorded that made it"
        return judged("pipelines", "Pipelines", "partly", found, lacks if ran == 0 or system.run is None else "", to_do)
    return judged("pipelines", "Pipelines", "unknown", found, "no pipeline and no run is recorded of it", to_do)


def validation(system: System) -> Judged:
    """Whether rows are held against what is agreed, before training and while it answers."""
    found: list[Evidence] = []
    data = system.health.layer(Layer.DATA)
    schema = next((each for each in data.signals if each.id == "data.schema" and each.state not in NOT_MEASURED), None)
    contract = system.sight.contracts.by_model.get(system.name)
    if contract is not None:
        found.append(evidence(f"contract {contract.text.file}", command_line("contract", "check", system.name)))
    if schema is not None:
        found.append(evidence(f"what it answers on is as agreed: {schema.state.value}", command_line("model", system.name)))
    before = [each for each in system.checks if each.moment != "online"]
    for each in before:
        told = f"{figures.count(each.rows)} rows held against the contract {each.moment}: {each.state.value}"
        found.append(evidence(told, command_line("contract", "check", system.name)))
    for search in system.searches:
        told = f"{figures.count(search.rows)} rows searched for {search.search}: {search.state.value}"
        found.append(evidence(told, command_line("versions", system.named)))
    checked = bool(before) or any(search.search == "leakage" for search in system.searches)
    run = system.run.name if system.run is not None else "RUN"
    words = command_line("contract", "check", system.name, "FILE", options={"--moment": "training", "--run": run})
    first = f"keep one of the rows that it is trained on: qd {words}"
    if checked and schema is not None:
        return judged("validation", "Validation", "there", found)
    if checked:
        return judged("validation", "Validation", "partly", found, "nothing says whether what it answers on is as agreed", _why(data.why))
    if found:
        return judged("validation", "Validation", "partly", found, "no check of its training rows was kept", first)
    return judged("validation", "Validation", "unknown", found, "no check of its rows was kept, here or elsewhere it may be done", first)


def tested(system: System, name: str, title: str) -> Judged:
    """Whether the version was measured on rows that it was not trained on, and let in by gates."""
    verb = command_line("card", system.named)
    found = [evidence(f"report {each.name}: n {figures.count(each.labelled)}{_known(system, each)}", verb) for each in system.reports()]
    judged_by = next((each for each in system.approvals() if each.payload.gates), None)
    if judged_by is not None:
        passed = sum(gate.state is State.OK for gate in judged_by.payload.gates)
        told = f"{passed} of {len(judged_by.payload.gates)} gates passed when it was asked for"
        found.append(evidence(told, command_line("approvals", judged_by.id)))
    to_do = "record an evaluation of rows from after its training: qd ingest records, kind evaluation"
    if any(system.independent(each) for each in system.reports()):
        return judged(name, title, "there", found)
    if found:
        return judged(name, title, "partly", found, "no report is known to be of rows that it was not trained on", to_do)
    return judged(name, title, "unknown", found, "no evaluation of it is recorded", to_do)


def _known(system: System, report: Evaluation) -> str:
    return "" if system.independent(report) else ", of rows that it may have been trained on"


def automation(system: System) -> Judged:
    """Whether what makes versions runs by itself: a schedule that is recorded, and a run by it."""
    found, scheduled, ran = [], False, False
    for each in system.pipelines():
        runs = [run for run in system.runs_of(each) if run.status == "succeeded"]
        if each.schedule is not None:
            trains = each.stage in TRAINING
            scheduled, ran = scheduled or trains, ran or (trains and bool(runs))
            last = f"last succeeded {figures.far_moment(runs[0].started_at, system.sight.at, system.sight.zone)}" if runs else "never ran"
            found.append(evidence(f"pipeline {each.name}: {each.schedule}, {last}", command_line("versions", system.named)))
    gates = system.sight.policies.gates_for(system.name, system.sight.environment, system.health.task)
    if gates:
        told = f"{len(gates)} gates are judged by themselves when a version is asked for"
        found.append(evidence(told, command_line("config", "policies")))
    to_do = "record the schedule of what trains it: qd ingest records, kind pipeline"
    if scheduled and ran and gates:
        return judged("automation", "Automation", "there", found)
    if scheduled:
        lacks = "no run of what is scheduled has succeeded" if not ran else "no gate is judged by itself"
        return judged("automation", "Automation", "partly", found, lacks, "see why it did not run, or write gates: policies/gates.yaml")
    return judged("automation", "Automation", "unknown", found, "whether training is started by itself is not recorded", to_do)


def monitored(system: System, name: str, title: str) -> Judged:
    """How many of the four layers are measured by rules that watch it."""
    rules = system.sight.policies.rules_for(system.name, system.sight.environment, system.health.task)
    measured = [each for each in system.health.layers if each.state not in NOT_MEASURED]
    verb = command_line("model", system.name)
    found = [evidence(f"{len(rules)} alert rules watch it", command_line("config", "policies"))] if rules else []
    if measured:
        found.append(evidence(f"{', '.join(each.layer.value for each in measured)} measured", verb))
    if system.evaluated_at is not None:
        told = f"judged {figures.full_moment(system.evaluated_at, system.sight.zone)}"
        found.append(evidence(told, "doctor"))
    if not rules:
        return judged(
            name, title, "absent", found, "no alert rule watches it", "write one: policies/*.yaml, or take back what switched them off"
        )
    blind = [each for each in system.health.layers if each not in measured]
    if not blind:
        return judged(name, title, "there", found)
    lacks = "; ".join(f"{each.layer.value} is {each.state.value}: {each.why}" for each in blind)
    level: Level = "partly" if measured else "unknown"
    return judged(name, title, level, found, lacks, f"land what is missing: qd ingest; qd {verb} says what each layer needs")


def access_control(system: System) -> Judged:
    """Whether somebody else must agree to a promotion, and who may do what is written down."""
    sight = system.sight
    policies, settings = sight.policies, sight.workspace.settings
    verb = command_line("can-i", "promote", system.name)
    found = [evidence(f"{len(policies.people)} people have roles", "config policies")] if policies.people else []
    rule = policies.approval_for("promote", sight.environment)
    second = rule is not None and rule.quorum > 0 and "requester" in rule.different_from
    if rule is not None and second:
        found.append(evidence(f"a promotion needs {rule.quorum} other signature{'s' if rule.quorum > 1 else ''}", verb))
    if settings.environments[sight.environment].read_only:
        found.append(evidence(f"{sight.environment} is read-only unless somebody elevates", verb))
    if second and len(policies.people) > 1:
        return judged("access control", "Access control", "there", found)
    lacks = "a promotion needs nobody else" if not second else "nobody has a role, so that everybody may only look"
    if second and (policies.people or settings.personal):
        lacks = "one person is everything here, and approves alone"
    to_do = "name people and their roles, and who approves: policies/*.yaml, see docs/control.md"
    return judged("access control", "Access control", "partly" if found else "absent", found, lacks, to_do)


def documentation(system: System) -> Judged:
    """Whether the model card has what is required."""
    verb = command_line("card", system.named)
    if system.version is None:
        return judged("documentation", "Documentation", "unknown", (), "no version is recorded, so there is no card", "qd ingest records")
    held = held_to(system.sight, system.known)
    fields = documented(system.sight, system.known, system.version)
    missing = missing_of(fields)
    there = len(held.required) - len(missing)
    found = [evidence(f"{there} of {len(held.required)} required fields of its card", verb)] if there else []
    if not held.required:
        to_do = "say what is required: documentation in policies/, see docs/control.md"
        return judged("documentation", "Documentation", "unknown", found, "no standard says what its card needs", to_do)
    if not missing:
        return judged("documentation", "Documentation", "there", found)
    names = ", ".join(each.title.lower() for each in fields if each.id in missing)
    return judged("documentation", "Documentation", "partly" if found else "absent", found, f"missing: {names}", f"qd {verb} says where")


def _why(why: str) -> str:
    return f"see why: {why}"
