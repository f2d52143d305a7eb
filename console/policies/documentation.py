"""Documentation standards as policy: which fields a model card, or the data sheet of a dataset, must have."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Final, Literal, get_args

from pydantic import Field, model_validator

from backends.records import Name
from console.policies.shapes import PolicyId, Selector, Shape, Title

ModelField = Literal[
    "intended_use", "out_of_scope", "limitations", "owner", "contacts", "target", "readers", "fallback", "training_data", "data_sheets",
    "features", "metrics", "slices", "fairness",
]  # fmt: skip
DatasetField = Literal[
    "purpose", "collection", "limitations", "license", "personal_data", "owner", "sources", "period", "columns", "as_of",
]  # fmt: skip

FIELDS: Final[dict[str, tuple[str, ...]]] = {"model": get_args(ModelField), "dataset": get_args(DatasetField)}
"""What either card can be asked for, in the order of its page."""


class Standard(Shape):
    """What the card of each model, or the data sheet of each dataset, that it is about must say. Of several that fit, all count."""

    id: PolicyId
    title: Title
    card: Literal["model", "dataset"] = "model"
    where: Selector = Selector()
    datasets: tuple[Name, ...] = Field(default=("*",), min_length=1)
    """With card: dataset, patterns of their names."""
    requires: tuple[ModelField | DatasetField, ...] = ()
    """Nothing: the standard of this id that ships asks for nothing any more."""

    @model_validator(mode="after")
    def _of_one_card(self) -> Standard:
        for name in self.requires:
            if name not in FIELDS[self.card]:
                raise ValueError(f"the card of a {self.card} has no field {name}; there are: {', '.join(FIELDS[self.card])}")
        if self.card == "model" and self.datasets != ("*",):
            raise ValueError("datasets goes with card: dataset; which models are meant is said by where")
        if self.card == "dataset" and (self.where.models, self.where.task) != (("*",), None):
            raise ValueError("a data sheet is chosen by datasets: [PATTERN], and by where: {environments: [...]}")
        return self

    def takes_model(self, model: str, environment: str, task: str | None) -> bool:
        """Whether it is about the card of a model."""
        return self.card == "model" and self.where.takes(model, environment, task)

    def takes_dataset(self, dataset: str, environment: str) -> bool:
        """Whether it is about the sheet of a dataset."""
        environments = any(fnmatchcase(environment, pattern) for pattern in self.where.environments)
        return self.card == "dataset" and environments and any(fnmatchcase(dataset, pattern) for pattern in self.datasets)
