"""How long the rows of a log are kept, of what kind they are, and who deletes them afterwards. Shapes, nothing read here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from backends.durations import Duration
from backends.records import DataClass, Name

Deletes = Literal["never", "by a person", "by the watch"]

LOGS: Final = ("predictions", "labels", "metrics", "events")
"""Tables whose rows age; records say what models and versions are, and are corrected, not outlived."""


class Retention(BaseModel):
    """How long the rows of one log are to be kept: of a table, of one model in a table, or of a dataset outside."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    table: Literal["predictions", "labels", "metrics", "events"] | None = None
    model: Name | None = None
    """Only this model's rows; it goes before the rule for the whole table."""
    dataset: Name | None = None
    """A dataset by its record's name. Its rows lie outside, so they are counted down and deleted elsewhere."""
    keep: Duration | None = None
    data_class: DataClass | None = Field(default=None, alias="class")
    legal_hold: bool = False
    """Nothing of it is deleted, whatever any other rule says."""
    delete: Deletes = "by a person"
    """Who deletes what is due. What ships never does, whatever it says."""

    @model_validator(mode="after")
    def _is_about_one_thing(self) -> Retention:
        if (self.table is None) == (self.dataset is None):
            raise ValueError("give either table or dataset")
        if self.model is not None and self.table not in {"predictions", "labels", "metrics"}:
            raise ValueError("model goes with the tables predictions, labels and metrics")
        if self.keep is None and self.data_class is None and not self.legal_hold:
            raise ValueError("says nothing: give keep, class or legal_hold")
        if self.keep is not None and self.keep < timedelta(days=1):
            raise ValueError("keep is at least a day: rows are deleted by whole days")
        return self

    @property
    def log(self) -> str:
        """What it is about, and so what makes it one of a kind: `predictions of churn`."""
        if self.dataset is not None:
            return f"dataset {self.dataset}"
        return f"{self.table} of {self.model}" if self.model is not None else str(self.table)

    def before(self, now: datetime) -> str | None:
        """The UTC day before which rows are due at `now`; None where nothing ever is."""
        return None if self.keep is None else (now.astimezone(UTC) - self.keep).strftime("%Y-%m-%d")
