"""Answers beside the JSON Schemas that are published for them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

COMMITTED = Path(__file__).parents[1] / "docs" / "schemas"


def assert_fits(answer: Any, name: str) -> None:
    """Raises jsonschema.ValidationError unless `answer` fits the committed schema called `name`."""
    _validator(name).validate(answer)


@cache
def _validator(name: str) -> Any:
    # tests/cli/test_schemas.py holds each committed schema to the one of the program and to the rules for schemas. Doing that again
    # for every answer, as jsonschema.validate does, takes longer than asking for it.
    schema = json.loads((COMMITTED / f"{name}.json").read_text(encoding="utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)
