"""The five badges of an asset: what each asks of a dataset, features, a run, a version, a deployment, a pipeline and outcomes."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import Definition

BADGES: Final[dict[str, Definition]] = {
    "badges": Definition(
        "badges",
        "Whether records bear out that an asset of a system is versioned, tested, observable, governable and improved. Assets are the "
        "datasets, features and runs of the version that serves and of its challenger, those versions, where they serve, the pipelines "
        "and the outcomes.",
        "yes: a record bears it out; no: a record, or what this workspace decides, says otherwise; ?: no record says; -: it makes no "
        "sense of such an asset. Each names its records and the verb that shows them.",
        "badges",
        "records, kept checks, health, policies and the journal; an artifact is looked at as it is now",
        "None: nothing acts by it.",
        "A badge says that something was done and is on record, not that it was done well. What is done elsewhere is unknown here.",
        ("badge", "assets", "asset"),
        ("versioned", "tested", "observable", "governable", "improved", "maturity"),
    ),
    "versioned": Definition(
        "versioned",
        "Which content exactly an asset has is on record.",
        "Dataset: its snapshot, known when the run read it. Features: their definition, known then. Run: its datasets and features known "
        "before it ended, and the commit of the version. Version: the digest of an artifact that matches, a commit, and no source that "
        "contradicts another. Deployment: alias and record agree, and it computes its features as they were trained. Pipeline: a run of "
        "it made a version whose record names the commit. Outcomes: some of the last 24 h are known, each with the time it was known from.",
        source="records, registry.json, the artifact",
        misleads="A digest says which content it is, not that the content is still to be had.",
        see=("badges",),
    ),
    "tested": Definition(
        "tested",
        "A check of an asset is on record, and it passed.",
        "Dataset and run: the check of the run's rows at the moment training, and its search for leakage, are ok. Features: the newest "
        "comparison of offline with online values is ok. Version: a report of rows that it was not trained on, and no gate that fails "
        "without a waiver. Deployment: the version answered in the shadow before it served. Pipeline: its newest run that ended went well.",
        source="contract check --moment training, leakage and parity with --record; evaluations; gates of its newest request; predictions",
        misleads="A run that read several datasets was checked as a whole: which of them passed is unknown.",
        see=("badges",),
    ),
    "observable": Definition(
        "observable",
        "Somebody would see it go wrong: a rule watches it, and has something to watch.",
        "Dataset: each source that it came from is heard of. Features: every column is logged with the answers, and a rule watches "
        "schema, nulls, range or drift. Run: how it ended, and metrics or phases, are recorded. Version: a rule measures its quality; "
        "one that does not serve answers in the shadow or in a rollout. Deployment: a rule measures latency, errors, fallbacks or "
        "volume. Pipeline: its runs are recorded, and a rule watches those that fail. Outcomes: a rule measures whether they come.",
        source="health, alert rules in force, predictions",
        limits="no: no rule is switched on; ?: the rule sees nothing.",
        misleads="It says that a rule measures, not what it found: a critical signal is observable.",
        see=("badges",),
    ),
    "governable": Definition(
        "governable",
        "Who answers for an asset, and who must agree to a change of it, is decided and on record.",
        "Dataset: its data sheet has what the standards require. Run: who or what started it; a request that it names is in the "
        "journal. Version: it was let in through an approval by somebody else, or a request for it stands. Deployment: its kill switch "
        "is confirmed, and people have roles. Pipeline: people have roles. Outcomes: a rule says how long they are kept. Features: -, "
        "since they are let in with the version.",
        source="journal, policies, standards, registry.json",
        misleads="That somebody agreed does not say that it was read.",
        also=("governed",),
        see=("badges", "model card"),
    ),
    "improved": Definition(
        "improved",
        "It went beyond what was before.",
        "Dataset: it holds later rows than the version before was trained on. Features: another definition. Version: better than the one "
        "before by the primary metric on the same rows, which neither was trained on. Deployment: it went on to a newer version, and not "
        "back. Pipeline: two runs that trained succeeded. Runs, outcomes and what comes first: -.",
        source="evaluations, datasets, features, alias history, runs of pipelines, requests for a retrain",
        misleads="Better on the rows of a report need not be better today: quality and rollback triggers say that.",
        also=("continuously improved",),
        see=("badges", "would help"),
    ),
}
