"""What can go wrong between a client and Stagebook."""

from __future__ import annotations

from typing import Any, Self

import msgspec


class FieldError(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request, and where."""

    detail: str
    pointer: str | None = None
    """JSON pointer (RFC 6901) into the body."""
    parameter: str | None = None
    """Name of a path or query parameter."""
    header: str | None = None


class _Details(msgspec.Struct, kw_only=True):
    """Problem details (RFC 9457), of which whatever stands in between may leave out anything."""

    status: int = 0
    code: str = ""
    detail: str = ""
    errors: tuple[FieldError, ...] = ()
    rule: str | None = None
    params: dict[str, Any] = {}
    correlation_id: str | None = None


class StagebookError(Exception):
    """Base of what this client raises."""


class Problem(StagebookError):
    """The request was answered, and refused. Decide by `code`, which is stable."""

    def __init__(self, details: _Details, *, retry_after: float | None = None) -> None:
        where = [f"{error.pointer or error.parameter or error.header or ''}: {error.detail}" for error in details.errors]
        super().__init__("; ".join([f"{details.status} {details.code}: {details.detail}", *where]))
        self.status = details.status
        self.code = details.code
        self.detail = details.detail
        self.errors = details.errors
        self.rule = details.rule
        """Number of the domain rule that refused."""
        self.params = details.params
        """What the detail was made of: how many are left, which permission is missing."""
        self.correlation_id = details.correlation_id
        """The server's log has more under this id."""
        self.retry_after = retry_after
        """Seconds after which to ask again, if the server said so."""

    @classmethod
    def of(cls, details: object) -> Self:
        """The problem that a part of an answer describes. Raises `msgspec.ValidationError`."""
        return cls(msgspec.convert(details, _Details))

    @classmethod
    def read(cls, status: int, body: bytes, *, retry_after: float | None = None) -> Self:
        """The problem in a whole answer; something between here and the server may have given it in another form."""
        try:
            details = msgspec.json.decode(body, type=_Details)
        except msgspec.DecodeError:
            details = _Details(code=f"http_{status}", detail=body[:200].decode(errors="replace"))
        details.status = status
        return cls(details, retry_after=retry_after)


class NoAnswer(StagebookError):
    """Nobody answered, at any attempt. Whether a command was done is unknown: send it again with the same `idempotency_key`."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"no answer from {url}: {reason}")
        self.url = url


class NotUnderstood(StagebookError):
    """The answer is not what this client expects: the address may be another program's, or the server's version another one."""

    def __init__(self, url: str, reason: object) -> None:
        super().__init__(f"{url} answered what this client does not understand: {reason}")
        self.url = url
