"""The JSON Schema of a stored type, reduced to what is stored: no names of classes, no prose, no references."""

from __future__ import annotations

from typing import Any

import msgspec

Schema = dict[str, Any]

_REFERENCE = "#/$defs/"


def stored_schema(kind: Any) -> Schema:
    """The schema of a wire type (JSON Schema 2020-12).

    Renaming a nested class or mending its docstring changes nothing here; whatever changes here changes stored bytes or
    their meaning.
    """
    (schema,), definitions = msgspec.json.schema_components([kind], ref_template=_REFERENCE + "{name}")
    return _reduced(schema, definitions)


def _reduced(schema: Schema, definitions: dict[str, Schema]) -> Schema:
    reduced: Schema = {}
    for keyword, value in schema.items():
        if keyword == "$ref":
            reduced |= _reduced(definitions[value.removeprefix(_REFERENCE)], definitions)
        elif keyword == "properties":
            reduced[keyword] = {name: _reduced(part, definitions) for name, part in value.items()}
        elif keyword in ("items", "additionalProperties", "propertyNames") and isinstance(value, dict):
            reduced[keyword] = _reduced(value, definitions)
        elif keyword in ("anyOf", "prefixItems"):
            reduced[keyword] = [_reduced(part, definitions) for part in value]
        elif keyword not in ("title", "description", "discriminator"):
            reduced[keyword] = value
    return reduced
