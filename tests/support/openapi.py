"""Values and the schemas of an OpenAPI document."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

_DOCUMENT = "urn:document"


def validator_of(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    """A validator of one schema of the document, which may refer to others; formats are checked too."""
    registry: Registry[Any] = Registry().with_resource(_DOCUMENT, DRAFT202012.create_resource(document))
    return Draft202012Validator(_absolute(schema), registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER)


def _absolute(value: Any) -> Any:
    """With references into the document, wherever the schema stands. Inside the document they are right as they are."""
    if isinstance(value, list):
        return [_absolute(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {name: f"{_DOCUMENT}{part}" if name == "$ref" else _absolute(part) for name, part in value.items()}
