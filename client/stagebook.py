"""The connection to a Stagebook: commands in, rows out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal, Self, TypeVar, Unpack, cast, overload
from urllib.parse import quote
from uuid import UUID, uuid4

import httpx
import msgspec

from client import batches
from client.base import Command, Reply
from client.changes import Changes
from client.errors import NotUnderstood, Problem
from client.operations import Operation
from client.queries import Page, Shown, Step, Which, WhichAndShown, collection_of, page_decoder, parameters, row_decoder
from client.rows import Row
from client.transport import Retries, Transport

Answered = TypeVar("Answered", bound=Reply)
R = TypeVar("R", bound=Row)
T = TypeVar("T")

_RETRIES: Final = Retries()
_LARGEST_PAGE: Final = 500
_POLL_SECONDS: Final = (0.1, 2.0)
"""Between two looks at an operation: the first pause, and the longest."""


class Stagebook:
    """A client of one organization: it acts with one API key.

    Commands carry an Idempotency-Key and are sent again, like queries, when the connection is lost or the server asks for it; so
    every command is done once or not at all. Queries show at least what this client has seen and done before.

    Everything raises `Problem` when it is refused, `NoAnswer` when nobody answers, `NotUnderstood` when something else does.
    """

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        read_your_writes: bool = True,
        timeout: float = 30.0,
        retries: Retries = _RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        """`timeout` is in seconds and of one attempt; `transport` stands in for the network, in tests."""
        self.position = 0
        """The highest position in the log that was answered so far. Set it to go on where another client has been."""
        self._read_your_writes = read_your_writes
        self._transport = Transport(url, key, timeout=timeout, retries=retries, transport=transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Give the connections back."""
        await self._transport.close()

    async def send(self, command: Command[Answered], *, idempotency_key: str | None = None, if_match: int | None = None) -> Answered:
        """Do one thing.

        The same `idempotency_key` never does it twice: whoever may have to begin again after a crash chooses one. With `if_match`
        the addressed resource must still have this version, else the problem is `stale`.
        """
        method, path = command.ROUTE.split()
        fields = msgspec.to_builtins(command)
        body = {name: value for name, value in fields.items() if name != "command" and f"{{{name}}}" not in path}
        headers = {"Idempotency-Key": idempotency_key or str(uuid4())}
        if if_match is not None:
            headers["If-Match"] = f'"{if_match}"'
        place = path.format_map({name: quote(str(value), safe="") for name, value in fields.items()})
        response = await self._request(method, f"/v1{place}", headers=headers, body=msgspec.json.encode(body) if body else None)
        return cast("Answered", _replies_of(response, [self._read(response, msgspec.json.Decoder(command.REPLY))])[0])

    @overload
    async def send_all(
        self, commands: Sequence[Command[Any]], *, atomic: Literal[True] = True, idempotency_key: str | None = None
    ) -> Sequence[Reply]: ...

    @overload
    async def send_all(
        self, commands: Sequence[Command[Any]], *, atomic: Literal[False], idempotency_key: str | None = None
    ) -> Sequence[Reply | Problem]: ...

    async def send_all(
        self, commands: Sequence[Command[Any]], *, atomic: bool = True, idempotency_key: str | None = None
    ) -> Sequence[Reply | Problem]:
        """Do many things, and answer in their order.

        `atomic`: all of them or nothing, 500 at most; the first refusal is raised. Otherwise each on its own, in no order and any
        number of them; the answer has a `Problem` in place of each that was refused.
        """
        key = idempotency_key or str(uuid4())
        if not atomic:
            return [answer for n, chunk in enumerate(batches.chunks(commands)) for answer in await self._each(chunk, f"{key}-{n}")]
        if len(commands) > batches.LIMIT:
            msg = f"{len(commands)} commands are too many for one step: at most {batches.LIMIT}"
            raise ValueError(msg)
        response = await self._request("POST", "/v1/batch", headers={"Idempotency-Key": key}, body=batches.whole(commands))
        return _replies_of(response, self._understood(response, lambda body: batches.read_whole(commands, body)))

    @overload
    async def get(self, of: type[R], id: UUID, *, as_of: int | datetime | None = None) -> R: ...

    @overload
    async def get(self, of: str, id: UUID, *, as_of: int | datetime | None = None, **shown: Unpack[Shown]) -> dict[str, Any]: ...

    async def get(
        self,
        of: type[R] | str,
        id: UUID,  # noqa: A002  # as in the API
        *,
        as_of: int | datetime | None = None,
        **shown: Unpack[Shown],
    ) -> R | dict[str, Any]:
        """One row; `as_of` a position in the log or an instant, as it was then.

        A table that is named by a text (`"events"`, `rows.Event.COLLECTION`) gives dictionaries, and these in part or with more.
        """
        query = parameters(_shown(of, **shown), as_of=as_of)
        response = await self._request("GET", f"{collection_of(of)}/{id}", parameters=query)
        return cast("R | dict[str, Any]", self._read(response, row_decoder(of)))

    @overload
    async def page(
        self, of: type[R], *, limit: int | None = None, cursor: str | None = None, count: bool = False, **which: Unpack[Which]
    ) -> Page[R]: ...

    @overload
    async def page(
        self, of: str, *, limit: int | None = None, cursor: str | None = None, count: bool = False, **which: Unpack[WhichAndShown]
    ) -> Page[dict[str, Any]]: ...

    async def page(
        self,
        of: type[R] | str,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        count: bool = False,
        **which: Unpack[WhichAndShown],
    ) -> Page[R] | Page[dict[str, Any]]:
        """Some rows: at most `limit` (50 by default, 500 at most), from the beginning or from the `next_cursor` of the page before."""
        query = parameters(_shown(of, **which), limit=limit, cursor=cursor, count=count or None)
        response = await self._request("GET", collection_of(of), parameters=query)
        return self._read(response, page_decoder(of))

    @overload
    def list(self, of: type[R], *, limit: int = _LARGEST_PAGE, **which: Unpack[Which]) -> AsyncIterator[R]: ...

    @overload
    def list(self, of: str, *, limit: int = _LARGEST_PAGE, **which: Unpack[WhichAndShown]) -> AsyncIterator[dict[str, Any]]: ...

    async def list(
        self, of: type[R] | str, *, limit: int = _LARGEST_PAGE, **which: Unpack[WhichAndShown]
    ) -> AsyncIterator[R | dict[str, Any]]:
        """All rows, page by page of `limit` rows. Each row comes once; one that changes meanwhile may be missed or seen as it was."""
        cursor: str | None = None
        while True:
            page = await self.page(cast("str", of), limit=limit, cursor=cursor, **which)
            for row in page.data:
                yield row
            if (cursor := page.next_cursor) is None:
                return

    async def history(self, of: type[Row] | str, id: UUID) -> AsyncIterator[Step]:  # noqa: A002
        """What happened to a row, oldest first; also to one that was deleted."""
        cursor: str | None = None
        while True:
            query = parameters({}, limit=_LARGEST_PAGE, cursor=cursor)
            response = await self._request("GET", f"{collection_of(of)}/{id}/history", parameters=query)
            page = self._read(response, page_decoder(Step))
            for step in page.data:
                yield step
            if (cursor := page.next_cursor) is None:
                return

    def changes(self, of: type[R], *, after: int = 0) -> Changes[R]:
        """Rows that changed and rows that went after this position: to be iterated over once. Its `position` is the next `after`."""
        return Changes(self, of, after)

    async def export(self, of: type[Row] | str, accept: str = "text/csv", **which: Unpack[WhichAndShown]) -> AsyncIterator[bytes]:
        """The whole list in another form, as bytes of any length: `text/csv`, `application/x-ndjson`, or what else the server offers.

        A connection that is lost on the way is a `NoAnswer`: what was given until then is of no use.
        """
        headers = {"Accept": accept, **self._min_position()}
        path, query = collection_of(of), parameters(which)
        async with self._transport.stream("GET", path, parameters=query, headers=headers, whole=False) as response:
            self._note(response)
            async for chunk in response.aiter_bytes():
                yield chunk

    async def wait_for(self, operation: UUID, *, progress: Callable[[Operation], object] | None = None) -> Operation:
        """The operation when it has ended; `progress` is called at every look. One that failed raises its `Problem`."""
        pause, longest = _POLL_SECONDS
        while True:
            response = await self._request("GET", f"/v1/operations/{operation}")
            found = self._read(response, msgspec.json.Decoder(Operation))
            if progress is not None:
                progress(found)
            if found.state == "failed":
                raise Problem.of(found.problem or {})
            if found.has_ended:
                return found
            await asyncio.sleep(pause)
            pause = min(pause * 2, longest)

    async def _each(self, chunk: batches.Chunk, key: str) -> Sequence[Reply | Problem]:
        """The answers to commands that stand on their own; what the server was too busy for is sent again with the same key."""
        retries, attempt = self._transport.retries, 1
        while True:
            response = await self._request("POST", "/v1/batch", headers={"Idempotency-Key": key}, body=chunk.body)
            answers = self._understood(response, lambda body: batches.read_each(chunk.commands, body))
            again = any(isinstance(answer, Problem) and self._transport.may_retry(answer) for answer in answers)
            if not again or attempt == retries.attempts:
                return answers
            await asyncio.sleep(retries.pause(attempt, None))
            attempt += 1

    async def _request(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> httpx.Response:
        reading = self._min_position() if method == "GET" else {}
        response = await self._transport.request(method, path, parameters=parameters, headers={**(headers or {}), **reading}, body=body)
        self._note(response)
        return response

    def _min_position(self) -> dict[str, str]:
        return {"Stagebook-Min-Position": str(self.position)} if self._read_your_writes and self.position else {}

    def _note(self, response: httpx.Response) -> None:
        position = response.headers.get("Stagebook-Position", "")
        if position.isascii() and position.isdigit():
            self.position = max(self.position, int(position))

    def _read(self, response: httpx.Response, decoder: msgspec.json.Decoder[T]) -> T:
        return self._understood(response, decoder.decode)

    def _understood(self, response: httpx.Response, read: Callable[[bytes], T]) -> T:
        try:
            return read(response.content)
        except (msgspec.DecodeError, ValueError) as error:
            raise NotUnderstood(self._transport.url, error) from error


def _replies_of(response: httpx.Response, replies: Sequence[Reply]) -> Sequence[Reply]:
    """The replies, marked when they are those of an earlier time."""
    if response.headers.get("Idempotent-Replayed") != "true":
        return replies
    return [msgspec.structs.replace(reply, replayed=True) for reply in replies]


def _shown(of: type[Row] | str, **query: Unpack[WhichAndShown]) -> WhichAndShown:
    """The query; typed rows come whole or not at all."""
    if not isinstance(of, str) and (query.get("fields") or query.get("expand")):
        msg = f"rows in part or with more are dictionaries: ask for {of.COLLECTION!r} in place of {of.__name__}"
        raise TypeError(msg)
    return query
