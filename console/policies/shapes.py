"""What every item of a policy file is made of: its shape, its id and title, and which models it is about."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

from backends.records import Name

PolicyId = Annotated[str, StringConstraints(pattern=re.compile(r"^[a-z][a-z0-9_.-]{0,79}$"))]
Title = Annotated[str, StringConstraints(min_length=1, max_length=160)]


class Shape(BaseModel):
    """Frozen, and a key that nobody knows is refused with its line."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Selector(Shape):
    """Which models: by name pattern (`*`, `delay-*`), by task, by environment. Everything by default."""

    models: tuple[Name, ...] = ("*",)
    task: Literal["binary", "regression"] | None = None
    environments: tuple[Name, ...] = ("*",)

    def takes(self, model: str, environment: str, task: str | None = None) -> bool:
        """Whether a model of `task` in `environment` is meant; an unknown task is not refused."""
        return (
            any(fnmatchcase(model, pattern) for pattern in self.models)
            and any(fnmatchcase(environment, pattern) for pattern in self.environments)
            and (self.task is None or task is None or task == self.task)
        )
