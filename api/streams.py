"""A body that is written piece by piece, in constant memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from litestar.types import Receive, Scope, Send

from api.answers import Answer, Header
from application.reading import Sink

PATIENCE_SECONDS: Final = 60.0
"""For the client to take the next piece."""


class ClientLeft(Exception):
    """The connection ended, or nobody read from it for too long."""


class Stream:
    """A successful answer whose body is written while it is sent.

    What goes wrong before the first byte becomes a problem; after it the connection is cut, so that no client takes a part for the whole.
    """

    status = 200

    def __init__(self, headers: list[Header], write: Callable[[Sink], Awaitable[None]], failed: Callable[[Exception], Answer]) -> None:
        """`write` brings the body to a sink; `failed` makes the problem of a failure."""
        self.headers = headers
        self._write = write
        self._failed = failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it, once."""
        started = False

        async def start() -> None:
            nonlocal started
            if not started:
                started = True
                await send({"type": "http.response.start", "status": self.status, "headers": self.headers})

        async def sink(chunk: bytes) -> None:
            await start()
            try:
                await asyncio.wait_for(send({"type": "http.response.body", "body": chunk, "more_body": True}), PATIENCE_SECONDS)
            except TimeoutError:
                raise ClientLeft from None

        try:
            await _while_connected(self._write(sink), receive)
        except ClientLeft:
            return
        except Exception as failure:  # noqa: BLE001  # whatever it is, the client gets a problem or no end, and the log its trace
            answer = self._failed(failure)
            if not started:
                answer.headers.extend(header for header in self.headers if header[0] == b"x-correlation-id")
                await answer(scope, receive, send)
            # Without its last message the server cuts the connection.
            return
        await start()
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _while_connected(writing: Awaitable[None], receive: Receive) -> None:
    """Write until the end, or until the client has gone. Raises `ClientLeft`."""
    body = asyncio.ensure_future(writing)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({body, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not body.done():
            raise ClientLeft
        await body
    finally:
        for task in (body, gone):
            task.cancel()
        await asyncio.gather(body, gone, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
