"""A stand-in for the server: it answers what it is told to, and remembers what it was asked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import msgspec
import pytest

from client import Retries, Stagebook

Answer = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


class Server:
    """Gives its answers in turn; the last one again and again."""

    url = "http://stagebook.example"

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    @property
    def last(self) -> httpx.Request:
        """The latest request."""
        return self.requests[-1]

    def body(self, number: int = -1) -> Any:
        """What was sent."""
        return msgspec.json.decode(self.requests[number].content)

    def header(self, name: str) -> list[str | None]:
        """Of every request."""
        return [request.headers.get(name) for request in self.requests]

    def client(self, **options: Any) -> Stagebook:
        """A client of this server that does not wait."""
        return Stagebook(self.url, "sbk_key", transport=httpx.MockTransport(self), **{"retries": Retries(first_pause=0.0)} | options)


@pytest.fixture
def server() -> Server:
    """Without answers."""
    return Server()


@pytest.fixture
async def stagebook(server: Server) -> AsyncIterator[Stagebook]:
    """A client of it."""
    async with server.client() as client:
        yield client


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses between attempts, in seconds; nobody really waits."""
    found: list[float] = []

    async def sleep(seconds: float) -> None:
        found.append(seconds)

    monkeypatch.setattr("asyncio.sleep", sleep)
    return found
