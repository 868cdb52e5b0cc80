"""What the OpenAPI description says of a route that follows neither from a command nor from a table. It stands beside the route."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

DESCRIPTION: Final = "description"
"""Under this name a route handler's `opt` has it."""


class Content(NamedTuple):
    """A body in one media type."""

    kind: Any
    """A type that msgspec can describe, or a JSON Schema."""
    example: object
    """Valid by the schema."""
    media_type: str = "application/json"


class Description(NamedTuple):
    """Of one route. Method and path are the handler's own."""

    summary: str
    text: str
    """In a few sentences: what a client gets, and when it asks for it."""
    contents: tuple[Content, ...]
    """The answer, in each media type that it can be had as."""
    statuses: tuple[tuple[int, str], ...] = ((200, "As asked"),)
    """Successful ones, and when they are answered."""
    tag: str = "service"
    permission: str | None = None
    """None: everybody may ask, without a credential."""
    failures: tuple[type[Exception], ...] = ()
    """Besides those that any request of its kind may meet."""
    headers: tuple[str, ...] = ()
    """Of the answer: names in `api.openapi.parts.HEADERS`."""
    parameters: tuple[dict[str, Any], ...] = ()
    """OpenAPI's parameter objects. A parameter of the path that is not among them is a resource's id."""
    body: Content | None = None
    """The request's."""


def described(description: Description) -> dict[str, Any]:
    """For a route: `get("/health/live", name="live", opt=described(LIVE))`."""
    return {DESCRIPTION: description}
