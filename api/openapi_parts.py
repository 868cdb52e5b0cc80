"""Parts that many operations of the OpenAPI description share: problem responses, parameters, headers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from api.problems import Problem, described
from api.schemas import Schema
from application.bus.messages import Busy, Unavailable
from domain.refusals import REFUSALS

Failures: TypeAlias = Iterable[type[Exception]]


def problem_responses(*groups: Failures) -> dict[str, Any]:
    """A response per status, with the codes that it may carry."""
    by_status: dict[int, dict[str, Problem]] = {}
    for problem in (described(failure) for group in groups for failure in group):
        by_status.setdefault(problem.status, {})[problem.code] = problem
    problem_schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(status): {
            "description": "\n".join(f"- `{problem.code}`: {problem.detail}" for problem in problems.values()),
            "content": {"application/problem+json": {"schema": problem_schema, "example": next(iter(problems.values()))}},
            "x-codes": [*problems],
        }
        for status, problems in sorted(by_status.items())
    }


def shared_responses(paths: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Moves problem responses, most of which are the same everywhere, out of the operations; leaves references to them."""
    names: dict[tuple[str, ...], str] = {}
    shared: dict[str, Any] = {}
    for responses in [operation["responses"] for item in paths.values() for operation in item.values()]:
        for status, response in responses.items():
            if "x-codes" in response:
                name = names.setdefault((status, *response["x-codes"]), f"problems_{status}_{len(names) + 1}")
                shared[name] = response
                responses[status] = {"$ref": f"#/components/responses/{name}"}
    return shared


def problem_types() -> dict[str, Problem]:
    """Every problem type by code: what the `type` of a problem leads to."""
    known: list[type[Exception]] = [*REFUSALS.values(), Busy, Unavailable, Exception]
    return {problem.code: problem for problem in sorted(map(described, known), key=lambda problem: problem.code)}


def json_content(schema: Schema, example: object) -> dict[str, Any]:
    """A body in JSON."""
    return {"content": {"application/json": {"schema": schema, "example": example}}}


def response_headers(*names: str) -> dict[str, Any]:
    """These headers of an answer."""
    return {name: _HEADERS[name] for name in names}


def parameter_refs(*names: str) -> list[dict[str, str]]:
    """References to `PARAMETERS`."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def _header_parameter(name: str, description: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


PARAMETERS = {
    "IdempotencyKey": _header_parameter(
        "Idempotency-Key",
        "Makes a command safe to send again: the same key and body get the same answer (T21)",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    ),
    "IfMatch": _header_parameter(
        "If-Match", "The version that the change is based on", {"type": "string", "pattern": '^"[0-9]+"$', "examples": ['"3"']}
    ),
    "CorrelationId": _header_parameter(
        "X-Correlation-Id", "Comes back with the answer and stands in the log", {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"}
    ),
    "MinPosition": _header_parameter(
        "Stagebook-Min-Position", "Wait until the rows show this position, as a command has answered it", {"type": "integer", "minimum": 0}
    ),
}

_HEADERS: dict[str, Any] = {
    "Location": {"description": "Where the resource is read, if it is one to read", "schema": {"type": "string"}},
    "ETag": {"description": "The resource's version, in quotes", "schema": {"type": "string"}},
    "Stagebook-Position": {"description": "A position in the log", "schema": {"type": "integer"}},
    "Idempotent-Replayed": {"description": "This had been done before; nothing was recorded now", "schema": {"const": "true"}},
}
