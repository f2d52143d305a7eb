"""Whether a reader of yesterday's JSON can read today's: new fields and new words of an enumeration may come, nothing may go or turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class _Place:
    """What may stand at one place of a document: `fleet.rows[].model`."""

    types: set[str] = field(default_factory=set)
    always: bool = True


def incompatible(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """One line for each thing that a reader of `old` would stumble over in `new`; empty when there is none."""
    before, after = _places(old), _places(new)
    found = []
    for path, place in before.items():
        now = after.get(path)
        if now is None:
            found.append(f"{path} is gone")
            continue
        turned = sorted(now.types - place.types - ({"integer"} if "number" in place.types else set()))
        if turned:
            found.append(f"{path} may be {' or '.join(turned)} now; it was {' or '.join(sorted(place.types)) or 'nothing'}")
        if place.always and not now.always:
            found.append(f"{path} may be left out now")
    return found


def _places(schema: Mapping[str, Any]) -> dict[str, _Place]:
    places: dict[str, _Place] = {}
    for path, kind, always in _walked(schema, schema.get("$defs", {}), "", True, ()):
        place = places.setdefault(path, _Place())
        place.types.add(kind)
        place.always = place.always and always
    return places


def _walked(
    schema: Mapping[str, Any], defined: Mapping[str, Any], path: str, always: bool, open_: tuple[str, ...]
) -> Iterator[tuple[str, str, bool]]:
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if name:
        # A type that holds itself has the same fields at every depth.
        if name not in open_:
            yield from _walked(defined[name], defined, path, always, (*open_, name))
        return
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _walked(choice, defined, path, always, open_)
    for kind in _types(schema):
        yield path or "(document)", kind, always
    required = set(schema.get("required", ()))
    for key, inner in schema.get("properties", {}).items():
        yield from _walked(inner, defined, f"{path}.{key}".lstrip("."), key in required, open_)
    for each in ("items", "additionalProperties"):
        if isinstance(schema.get(each), Mapping):
            yield from _walked(schema[each], defined, f"{path}{'[]' if each == 'items' else '{}'}", always, open_)
    for place, inner in enumerate(schema.get("prefixItems", ())):
        yield from _walked(inner, defined, f"{path}[{place}]", always, open_)


def _types(schema: Mapping[str, Any]) -> list[str]:
    if "const" in schema:
        return [f"the word {schema['const']}"]
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)
