"""Parts that many operations of the OpenAPI description share: problem responses, parameters, headers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

from api.problems import Problem, described
from api.refusals import BodyTooLarge, ClientGone, InvalidHeader, InvalidInput, MalformedJson, UnsupportedMediaType
from application.bus.messages import Busy, IdempotencyInFlight, IdempotencyMismatch, Unavailable
from domain.refusals import REFUSALS, Forbidden, Unauthenticated

Schema: TypeAlias = dict[str, Any]
Operation: TypeAlias = dict[str, Any]
Failures: TypeAlias = Iterable[type[Exception]]

EVERYWHERE: Failures = (Unauthenticated, Forbidden, Unavailable, Exception)
"""What any request with a credential may meet."""
WITH_BODY: Failures = (MalformedJson, InvalidHeader, ClientGone, BodyTooLarge, UnsupportedMediaType, InvalidInput)
WITH_KEY: Failures = (IdempotencyMismatch, IdempotencyInFlight, Busy)


def reference(name: str, kind: str = "schemas") -> dict[str, str]:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def parameter_refs(*names: str) -> list[dict[str, str]]:
    """References to `PARAMETERS`."""
    return [reference(name, "parameters") for name in names]


def response_headers(*names: str) -> dict[str, Any]:
    """References to `HEADERS`, and to that which every answer has."""
    return {name: reference(name, "headers") for name in (*names, "X-Correlation-Id")}


def json_content(schema: Schema, example: object) -> dict[str, Any]:
    """A body in JSON."""
    return {"content": {"application/json": {"schema": schema, "example": example}}}


def problem_responses(*groups: Failures) -> dict[str, Any]:
    """A response per status, with the codes that it may carry."""
    by_status: dict[int, dict[str, Problem]] = {}
    for problem in (described(failure) for group in groups for failure in group):
        by_status.setdefault(problem.status, {})[problem.code] = problem
    return {str(status): _problem_response(problems) for status, problems in sorted(by_status.items())}


def problem_types() -> dict[str, Problem]:
    """Every problem type by code: what the `type` of a problem leads to."""
    known: list[type[Exception]] = [*REFUSALS.values(), Busy, Unavailable, Exception]
    return {problem.code: problem for problem in sorted(map(described, known), key=lambda problem: problem.code)}


def _problem_response(problems: dict[str, Problem]) -> dict[str, Any]:
    retry = [name for name in _RETRY_HEADERS if _RETRY_HEADERS[name] == next(iter(problems.values())).status]
    examples = {code: {"summary": problem.title, "value": problem} for code, problem in problems.items()}
    return {
        "description": "\n".join(f"- `{problem.code}`: {problem.detail}" for problem in problems.values()),
        "headers": response_headers(*retry),
        "content": {"application/problem+json": {"schema": reference("Problem"), "examples": examples}},
        "x-codes": [*problems],
    }


def _header_parameter(name: str, description: str, schema: Schema) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


_CORRELATION_ID: Schema = {"type": "string", "examples": ["checkout-4711"]}

PARAMETERS: dict[str, Any] = {
    "IdempotencyKey": _header_parameter(
        "Idempotency-Key",
        "Makes a command safe to send again: the same key and body get the same answer (T21)",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$", "examples": ["order-4711-confirm"]},
    ),
    "IfMatch": _header_parameter(
        "If-Match", "The version that the change is based on", {"type": "string", "pattern": '^"[0-9]{1,9}"$', "examples": ['"3"']}
    ),
    "CorrelationId": _header_parameter(
        "X-Correlation-Id",
        "Comes back with the answer and stands in the log: 1 to 64 of A-Z a-z 0-9 . _ : -, and anything else is replaced",
        _CORRELATION_ID,
    ),
    "MinPosition": _header_parameter(
        "Stagebook-Min-Position",
        "Wait until the rows show this position, as a command has answered it",
        {"type": "integer", "minimum": 0, "maximum": 10**18 - 1, "examples": [4711]},
    ),
}

HEADERS: dict[str, Any] = {
    "Location": {
        "description": "Where the resource is read, if it is one to read",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "ETag": {"description": "The resource's version, in quotes", "required": True, "schema": {"type": "string", "pattern": '^"[0-9]+"$'}},
    "Stagebook-Position": {"description": "A position in the log", "required": True, "schema": {"type": "integer", "minimum": 0}},
    "Idempotent-Replayed": {"description": "This had been done before; nothing was recorded now", "schema": {"const": "true"}},
    "X-Correlation-Id": {
        "description": "As it was sent, else a fresh one; names this request in the log",
        "required": True,
        "schema": {"type": "string", "minLength": 1, "maxLength": 64},
    },
    "Retry-After": {"description": "Seconds", "required": True, "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"description": "How to authenticate", "required": True, "schema": {"type": "string"}},
}
_RETRY_HEADERS = {"Retry-After": 503, "WWW-Authenticate": 401}
"""Headers that every problem of a status has."""
