"""Exports in the background, over HTTP, with everything below it in memory."""

from __future__ import annotations

import asyncio
from uuid import UUID

import httpx
import pytest

from application.bus.messages import Busy
from domain.organizations.api_key import key_text
from tests.unit.api import sample
from tests.unit.api.background import CONFIRM, begin, ended, send


@pytest.mark.usefixtures("runner")
async def test_an_export_is_a_file_of_one_position(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    text = 'id,name\n1,"two\nlines"\n2,"a ""quoted"" one"\n'
    reads.chunks = [text[:20].encode(), text[20:].encode()]
    body = {"collection": "venues", "format": "csv", "filter": {"fee": {"gte": "1.5", "lt": 9}}, "sort": "-name", "fields": "id,name"}
    answer = await client.post("/v1/exports", json=body, headers={"stagebook-min-position": "30"})
    assert answer.status_code == 202
    operation = await ended(client, answer.headers["location"])
    assert (operation["state"], operation["done"], operation["total"]) == ("succeeded", 2, 2)
    assert operation["result"] == {"collection": "venues", "format": "csv", "position": 40, "rows": 2, "bytes": len(text)}
    statement, parameters = reads.statements[-1]
    assert '"fee" >= $2' in statement
    assert (parameters[0], str(parameters[1]), str(parameters[2])) == (sample.ORGANIZATION, "1.5", "9")
    file = await client.get(f"{answer.headers['location']}/result")
    assert file.text == text
    assert file.headers["content-disposition"] == 'attachment; filename="venues.csv"'
    assert file.headers["content-type"].startswith("text/csv")
    assert (file.headers["stagebook-position"], file.headers["content-length"]) == ("40", str(len(text)))


@pytest.mark.usefixtures("runner")
async def test_an_export_of_many_pieces_shows_its_progress_and_comes_whole(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    row = b'{"name":"' + b"x" * 50_000 + b'"}\n'
    reads.chunks = [row] * 40
    answer = await client.post("/v1/exports", json={"collection": "deals", "format": "ndjson"})
    operation = await ended(client, answer.headers["location"])
    assert (operation["done"], operation["result"]["bytes"]) == (40, 40 * len(row))
    assert (await client.get(f"{answer.headers['location']}/result")).content == row * 40


@pytest.mark.usefixtures("runner")
async def test_an_export_that_is_interrupted_is_written_anew(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    """Of another snapshot: nothing of the first one is left."""
    old, row = (b'{"name":"' + letter * 50_000 + b'"}\n' for letter in (b"x", b"y"))
    reads.chunks = [*[old] * 10, Busy()]
    place = (await client.post("/v1/exports", json={"collection": "venues", "format": "ndjson"})).headers["location"]
    async with asyncio.timeout(5):
        while (interrupted := (await client.get(place)).json())["state"] != "queued" or not interrupted["done"]:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    reads.chunks = [row] * 12
    operation = await ended(client, place)
    assert (operation["state"], operation["done"], operation["result"]["bytes"]) == ("succeeded", 12, 12 * len(row))
    assert (await client.get(f"{place}/result")).content == row * 12


@pytest.mark.usefixtures("runner")
async def test_an_empty_export_is_an_empty_file(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/exports", json={"collection": "venues", "format": "ndjson"})
    operation = await ended(client, answer.headers["location"])
    assert (operation["state"], operation["done"], operation["total"]) == ("succeeded", 0, 0)
    file = await client.get(f"{answer.headers['location']}/result")
    assert (file.status_code, file.content) == (200, b"")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, ["/collection"]),
        ({"collection": "venues"}, ["/format"]),
        ({"collection": "secrets", "format": "csv"}, ["/collection"]),
        ({"collection": "venues", "format": "xml"}, ["/format"]),
        ({"collection": "venues", "format": "csv", "limit": 5}, ["/limit"]),
        ({"collection": "venues", "format": "csv", "fields": "id,nonsense", "sort": "nonsense"}, ["/sort", "/fields"]),
        ({"collection": "venues", "format": "csv", "filter": {"nonsense": 1, "fee": {"gte": "x"}, "kind": {"near": 1}}}, None),
        ({"collection": "venues", "format": "csv", "filter": {"a][b": 1}}, ["/filter/a][b"]),
        (
            {"collection": "venues", "format": "csv", "filter": {"a/" + "b" * 38: {"c d" * 13: 1}}},
            ["/filter/a~1" + "b" * 38 + "/" + "c d" * 13],
        ),
        ({"collection": "venues", "format": "csv", "filter": {"b" * 41: 1}}, ["/filter"]),
        ({"collection": "venues", "format": "csv", "filter": {"name": None}}, ["/filter"]),
    ],
)
async def test_an_export_that_cannot_be_is_refused_by_name(client: httpx.AsyncClient, body: object, pointers: list[str] | None) -> None:
    answer = await client.post("/v1/exports", json=body)
    assert answer.status_code == 422
    given = [error["pointer"] for error in answer.json()["errors"]]
    assert given == (pointers or ["/filter/nonsense", "/filter/fee/gte", "/filter/kind/near"])


async def test_t21_the_same_key_gives_the_same_export(client: httpx.AsyncClient) -> None:
    body = {"collection": "venues", "format": "csv"}
    answers = [await client.post("/v1/exports", json=body, headers={"idempotency-key": "k"}) for _ in range(2)]
    assert answers[0].json()["id"] == answers[1].json()["id"]
    assert (await send(client, CONFIRM, idempotency_key="k")).status_code == 422


@pytest.mark.usefixtures("runner")
async def test_each_kind_is_read_in_its_own_place(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    reads.chunks = [b"id\n"]
    exported = (await client.post("/v1/exports", json={"collection": "venues", "format": "csv"})).headers["location"]
    location = await begin(client, CONFIRM)
    for place, wrong in ((exported, "results"), (location, "result")):
        await ended(client, place)
        answer = await client.get(f"{place}/{wrong}")
        assert (answer.status_code, answer.json()["code"]) == (404, "nothing_to_read")


@pytest.mark.usefixtures("runner")
async def test_an_export_that_failed_has_no_file(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    bus.issue_key(scopes=("data.read",))
    answer = await client.post("/v1/exports", json={"collection": "venues", "format": "csv"})
    bus.issue_key(scopes=("orders.create",))
    other = UUID(int=77)
    bus.issue_key(other)
    client.headers["authorization"] = f"Bearer {key_text(other, sample.SECRET)}"
    operation = await ended(client, answer.headers["location"])
    assert (operation["state"], operation["problem"]["status"]) == ("failed", 403)
    assert (await client.get(f"{answer.headers['location']}/result")).json()["code"] == "no_result"
