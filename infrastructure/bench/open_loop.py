"""An open-loop sender: requests leave at a fixed rate, whatever becomes of those before, over connections that are kept."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, cast
from urllib.parse import urlsplit

_CONNECTIONS: Final = 128
"""When all of them wait for their answers, the next request leaves late; its time counts from when it should have left."""
_LEAD_SECONDS: Final = 0.05
_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


class Exchange(NamedTuple):
    """A request and its answer; times are those of `time.perf_counter`."""

    due: float
    sent: float
    answered: float
    status: int
    head: bytes
    body: bytes


async def send_steadily(
    url: str, request: Callable[[int], bytes], *, rate: int, seconds: float, heard: Callable[[Exchange], None]
) -> Sequence[Exchange]:
    """Send so many requests a second, the n-th as `request` makes it; each exchange is `heard` as its answer arrives."""
    parts = urlsplit(url)
    idle: asyncio.LifoQueue[_Connection] = asyncio.LifoQueue()
    exchanges: list[Exchange] = []

    async def exchange(n: int, due: float) -> None:
        content = request(n)
        connection = await idle.get()
        sent = time.perf_counter()
        answered, head, body = await connection.send(content)
        idle.put_nowait(connection)
        done = Exchange(due, sent, answered, int(head.split(b" ", 2)[1]), head, body)
        exchanges.append(done)
        heard(done)

    for _ in range(_CONNECTIONS):
        _, connection = await asyncio.get_running_loop().create_connection(_Connection, parts.hostname or "", parts.port or 80)
        idle.put_nowait(connection)
    try:
        began = time.perf_counter() + _LEAD_SECONDS
        async with asyncio.TaskGroup() as group:
            for n in range(int(rate * seconds)):
                due = began + n / rate
                await asyncio.sleep(due - time.perf_counter())
                group.create_task(exchange(n, due))
    finally:
        while not idle.empty():
            idle.get_nowait().transport.close()
    return exchanges


_Answer = tuple[float, bytes, bytes]


class _Connection(asyncio.Protocol):
    """One request at a time. Streams would take twice as much of the machine that is measured."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._received = b""
        self._answer: asyncio.Future[_Answer] | None = None

    def send(self, content: bytes) -> asyncio.Future[_Answer]:
        """When the answer arrived, its head and its body."""
        self._answer = asyncio.get_running_loop().create_future()
        self.transport.write(content)
        return self._answer

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one in all but name

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if end else None
        if length is not None and len(body) >= int(length[1]) and self._answer is not None and not self._answer.done():
            self._received = b""
            self._answer.set_result((time.perf_counter(), head, body))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed a connection without an answer"))
