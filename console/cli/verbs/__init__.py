"""Every headless verb: its name, one line of help, and the module that runs it, loaded only when it is asked for."""

from __future__ import annotations

from typing import NamedTuple


class Verb(NamedTuple):
    """A verb of the command line."""

    name: str
    summary: str
    group: str
    module: str
    """Module below `console.cli.verbs` with `arguments(parser)` and `run(context, options) -> Exit`."""


def _group(group: str, *verbs: tuple[str, str, str]) -> dict[str, Verb]:
    return {name: Verb(name, summary, group, module) for name, module, summary in verbs}


VERBS: dict[str, Verb] = {
    **_group(
        "Look",
        ("fleet", "fleet", "one row a model, worst first"),
        ("model", "model", "health of one model in four layers"),
        ("health", "model", "the same as model"),
        ("drift", "drift", "inputs and scores against the reference, judged by their own past"),
        ("compare", "compare", "two files of rows: what changed, column by column"),
        ("contract", "contract", "what rows must look like: propose a contract, check a file against it"),
        ("leakage", "leakage", "training rows that know what they could not have known"),
        ("parity", "parity", "the same requests as computed offline and as used online"),
        ("quality", "quality", "observed quality, with label coverage and intervals"),
        ("labels", "labels", "outcomes: how many are known, how fast they come, what is overdue"),
        ("versions", "versions", "versions of a model: aliases, stages, digests, metrics"),
        ("card", "card", "model card of a version, or data sheet of a dataset, and what it lacks"),
        ("maturity", "maturity", "seven practices around a model, each with its evidence"),
        ("badges", "badges", "five badges for every asset of a model, each with the record behind it"),
        ("lineage", "lineage", "from sources to readers, and what is missing"),
        ("changes", "changes", "what changed, nearest to the onset first"),
        ("alerts", "alerts", "rules that fire, or did"),
        ("incidents", "incidents", "incidents, open ones first"),
        ("incident", "incident", "one incident: steps, evidence, timeline"),
        ("approvals", "approvals", "requests that wait for a person, and what became of others"),
        ("reviews", "reviews", "everything that waits for a person, what is overdue first"),
        ("switches", "switches", "state of the kill switches"),
        ("held", "held", "which jobs are held; a pipeline asks it before it runs"),
        ("breakers", "breakers", "what is called outside, and which breaker stands open"),
        ("actions", "actions", "actions and their outcomes"),
        ("action", "action", "the life of one action, with the exact calls"),
        ("audit", "audit", "the journal: log, verify, export"),
        ("sources", "sources", "every source, its age and cadence"),
        ("explain", "explain", "how a number is defined"),
        ("can-i", "can_i", "who may do what, and which rule says so"),
    ),
    **_group(
        "Act",
        ("kill", "kill", "degrade, fall back or stop a model (the kill switch)"),
        ("restore", "restore", "set a kill switch back to normal"),
        ("hold", "hold", "keep the jobs of a model's pipelines from running"),
        ("release-hold", "release_hold", "let jobs that were held run again"),
        ("retrain", "retrain", "ask the pipeline that trains a model for a run"),
        ("breaker", "breaker", "hold a breaker open or closed, or make it automatic again"),
        ("rollback", "rollback", "point production back at a version that served"),
        ("retention", "retention", "how long every log is kept, what is due; apply: delete what is due"),
        ("promote", "promote", "ask for, or execute, a promotion"),
        ("traffic", "traffic", "how traffic is divided; begin, take on and end a rollout"),
        ("approve", "approve", "sign a request as the second person"),
        ("reject", "reject", "veto a request"),
        ("elevate", "elevate", "do what is read-only by default, for some minutes, on this terminal"),
        ("review", "review", "look at what was done by breaking the glass, and say what you found"),
        ("ack", "ack", "take an incident"),
        ("note", "note", "add a note to an incident or a model"),
        ("close", "close", "close an incident"),
        ("playbook", "playbook", "list, show, run and step through playbooks"),
    ),
    **_group(
        "Data",
        ("init", "init", "make a workspace"),
        ("workspaces", "workspaces", "list workspaces"),
        ("secret", "secret", "tokens by name: set, list, remove"),
        ("config", "config", "validate, path, schema"),
        ("ingest", "ingest", "take in predictions, labels, metrics, records or events"),
        ("watch", "watch", "collect, compact, profile, evaluate, notify"),
        ("serve", "serve", "serve the kill switches as OpenFeature flags over HTTP"),
        ("doctor", "doctor", "check versions, rights, store, evaluator, terminal"),
        ("backup", "backup", "create or restore a backup of a workspace in one file"),
        ("demo", "demo", "build and open the demo on real flights"),
        ("completion", "completion", "print the completion script of a shell"),
    ),
}
