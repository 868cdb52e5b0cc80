from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from api import streams
from api.answers import Answer
from api.streams import Stream
from application.bus.messages import Busy
from application.reading import Sink
from tests.unit.api import sample

CSV = {"accept": "text/csv"}


async def test_a_whole_list_is_streamed_piece_by_piece_with_its_position(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    reads.chunks = [b"id\n", b"1\n", b"2\n"]
    answer = await client.get("/v1/venues", headers=CSV)
    assert answer.content == b"id\n1\n2\n"
    assert answer.headers["stagebook-position"] == "40"
    assert answer.headers["x-correlation-id"]
    assert "content-length" not in answer.headers


async def test_what_fails_before_the_first_piece_is_a_problem(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    reads.failure = Busy()
    answer = await client.get("/v1/venues", headers=CSV)
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["x-correlation-id"] == answer.json()["correlation_id"]


async def test_a_list_without_a_single_piece_is_an_empty_answer(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/venues", headers={"accept": "application/x-ndjson"})
    assert (answer.status_code, answer.content) == (200, b"")


class Connection:
    """The two functions of ASGI, and what was sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.gone = asyncio.Event()
        self.takes = True

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if not self.takes:
            await asyncio.Event().wait()
        self.sent.append(message)


def stream(write: Any, failures: list[Exception]) -> Stream:
    def failed(failure: Exception) -> Answer:
        failures.append(failure)
        return Answer(500, [], b"")

    return Stream([], write, failed)


async def test_what_fails_half_way_is_never_ended_as_if_it_were_whole() -> None:
    async def write(sink: Sink) -> None:
        await sink(b"half")
        msg = "the server was lost"
        raise OSError(msg)

    connection, failures = Connection(), list[Exception]()
    await stream(write, failures)({}, connection.receive, connection.send)  # type: ignore[arg-type]  # a scope that nobody reads
    assert [message.get("more_body") for message in connection.sent] == [None, True]
    assert len(failures) == 1


async def test_when_the_client_goes_the_writing_ends() -> None:
    ended = asyncio.Event()

    async def write(sink: Sink) -> None:
        try:
            await sink(b"some")
            connection.gone.set()
            await asyncio.Event().wait()
        finally:
            ended.set()

    connection, failures = Connection(), list[Exception]()
    await asyncio.wait_for(stream(write, failures)({}, connection.receive, connection.send), 5)  # type: ignore[arg-type]
    assert ended.is_set()
    assert not failures


async def test_a_client_that_takes_nothing_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "PATIENCE_SECONDS", 0.05)

    async def write(sink: Sink) -> None:
        await sink(b"some")
        connection.takes = False
        await sink(b"more")

    connection, failures = Connection(), list[Exception]()
    await asyncio.wait_for(stream(write, failures)({}, connection.receive, connection.send), 5)  # type: ignore[arg-type]
    assert [message.get("more_body") for message in connection.sent] == [None, True]
