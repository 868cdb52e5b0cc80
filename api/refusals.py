"""What HTTP itself refuses: typed like the refusals of the domain, so that every problem code stands in one registry."""

from __future__ import annotations

from typing import Final

import msgspec

from domain.refusals import Invalid, NotFound, Refusal

ERRORS_LIMIT: Final = 100
"""Things that are named of all that is wrong with a request."""


class FieldError(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong with a request, and where."""

    detail: str
    pointer: str | None = None
    """JSON pointer (RFC 6901) into the body."""
    parameter: str | None = None
    """Name of a path or query parameter."""
    header: str | None = None


class BadRequest(Refusal):
    """The request is malformed."""


class MalformedJson(BadRequest, pointer=""):
    """The body is not JSON: {reason}."""


class InvalidHeader(BadRequest):
    """The header {header} must be {expected}."""


class ClientGone(BadRequest):
    """The connection ended before the body was complete."""


class BodyTooLarge(Refusal):
    """The body is larger than {limit} bytes."""


class UnsupportedMediaType(Refusal):
    """The body must be sent as application/json."""


class NotAcceptable(Refusal):
    """There is none of the media types that the client accepts; there is {offered}."""


class MethodNotAllowed(Refusal):
    """This path does not take this method."""


class NoSuchRoute(NotFound):
    """There is nothing at this path."""


class InvalidPath(NotFound):
    """There is nothing at this path: {parameter} is not what it should be."""


class NotYetProjected(Refusal):
    """The read model has not reached position {position} yet."""


class NotReady(Refusal):
    """The server cannot do its work at present: {reason}."""


class InvalidInput(Invalid):
    """The request is not valid; see errors."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__()
        more = (FieldError(detail="There is more that is wrong"),) if len(errors) > ERRORS_LIMIT else ()
        self.errors = (*errors[:ERRORS_LIMIT], *more)
