"""What differs between two versions, in the terms of their records: data, features, code, environment, inputs, parameters, results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from backends.records import FeatureSet, ModelVersion
from backends.text import Untrusted
from console.render import figures
from console.views.health.model import View
from console.views.lineage.provenance import Provenance

NOTHING = "not recorded"


class Difference(View):
    """One thing that differs between two versions."""

    what: str
    before: Untrusted
    after: Untrusted
    matters: bool = True
    """False when only one of the two has it recorded, so that nobody can say whether it changed."""


def differences_of(known: Provenance, before: str, after: str) -> tuple[Difference, ...]:
    """Everything that is recorded of both and differs, and what is recorded of one only."""
    pairs = _facts(known, before), _facts(known, after)
    found = []
    for what in dict.fromkeys([*pairs[0], *pairs[1]]):
        mine, theirs = pairs[0].get(what), pairs[1].get(what)
        if mine == theirs:
            continue
        both = mine is not None and theirs is not None
        # A parameter or metric that only one run has is itself a difference; a digest that was not recorded is not.
        said = both or what.startswith(("parameter ", "metric ", "package ", "input "))
        found.append(Difference(what=what, before=Untrusted(_text(mine)), after=Untrusted(_text(theirs)), matters=said))
    return tuple(found)


def _facts(known: Provenance, version: str) -> dict[str, str | None]:
    record, run = known.version(version), known.run_of(version)
    facts: dict[str, str | None] = {}
    datasets = [known.dataset_of(run, name) for name in run.inputs] if run else []
    facts["dataset"] = ", ".join(run.inputs) if run and run.inputs else None
    facts["dataset snapshot"] = ", ".join(figures.short_digest(each.snapshot) for each in datasets if each) or None
    facts["rows"] = ", ".join(figures.count(each.rows) for each in datasets if each) or None
    facts["period"] = ", ".join(f"{each.covers_from} to {each.covers_to}" for each in datasets if each and each.covers_from) or None
    features = known.features_of(run) if run is not None else None
    facts["features"] = _definition(features)
    facts["code"] = record.code_commit if record else None
    facts["environment"] = figures.short_digest(record.environment_digest) if record and record.environment_digest else None
    facts["artifact"] = figures.short_digest(record.artifact_digest) if record and record.artifact_digest else None
    facts |= dict(_details(record))
    if run is not None:
        facts |= {f"parameter {name}": str(value) for name, value in run.params.items()}
        facts |= {f"metric {name}": figures.share(value) if value is not None else "not computable" for name, value in run.metrics.items()}
    return facts


def _definition(features: FeatureSet | None) -> str | None:
    if features is None:
        return None
    return f"{features.name} {features.version}, {len(features.columns)} columns, {figures.short_digest(features.definition_digest)}"


def _details(record: ModelVersion | None) -> Iterator[tuple[str, str]]:
    if record is None:
        return
    for name, version in record.runtime.items():
        yield f"package {name}", version
    for column in record.signature.inputs if record.signature else ():
        yield f"input {column.name}", column.kind + (" (may be null)" if column.nullable else "")


def _text(value: Any) -> str:
    return NOTHING if value is None else str(value)
