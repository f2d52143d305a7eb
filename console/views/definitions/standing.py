"""How things stand: the budgets of objectives, the states, what broke first, what would take a version out or help."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import Definition

STANDING: Final[dict[str, Definition]] = {
    "burn rate": Definition(
        "burn rate",
        "How many times faster than allowed an SLO's error budget is being spent.",
        "(bad / total over the window) / (1 - objective); an alert needs the long and the short window strictly above the rate.",
        "times",
        "predictions, or slices of a signal, as the SLO says",
        "Pairs of windows: 1 h and 5 min at 14.4, 6 h and 30 min at 6, 72 h and 6 h at 1 (for 30 days).",
        "With few events a single bad one burns fast.",
        ("burn", "burn_rate"),
        ("budget", "slo_burn"),
    ),
    "budget": Definition(
        "error budget left",
        "What is left of the bad events that an SLO allows over its window.",
        "1 - (bad / total) / (1 - objective) over the SLO's window; 0 % when overspent.",
        "share",
        "predictions, or slices of a signal, as the SLO says",
        "Gates may refuse a promotion when it is spent.",
        "The fleet shows the SLO with the least left.",
        ("slo", "error budget"),
        ("burn rate",),
    ),
    "model card": Definition(
        "model card",
        "What somebody who uses the scores of a version must know: what it is for and what not, where it is weak, what it was made from.",
        "fields that the standards in policies/ require and a record fills, of all that they require; in-service numbers never count.",
        "fields",
        "records of the model, its versions, runs, datasets, feature sets and evaluations",
        "A gate of kind documented refuses a promotion while a required field is missing.",
        "Something is written there; whether it is true or enough, only a reader can say.",
        ("card", "documentation"),
        ("data sheet",),
    ),
    "data sheet": Definition(
        "data sheet",
        "What somebody who trains on a dataset must know: why and how it was collected, what it holds and lacks, under which terms.",
        "fields that the standards in policies/ require and the dataset's record fills, of all that they require.",
        "fields",
        "records of datasets",
        "A model card may require the sheets of its training data to be complete: data_sheets.",
        "The sheet is of the newest record under the name; the card names the snapshot that was trained on.",
        ("sheet", "datasheet"),
        ("model card",),
    ),
    "maturity": Definition(
        "maturity",
        "Which of the practices around a model the workspace bears out: pipelines, validation, testing, automation, monitoring, access "
        "control, documentation.",
        "practices that are there, of seven; each with its evidence and the verb that shows it.",
        "practices",
        "records, kept checks, health, policies and the journal",
        "None: nothing acts by it.",
        "What is done elsewhere and not recorded is unknown, never absent; that a practice is there does not say that it is good.",
        ("practices", "coverage of practices"),
        ("model card",),
    ),
    "escalation": Definition(
        "escalation",
        "Something has waited too long for a person, and whom to tell of it then.",
        "overdue once now - since reaches `after` of the first escalation that is about it, or once its own deadline has passed; of "
        "several levels the last whose time has passed says whom it is with.",
        "time",
        "escalations of the policies in force; the journal, the published files, and queues of scores as services count them",
        "The section escalations of a policy file: which kind of wait, after how long, to whom.",
        "Nothing is sent: `qd reviews` exits with 1 while anything is overdue, so that a timer can call somebody.",
        ("escalations", "reviews", "overdue reviews"),
        ("reviews waiting",),
    ),
    "reviews waiting": Definition(
        "scores that wait for a person",
        "How many scores a service has sent to people and nobody has answered yet, and how long the oldest of them waits.",
        "metric reviews_waiting of the layer business, and review_oldest_hours of the same moment and labels.",
        "scores, hours",
        "metrics that the service lands; its labels name the queue and who is asked",
        "The escalation for scores: what ships says 24 hours.",
        "It is the service's own count, as old as it says; what is sent to people and not counted is not seen.",
        ("reviews_waiting", "review_oldest_hours", "review queue"),
        ("escalation",),
    ),
    "freshness": Definition(
        "freshness, age",
        "How old the newest fact of a source is.",
        "now - newest event_at of the source (or the age that a feed reports); the banner shows the oldest source.",
        "time",
        "every table and feed of the workspace",
        "See age_hours; a source older than its cadence turns what rests on it stale.",
        "A source that sends old data on time is not seen by it.",
        ("age", "staleness", "data age"),
        ("age_hours", "stale"),
    ),
    "states": Definition(
        "states",
        "ok, warning, critical, unknown, stale: the one vocabulary of verdicts.",
        "A parent shows its worst child, in the order critical, warning, stale, unknown, ok; ok needs every child measured.",
        source="rules of the policies in force",
        misleads="unknown is not ok: no data is never green.",
        also=("state", "ok", "warning", "critical", "lamp", "marks"),
        see=("unknown", "stale"),
    ),
    "unknown": Definition(
        "unknown",
        "Never measured, or not computable: the row says why.",
        "No facts, too few rows for the rule's minimum, one class only, or too few earlier windows for a calibrated limit.",
        also=("unkn",),
        see=("states",),
    ),
    "stale": Definition(
        "stale",
        "Measured, but longer ago than its cadence: the last value is kept and dimmed.",
        "age > expected cadence of the source or of the evaluation.",
        also=("stal",),
        see=("freshness", "states"),
    ),
    "broke first": Definition(
        "broke first",
        "The layer whose present trouble began first: where to look first.",
        "The first window of warning or critical of the stretch that still lasts; up to 24 hours of ok do not end a stretch.",
        source="every signal judged at each whole hour of three weeks, or at midnight and noon UTC of two, and now",
        misleads="A signal that is judged twice a day is late by up to 12 hours; trouble older than the windows begins with the oldest. "
        "While an incident is open, what it recorded when it was opened stands, and `now seen since` what would be named now.",
        also=("since", "onset", "now seen since"),
        see=("states",),
    ),
    "rollback trigger": Definition(
        "rollback trigger",
        "What would take a version out: armed, it watches; would fire, its condition holds now; not armed, it cannot see or could do "
        "nothing, and says why.",
        "By an alert rule: its verdict (window, limit, least rows and `for` are the rule's), for so long, and within so long after the "
        "version took over. By a rollout: the candidate's loss above the other version's with its whole 95 % interval, or a sample ratio "
        "of p < .001.",
        source="triggers of the policies in force; health and the rollout as measured",
        misleads="It sends nothing: a person confirms the plan that it names. That the version before is better it does not say.",
        also=("rollback triggers", "trigger", "triggers", "release", "traffic"),
        see=("would help", "states"),
    ),
    "harm": Definition(
        "harm",
        "Errors that the record of the model declares harmful: how often they happen, and how much more often to one protected group.",
        "harm_errors: lower end of the Wilson 95 % interval of false negatives / positives (or false positives / negatives), at the "
        "threshold. harm_gap: largest lower end over pairs of groups of the Newcombe (1998, method 10) 95 % interval of the difference of "
        "their rates; groups of 30 such outcomes. Critical over the declared limit.",
        "share",
        "scores and outcomes of live predictions; field harm of the model's record: error, about, limit, cost, group, group_limit",
        "Those that the record declares; minimum_n and window are the rule's.",
        "Only what is declared is counted: other ways to hurt people are not seen. Rows without an outcome yet are not in it. Of many "
        "pairs of groups one is passed by chance more often than one pair would be.",
        ("harmful errors", "harm between groups", "unequal harm"),
        ("rollback trigger", "equalized odds"),
    ),
    "would help": Definition(
        "would it help?",
        "What each way out would have given on the same labelled rows since the model broke.",
        "Quality of the scores that each version, or the fallback, gave in the shadow on exactly the same rows; the lowest Brier or MAE is "
        "best.",
        source="predictions of role shadow, and version `fallback`",
        misleads="It is the past: the cause may end before the cure begins.",
        also=("would it help",),
        see=("brier", "mae"),
    ),
    "reference": Definition(
        "reference",
        "The quiet period that everything is compared with.",
        "The first three weeks of the version's service; the three weeks before it, when it served for less than four. Quality and the "
        "bins of Drift take it from hour to hour; what Drift compares are the whole days that it lasts, from the one in which it begins: "
        "so its n may differ by the rows of a few hours.",
        source="the production alias and its history",
        misleads="A reference from another season makes every column look far: the band takes that out.",
        also=("baseline",),
        see=("band",),
    ),
}
