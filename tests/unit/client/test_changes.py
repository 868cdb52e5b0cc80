"""Following a table: what has changed and what has gone, in the order of the log."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx

from client import Deleted, Stagebook, rows
from tests.unit.client.answers import ID, page, pool, row
from tests.unit.client.conftest import Server

OTHER = "01890a5d-ac96-774b-bcce-b302099a8058"


def tables(*, pools: list[dict[str, Any]], deletions: list[dict[str, Any]], position: int) -> Any:
    """A server of two tables that honours the section of the log that is asked for."""

    def answer(request: httpx.Request) -> httpx.Response:
        query = request.url.params
        if "sort" not in query:
            return page(position=position)
        assert query["sort"] == "log_position"
        found = pools if request.url.path == "/v1/ticket-pools" else deletions
        after, upto = int(query["filter[log_position][gt]"]), int(query["filter[log_position][lte]"])
        return page(*(each for each in found if after < each["log_position"] <= upto), position=position + 5)

    return answer


def changed(position: int, id_: str = ID) -> dict[str, Any]:
    return pool(position, quantity_sold=0, quantity_reserved=0, over_allocation=0) | {"id": id_}


def deleted(position: int, id_: str = ID) -> dict[str, Any]:
    return row(position, entity="ticket_pools", entity_id=id_, at="2026-05-01T12:00:00+00:00")


async def followed(stagebook: Stagebook, after: int = 0) -> tuple[list[tuple[str, int, UUID]], int]:
    changes = stagebook.changes(rows.TicketPool, after=after)
    found = [(type(change).__name__, change.log_position, change.id) async for change in changes]
    return found, changes.position


async def test_changes_and_deletions_come_in_the_order_of_the_log(server: Server, stagebook: Stagebook) -> None:
    server.answers = [tables(pools=[changed(3), changed(9)], deletions=[deleted(5, OTHER), deleted(7, OTHER)], position=10)]
    found, position = await followed(stagebook)
    assert [(kind, at) for kind, at, _ in found] == [("TicketPool", 3), ("Deleted", 5), ("Deleted", 7), ("TicketPool", 9)]
    assert position == 10


async def test_an_id_that_is_used_again_is_there_in_the_end(server: Server, stagebook: Stagebook) -> None:
    server.answers = [tables(pools=[changed(8)], deletions=[deleted(8), deleted(6)][::-1], position=10)]
    copy: dict[UUID, object] = {}
    async for change in stagebook.changes(rows.TicketPool):
        if isinstance(change, Deleted):
            copy.pop(change.id, None)
        else:
            copy[change.id] = change
    assert set(copy) == {UUID(ID)}


async def test_what_happens_while_it_is_read_belongs_to_the_next_round(server: Server, stagebook: Stagebook) -> None:
    pools, deletions = [changed(4), changed(12)], [deleted(11, OTHER)]
    server.answers = [tables(pools=pools, deletions=deletions, position=10)]
    found, position = await followed(stagebook)
    assert ([at for _, at, _ in found], position) == ([4], 10)
    server.answers = [tables(pools=pools, deletions=deletions, position=15)]
    found, position = await followed(stagebook, after=position)
    assert ([at for _, at, _ in found], position) == ([11, 12], 15)


async def test_where_to_go_on_is_not_said_before_all_is_given(server: Server, stagebook: Stagebook) -> None:
    server.answers = [tables(pools=[changed(4), changed(5)], deletions=[], position=10)]
    changes = stagebook.changes(rows.TicketPool, after=2)
    async for _ in changes:
        break
    assert changes.position == 2


async def test_deletions_of_other_tables_are_not_asked_for(server: Server, stagebook: Stagebook) -> None:
    server.answers = [tables(pools=[], deletions=[], position=10)]
    await followed(stagebook)
    asked = [dict(request.url.params) for request in server.requests if "sort" in request.url.params and "deletions" in request.url.path]
    assert [query["filter[entity]"] for query in asked] == ["ticket_pools"]
