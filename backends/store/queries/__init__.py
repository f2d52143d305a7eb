"""The questions that are asked of the store, one function each. SQL on facts is written here and nowhere above.

Times in results are aware UTC `datetime`s, or `datetime64[us]` in UTC in arrays. Windows are `[start, end)` on `event_at`.
Everything is "as of" the moment at which the reader was opened.

Each part is loaded with the first question of it: most answers need one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from backends.store.queries.facts import (
        MetricSeries,
        MetricValue,
        events_between,
        latest_metrics,
        metric_series,
        record_history,
        records_of,
        run_of_request,
    )
    from backends.store.queries.handled import Handled, handled_requests
    from backends.store.queries.hours import (
        Hourly,
        Volume,
        hourly,
        volumes,
    )
    from backends.store.queries.overview import SourceState, counts, described, models, sources
    from backends.store.queries.scores import (
        COMPLETE_SHARE,
        COMPLETE_SPAN,
        LabelCompleteness,
        LabelCoverage,
        RepeatedLabels,
        Scored,
        feature_columns,
        feature_values,
        label_completeness,
        label_coverage,
        repeated_labels,
        scored,
    )

__all__ = [
    "COMPLETE_SHARE",
    "COMPLETE_SPAN",
    "Handled",
    "Hourly",
    "LabelCompleteness",
    "LabelCoverage",
    "MetricSeries",
    "MetricValue",
    "RepeatedLabels",
    "Scored",
    "SourceState",
    "Volume",
    "counts",
    "described",
    "events_between",
    "feature_columns",
    "feature_values",
    "handled_requests",
    "hourly",
    "label_completeness",
    "label_coverage",
    "latest_metrics",
    "metric_series",
    "models",
    "record_history",
    "records_of",
    "repeated_labels",
    "run_of_request",
    "scored",
    "sources",
    "volumes",
]

_PARTS: Final = {
    "facts": (
        "MetricSeries",
        "MetricValue",
        "events_between",
        "latest_metrics",
        "metric_series",
        "record_history",
        "records_of",
        "run_of_request",
    ),
    "handled": ("Handled", "handled_requests"),
    "hours": ("Hourly", "Volume", "hourly", "volumes"),
    "overview": ("SourceState", "counts", "described", "models", "sources"),
    "scores": (
        "COMPLETE_SHARE",
        "COMPLETE_SPAN",
        "LabelCompleteness",
        "LabelCoverage",
        "RepeatedLabels",
        "Scored",
        "feature_columns",
        "feature_values",
        "label_completeness",
        "label_coverage",
        "repeated_labels",
        "scored",
    ),
}


def __getattr__(name: str) -> Any:
    for part, names in _PARTS.items():
        if name in names:
            found = getattr(import_module(f"backends.store.queries.{part}"), name)
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
