"""What OFREP 0.3 says of answers, as JSON Schemas of our own wording: required fields, types, and the words that are allowed."""

from __future__ import annotations

from typing import Any

METADATA = {"type": "object", "additionalProperties": {"type": ["boolean", "string", "number"]}}

SUCCESS: dict[str, Any] = {
    "type": "object",
    "required": ["key", "reason"],
    "properties": {
        "key": {"type": "string"},
        "reason": {"enum": ["STATIC", "TARGETING_MATCH", "SPLIT", "DISABLED", "UNKNOWN"]},
        "variant": {"type": "string"},
        "value": {"type": ["boolean", "string", "number", "object"]},
        "metadata": METADATA,
    },
    "not": {"required": ["errorCode"]},
}
FAILURE: dict[str, Any] = {
    "type": "object",
    "required": ["key", "errorCode"],
    "properties": {
        "key": {"type": "string"},
        "errorCode": {"enum": ["PARSE_ERROR", "TARGETING_KEY_MISSING", "INVALID_CONTEXT", "GENERAL"]},
        "errorDetails": {"type": "string"},
        "metadata": METADATA,
    },
    "not": {"required": ["value"]},
}
NOT_FOUND: dict[str, Any] = {**FAILURE, "properties": {**FAILURE["properties"], "errorCode": {"const": "FLAG_NOT_FOUND"}}}
BULK: dict[str, Any] = {
    "type": "object",
    "required": ["flags"],
    "properties": {"flags": {"type": "array", "items": {"oneOf": [SUCCESS, FAILURE]}}, "metadata": METADATA},
}
BULK_FAILURE: dict[str, Any] = {
    "type": "object",
    "required": ["errorCode"],
    "properties": {"errorCode": {"type": "string"}, "errorDetails": {"type": "string"}},
}
GENERAL: dict[str, Any] = {"type": "object", "required": ["errorDetails"], "properties": {"errorDetails": {"type": "string"}}}
