"""What is meant by the numbers of outcomes: how fast they come, which are overdue, and what is known too early."""

from __future__ import annotations

from typing import Final

from console.views.definitions.definition import Definition

LABELS: Final[dict[str, Definition]] = {
    "arrival curve": Definition(
        "arrival curve of outcomes",
        "The share of all outcomes known so long after the score.",
        "1 less the product, over the delays d up to there, of 1 - outcomes that took d / rows that waited at least d (Kaplan and Meier "
        "1958). The delay of a corrected outcome is that of its first version.",
        "share; delays in hours",
        "labels joined with predictions by key: known_at of the first label less event_at of the score",
        "None by itself.",
        "Nothing is said beyond what ten rows have waited for. `>`: so many have not come within that time, and some never may.",
        (
            "label delay",
            "label lag",
            "delay",
            "delays",
            "arrivals",
            "half after",
            "hours to half",
            "delay_50",
            "delay_90",
            "delay_99",
            "hours",
            "delay_declared",
            "delay_usual",
        ),
        ("overdue", "complete up to"),
    ),
    "overdue": Definition(
        "overdue outcomes",
        "Rows of the last 7 days that wait longer than 99 % of the outcomes that came in the reference took.",
        "rows without an outcome whose age is at least that delay; usual: rows of that age times the share that had none by then in the "
        "reference. A note follows when there are more than usual + 3 sqrt(usual + 1).",
        "rows",
        "labels joined with predictions by key",
        "See label_coverage for what alerts.",
        "A flight that was cancelled never lands: more cancelled flights look like a feed of outcomes that lost rows.",
        ("late", "waiting", "not due", "due", "overdue_usual"),
        ("arrival curve", "label_coverage"),
    ),
    "lean": Definition(
        "lean of what is known",
        "How differently the rows whose outcome is known were scored from those that wait.",
        "mean score of rows with an outcome less mean score of rows without; 95 % interval: +- 1.96 sqrt(variance / n + variance / n). "
        "`!` when it leaves out 0.",
        "in units of the score",
        "labels joined with predictions by key; at least 30 rows on both sides",
        "None by itself.",
        "Where outcomes come early for easy rows, numbers of quality are too good until the others have come.",
        ("known lean by", "early labels"),
        ("coverage", "arrival curve"),
    ),
}
"""By name, in lower case."""
