"""Problem details (RFC 9457): the one table from refusals to status codes, and the answer that a failed request gets."""

from __future__ import annotations

from typing import Any

import msgspec

from api.answers import PRIVATE, Answer, Header
from api.refusals import (
    BadRequest,
    BodyTooLarge,
    FieldError,
    InvalidHeader,
    InvalidInput,
    InvalidPath,
    MethodNotAllowed,
    NotAcceptable,
    NotReady,
    NotYetProjected,
    UnsupportedMediaType,
)
from application.bus.messages import Busy, Unavailable
from domain.refusals import Conflict, Forbidden, Invalid, NotFound, Refusal, Stale, Unauthenticated

STATUS: dict[type[Exception], int] = {
    BadRequest: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    NotAcceptable: 406,
    Conflict: 409,
    Stale: 412,
    BodyTooLarge: 413,
    UnsupportedMediaType: 415,
    Invalid: 422,
    Busy: 503,
    Unavailable: 503,
    NotYetProjected: 503,
    NotReady: 503,
}
"""Status by kind; a refusal has that of its nearest kind. What has none is a fault of the program."""

FAULT = 500

FAULTS: dict[type[Exception], tuple[str, str]] = {
    Busy: ("busy", "Too many commands are waiting. Send this one again a little later."),
    Unavailable: ("unavailable", "The database cannot answer at present. Send the request again, with the same Idempotency-Key."),
}
"""Code and detail of what is no refusal."""
INTERNAL_ERROR = ("internal_error", "The server failed. Its operator finds the reason under the correlation id.")

CONTENT_TYPE = (b"content-type", b"application/problem+json")
DOCUMENTATION = "/docs#problem-"
"""The type of a problem leads to its entry on the documentation page."""


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every failed request."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    """Stable; programs decide by it."""
    rule: str | None = None
    """Number of the domain rule that refused."""
    errors: tuple[FieldError, ...] = ()
    params: dict[str, Any] = {}
    """What the detail was made of, for programs: how many are left, when it was done before."""
    correlation_id: str | None = None


def status_of(failure: type[Exception]) -> int:
    """The status of a failure's nearest kind."""
    return next((STATUS[kind] for kind in failure.__mro__ if kind in STATUS), FAULT)


def title_of(code: str) -> str:
    """The same for every occurrence of a problem type: its code in words."""
    return code.replace("_", " ").capitalize()


def described(failure: type[Exception]) -> Problem:
    """What all problems of this type have in common, with places to fill in the detail: `{left}`."""
    if issubclass(failure, Refusal):
        code, detail, rule = failure.code, (failure.__doc__ or failure.code).strip().splitlines()[0], failure.rule
    else:
        (code, detail), rule = FAULTS.get(failure, INTERNAL_ERROR), None
    return Problem(type=f"{DOCUMENTATION}{code}", title=title_of(code), status=status_of(failure), detail=detail, code=code, rule=rule)


def problem_of(failure: Exception, *, correlation_id: str | None = None, at: str = "") -> Problem:
    """The problem to answer with. `at` is the pointer of the refused command inside a list of commands."""
    problem = msgspec.structs.replace(described(type(failure)), correlation_id=correlation_id)
    if not isinstance(failure, Refusal):
        return problem
    return msgspec.structs.replace(problem, detail=failure.message, errors=_errors(failure, at), params=failure.fields)


def answer_of(problem: Problem, failure: Exception) -> Answer:
    """The response of a problem."""
    return Answer(problem.status, [CONTENT_TYPE, PRIVATE, *_headers(failure)], encode_problem(problem))


def encode_problem(problem: Problem) -> bytes:
    """JSON; what a refusal was made of may be anything that has a text."""
    return msgspec.json.encode(problem, enc_hook=str)


def _errors(refusal: Refusal, at: str) -> tuple[FieldError, ...]:
    if isinstance(refusal, InvalidInput):
        return tuple(msgspec.structs.replace(e, pointer=at + e.pointer) if e.pointer is not None else e for e in refusal.errors)
    if isinstance(refusal, InvalidPath):
        return (FieldError(parameter=refusal.fields["parameter"], detail=refusal.message),)
    if isinstance(refusal, InvalidHeader):
        return (FieldError(header=refusal.fields["header"], detail=refusal.message),)
    if refusal.pointer is not None or at:
        return (FieldError(pointer=at + (refusal.pointer or ""), detail=refusal.message),)
    return ()


def _headers(failure: Exception) -> list[Header]:
    if isinstance(failure, Busy | Unavailable):
        return [(b"retry-after", b"%d" % failure.retry_after)]
    if isinstance(failure, NotYetProjected | NotReady):
        return [(b"retry-after", b"1")]
    if isinstance(failure, Unauthenticated):
        return [(b"www-authenticate", b'Bearer realm="stagebook"')]
    if isinstance(failure, MethodNotAllowed):
        return [(b"allow", failure.fields["allow"].encode())]
    return []
