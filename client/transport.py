"""Requests that are sent until they are answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Final, NamedTuple

import httpx

from client.errors import NoAnswer, Problem

_LATER: Final = frozenset(
    {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}
)
_IN_FLIGHT: Final = "idempotency_in_flight"
"""Code of the refusal while an earlier attempt is still being answered."""


class Retries(NamedTuple):
    """How a request is sent again: when the connection was lost, when the server has too much to do, when its database is away."""

    attempts: int = 6
    """At most, the first one included."""
    first_pause: float = 0.1
    """Seconds, doubled with every attempt; a random part of up to a half is taken off, so that clients do not come all at once."""
    longest_pause: float = 60.0
    """Seconds. When the server asks for a longer pause (`Retry-After`), the problem is raised at once."""

    def pause(self, attempt: int, retry_after: float | None) -> float:
        """Seconds until the next attempt: never fewer than the server asks for."""
        own: float = self.first_pause * 2 ** (attempt - 1) * random.uniform(0.5, 1.0)  # noqa: S311  # nobody needs to be unable to guess it
        return max(min(own, self.longest_pause), retry_after or 0.0)


class Transport:
    """An HTTP connection pool to one server, with one credential."""

    def __init__(self, url: str, key: str, *, timeout: float, retries: Retries, transport: httpx.AsyncBaseTransport | None) -> None:
        self.url = url.rstrip("/")
        self.retries = retries
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=timeout,
            transport=transport,
        )

    async def close(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> httpx.Response:
        """The answer, read as a whole. Raises `Problem`, `NoAnswer`."""
        async with self.stream(method, path, parameters=parameters, headers=headers, body=body) as response:
            return response

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        whole: bool = True,
    ) -> AsyncIterator[httpx.Response]:
        """The answer, its body still to be read unless `whole`. Raises `Problem`, `NoAnswer`."""
        content_type = {"Content-Type": "application/json"} if body is not None else {}
        request = self._http.build_request(
            method, f"{self.url}{path}", params=parameters, headers=content_type | dict(headers or {}), content=body
        )
        response = await self._answer(request, whole=whole)
        try:
            yield response
        except httpx.TransportError as error:
            raise NoAnswer(self.url, _reason(error)) from error
        finally:
            await response.aclose()

    async def _answer(self, request: httpx.Request, *, whole: bool) -> httpx.Response:
        attempt = 1
        while True:
            try:
                response = await self._http.send(request, stream=not whole)
                if response.is_success:
                    return response
                problem = Problem.read(response.status_code, await response.aread(), retry_after=_seconds(response))
            except httpx.UnsupportedProtocol as error:
                raise NoAnswer(self.url, error) from error
            except httpx.TransportError as error:
                if attempt == self.retries.attempts:
                    raise NoAnswer(self.url, _reason(error)) from error
                pause = self.retries.pause(attempt, None)
            else:
                if attempt == self.retries.attempts or not self.may_retry(problem):
                    raise problem
                pause = self.retries.pause(attempt, problem.retry_after)
            await asyncio.sleep(pause)
            attempt += 1

    def may_retry(self, problem: Problem) -> bool:
        """Whether the same request may be answered in another way a little later."""
        if (problem.retry_after or 0.0) > self.retries.longest_pause:
            return False
        return problem.status in _LATER or problem.code == _IN_FLIGHT


def _seconds(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
