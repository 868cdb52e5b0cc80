"""Operations of routes that bring their own description."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from api.description import DESCRIPTION, Content, Description
from api.openapi.examples import EXAMPLE_ID
from api.openapi.parts import EVERYWHERE, Failures, Operation, Schema, parameter_refs, problem_responses, reference, response_headers
from api.refusals import InvalidInput, InvalidPath
from domain.refusals import NotFound

_PARAMETER = re.compile(r"{(\w+):\w+}")
_ID: Schema = {"type": "string", "format": "uuid"}


def described_operations(routes: Iterable[HTTPRouteHandler], components: dict[str, Schema]) -> Iterator[tuple[str, str, Operation]]:
    """(path, method, operation) of each route that has a description; the types that they name are added to the components."""
    for route in routes:
        description: Description | None = route.opt.get(DESCRIPTION)
        if description is None:
            continue
        for path in route.paths:
            for method in sorted(route.http_methods):
                operation = _operation(str(route.name), description, _PARAMETER.findall(path), components)
                yield _PARAMETER.sub(r"{\1}", path), method.lower(), operation


def content_of(contents: Iterable[Content], components: dict[str, Schema]) -> dict[str, Any]:
    """By media type: schema and example."""
    return {one.media_type: {"schema": _schema(one.kind, components), "example": one.example} for one in contents}


def _operation(name: str, description: Description, path: list[str], components: dict[str, Schema]) -> Operation:
    content = content_of(description.contents, components)
    headers = response_headers(*description.headers)
    ids = [name for name in path if name not in {parameter["name"] for parameter in description.parameters}]
    operation: Operation = {
        "operationId": name,
        "tags": [description.tag],
        "summary": description.summary,
        "description": description.text,
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": _ID, "example": EXAMPLE_ID} for name in ids),
            *description.parameters,
            *parameter_refs("CorrelationId"),
        ],
        "responses": {
            **{str(status): {"description": when, "headers": headers, "content": content} for status, when in description.statuses},
            **problem_responses(*_failures(description, ids)),
        },
    }
    if description.body is not None:
        operation["requestBody"] = {"required": True, "content": content_of([description.body], components)}
    if description.permission is None:
        return {**operation, "security": []}
    return {**operation, "x-permission": description.permission}


def _failures(description: Description, ids: list[str]) -> Iterator[Failures]:
    yield description.failures
    if description.permission is not None:
        yield EVERYWHERE
    if ids:
        yield (InvalidPath, NotFound)
    if any(parameter["in"] == "query" for parameter in description.parameters):
        yield (InvalidInput,)


def _schema(kind: Any, components: dict[str, Schema]) -> Schema:
    if isinstance(kind, dict):
        return kind
    (schema,), found = msgspec.json.schema_components([kind], ref_template=reference("{name}")["$ref"])
    components |= found
    return schema
