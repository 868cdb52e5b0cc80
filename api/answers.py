"""A response as an ASGI application."""

from __future__ import annotations

from litestar.types import Receive, Scope, Send

JSON = (b"content-type", b"application/json")
PRIVATE = (b"cache-control", b"no-store")
"""Answers belong to one credential: nothing between here and the client keeps them."""

Header = tuple[bytes, bytes]


class Answer:
    """Status, headers, and a body that is encoded already: two messages.

    Litestar sends whatever ASGI application a route handler returns. This one costs a third of its own `Response`, which
    builds header objects and encodes the body.
    """

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[Header], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # the ASGI signature
        """Send it, once."""
        self.headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
