"""Reading rows: what is asked, what is answered, and that a client sees what it did."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import httpx
import pytest

from client import NoAnswer, NotUnderstood, Operation, Problem, Stagebook, commands, rows
from tests.unit.client.answers import ID, done, page, pool, problem
from tests.unit.client.conftest import Server

POOL = pool(quantity_sold=1, quantity_reserved=2, over_allocation=0)


def query(server: Server, number: int = -1) -> dict[str, str]:
    return dict(server.requests[number].url.params)


async def test_a_row_is_typed_and_what_a_later_server_adds_is_ignored(server: Server, stagebook: Stagebook) -> None:
    server.answers = [httpx.Response(200, json=POOL | {"colour": "red"})]
    found = await stagebook.get(rows.TicketPool, UUID(ID))
    assert (found.name, found.quantity_total, found.created_at) == ("Floor", 100, datetime(2026, 5, 1, 12, tzinfo=UTC))
    assert server.last.url.path == f"/v1/ticket-pools/{ID}"
    assert query(server) == {}


async def test_a_row_that_lacks_a_column_is_not_understood(server: Server, stagebook: Stagebook) -> None:
    server.answers = [httpx.Response(200, json={"id": ID})]
    with pytest.raises(NotUnderstood, match="organization_id"):
        await stagebook.get(rows.TicketPool, UUID(ID))


async def test_rows_in_part_or_with_more_are_dictionaries(server: Server, stagebook: Stagebook) -> None:
    server.answers = [httpx.Response(200, json={"name": "Floor", "event": {"name": "Gala"}})]
    assert await stagebook.get("ticket-pools", UUID(ID), fields=["name"], expand=["event"]) == {"name": "Floor", "event": {"name": "Gala"}}
    assert query(server) == {"fields": "name", "expand": "event"}
    with pytest.raises(TypeError, match="'ticket-pools' in place of TicketPool"):
        await stagebook.get(rows.TicketPool, UUID(ID), fields=["name"])  # type: ignore[call-overload]  # what types forbid


async def test_a_row_as_it_was(server: Server, stagebook: Stagebook) -> None:
    server.answers = [httpx.Response(200, json=POOL)]
    await stagebook.get(rows.TicketPool, UUID(ID), as_of=42)
    assert query(server) == {"as_of": "42"}
    await stagebook.get(rows.TicketPool, UUID(ID), as_of=datetime(2026, 5, 1, tzinfo=UTC))
    assert query(server) == {"as_of": "2026-05-01T00:00:00+00:00"}


async def test_conditions_order_and_size_are_query_parameters(server: Server, stagebook: Stagebook) -> None:
    server.answers = [page(POOL, count=3)]
    found = await stagebook.page(
        rows.TicketPool,
        filter={
            "name": "Floor",
            "pool_id": None,
            "is_active": True,
            "price": {"gte": Decimal("9.50"), "lt": 20},
            "id": {"in": [UUID(ID), UUID(ID)]},
            "starts_at": {"gt": datetime(2027, 1, 1, tzinfo=UTC)},
        },
        sort="-name",
        limit=10,
        count=True,
    )
    assert query(server) == {
        "filter[name]": "Floor",
        "filter[pool_id][is_null]": "true",
        "filter[is_active]": "true",
        "filter[price][gte]": "9.50",
        "filter[price][lt]": "20",
        "filter[id][in]": f"{ID},{ID}",
        "filter[starts_at][gt]": "2027-01-01T00:00:00+00:00",
        "sort": "-name",
        "limit": "10",
        "count": "true",
    }
    assert (found.data[0].name, found.count, found.next_cursor, found.position) == ("Floor", 3, None, 7)


async def test_a_list_goes_on_over_all_pages(server: Server, stagebook: Stagebook) -> None:
    server.answers = [page(POOL, POOL, cursor="next"), page(POOL, cursor="last"), page(POOL)]
    names = [found.name async for found in stagebook.list(rows.TicketPool, sort="name")]
    assert names == ["Floor"] * 4
    assert [query(server, n).get("cursor") for n in range(3)] == [None, "next", "last"]
    assert {query(server, n)["sort"] for n in range(3)} == {"name"}


async def test_a_list_asks_for_no_page_that_nobody_wants(server: Server, stagebook: Stagebook) -> None:
    server.answers = [page(POOL, cursor="next")]
    async for _ in stagebook.list(rows.TicketPool):
        break
    assert len(server.requests) == 1


async def test_a_client_reads_what_it_wrote_and_never_less_than_it_has_seen(server: Server, stagebook: Stagebook) -> None:
    server.answers = [page(), done(12), page(position=12), page(position=15), done(3), page(position=15)]
    await stagebook.page(rows.Venue)
    await stagebook.send(commands.AddVenue(name="Hall", capacity=5))
    await stagebook.page(rows.Venue)
    await stagebook.page(rows.Venue)
    await stagebook.send(commands.AddVenue(name="Barn", capacity=5))
    await stagebook.page(rows.Venue)
    assert server.header("Stagebook-Min-Position") == [None, None, "12", "12", None, "15"]


async def test_reading_ones_writes_can_be_switched_off(server: Server) -> None:
    server.answers = [done(12), page()]
    async with server.client(read_your_writes=False) as stagebook:
        await stagebook.send(commands.AddVenue(name="Hall", capacity=5))
        await stagebook.page(rows.Venue)
    assert server.header("Stagebook-Min-Position") == [None, None]


async def test_a_client_can_begin_where_another_one_was(server: Server, stagebook: Stagebook) -> None:
    server.answers = [page()]
    stagebook.position = 40
    await stagebook.page(rows.Venue)
    assert server.header("Stagebook-Min-Position") == ["40"]


async def test_a_query_is_sent_again_until_the_read_model_is_there(server: Server, stagebook: Stagebook) -> None:
    server.answers = [problem(503, "not_yet_projected", retry_after="0"), httpx.RemoteProtocolError("gone"), page(POOL)]
    assert (await stagebook.page(rows.TicketPool)).data[0].name == "Floor"


async def test_the_history_of_a_row_goes_on_over_all_pages(server: Server, stagebook: Stagebook) -> None:
    step = {
        "position": 4,
        "recorded_at": "2026-05-01T12:00:00.000000Z",
        "type": "venue.added",
        "action": "inserted",
        "changes": {"name": "Hall"},
        "added": {},
        "actor": "platform",
        "on_behalf_of": None,
        "reason": None,
        "command": "add_venue",
        "command_id": ID,
        "causation_id": None,
        "correlation_id": "c",
        "stream_id": ID,
        "stream_version": 1,
    }
    server.answers = [page(step, cursor="4"), page(step | {"action": "changed"})]
    assert [found.action async for found in stagebook.history(rows.Venue, UUID(ID))] == ["inserted", "changed"]
    assert (server.last.url.path, query(server)["cursor"]) == (f"/v1/venues/{ID}/history", "4")


async def test_an_export_is_streamed_in_the_form_that_was_asked_for(server: Server, stagebook: Stagebook) -> None:
    server.answers = [problem(503, "busy", retry_after="0"), httpx.Response(200, stream=_Chunks(b"id,name\n", b"1,Hall\n"))]
    text = b"".join([chunk async for chunk in stagebook.export(rows.Venue, "text/csv", sort="name", fields=["id", "name"])])
    assert text == b"id,name\n1,Hall\n"
    assert (server.last.headers["Accept"], query(server)) == ("text/csv", {"sort": "name", "fields": "id,name"})


async def test_an_export_that_breaks_off_is_no_answer(server: Server, stagebook: Stagebook) -> None:
    server.answers = [httpx.Response(200, stream=_Chunks(b"id,name\n", httpx.ReadError("reset")))]
    with pytest.raises(NoAnswer):
        _ = [chunk async for chunk in stagebook.export(rows.Venue)]


async def test_an_operation_is_watched_until_it_has_ended(server: Server, stagebook: Stagebook, pauses: list[float]) -> None:
    server.answers = [operation("queued", 0), operation("running", 40), operation("succeeded", 100, result={"rows": 100})]
    seen: list[Operation] = []
    ended = await stagebook.wait_for(UUID(ID), progress=seen.append)
    assert ended.result == {"rows": 100}
    assert [(each.state, each.done, each.total) for each in seen] == [("queued", 0, 100), ("running", 40, 100), ("succeeded", 100, 100)]
    assert pauses == [0.1, 0.2]


async def test_an_operation_that_failed_raises_its_problem(server: Server, stagebook: Stagebook) -> None:
    failed = {"status": 409, "code": "event_is_final", "detail": "Too late", "title": "Event is final", "type": "/docs"}
    server.answers = [operation("failed", 3, problem=failed)]
    with pytest.raises(Problem, match="409 event_is_final: Too late"):
        await stagebook.wait_for(UUID(ID))


async def test_an_operation_that_was_cancelled_has_ended(server: Server, stagebook: Stagebook) -> None:
    server.answers = [operation("cancelled", 3)]
    assert (await stagebook.wait_for(UUID(ID))).state == "cancelled"


def operation(state: str, done: int, **more: object) -> httpx.Response:
    began = "2026-05-01T12:00:00Z"
    return httpx.Response(200, json={"id": ID, "kind": "import", "state": state, "done": done, "total": 100, "created_at": began, **more})


class _Chunks(httpx.AsyncByteStream):
    def __init__(self, *chunks: bytes | Exception) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            if isinstance(chunk, Exception):
                raise chunk
            yield chunk
