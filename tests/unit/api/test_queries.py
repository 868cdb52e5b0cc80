from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.unit.api import sample


def row(number: int, **fields: Any) -> dict[str, Any]:
    created_at = datetime(2027, 1, 1, tzinfo=UTC) + timedelta(hours=number // 2, microseconds=1)
    return {"id": str(UUID(int=number)), "name": f"v{number}", "created_at": created_at.isoformat(), "stream_version": number} | fields


def fill(reads: sample.FakeReads, count: int, table: str = "venues", organization: UUID = sample.ORGANIZATION) -> list[dict[str, Any]]:
    rows = [row(number) for number in range(count, 0, -1)]
    reads.tables[organization, table] = list(rows)
    return rows


def cursor(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


async def test_a_list_answers_data_cursor_and_position(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    rows = fill(reads, 3)
    answer = await client.get("/v1/venues")
    assert answer.status_code == 200
    assert answer.json() == {"data": rows, "next_cursor": None, "position": 40}
    assert answer.headers["stagebook-position"] == "40"
    assert answer.headers["content-type"] == "application/json"


async def test_the_cursor_leads_through_all_rows_once(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    """Also where several rows have the same creation time, also when new ones come in between."""
    rows = fill(reads, 7)
    seen: list[dict[str, Any]] = []
    parameters: dict[str, str] = {"limit": "2"}
    page: dict[str, Any] = {}
    for _ in range(4):
        page = (await client.get("/v1/venues", params=parameters)).json()
        seen += page["data"]
        parameters["cursor"] = page["next_cursor"]
        reads.tables[sample.ORGANIZATION, "venues"] = [row(100 + len(seen)), *reads.tables[sample.ORGANIZATION, "venues"]]
    assert seen == rows
    assert page["next_cursor"] is None


async def test_a_full_page_after_which_nothing_comes_is_the_last(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    fill(reads, 2)
    assert (await client.get("/v1/venues?limit=2")).json()["next_cursor"] is None


async def test_a_page_has_50_rows_unless_asked_otherwise_and_500_at_most(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    fill(reads, 600)
    assert len((await client.get("/v1/venues")).json()["data"]) == 50
    assert len((await client.get("/v1/venues?limit=500")).json()["data"]) == 500
    assert (await client.get("/v1/venues?limit=501")).status_code == 422


BAD_QUERIES = [
    ("limit=0", "limit"),
    ("limit=-1", "limit"),
    ("limit=ten", "limit"),
    ("limit=1.5", "limit"),
    ("limit=", "limit"),
    ("limit=" + "9" * 5000, "limit"),
    ("limit=%00", "limit"),
    ("colour=red", "colour"),
    ("cursor=", "cursor"),
    ("cursor=%00", "cursor"),
    ("cursor=%C3%BC", "cursor"),
    ("cursor=e30", "cursor"),
    ("cursor=" + cursor('["2027-01-01T00:00:00Z"]'), "cursor"),
    ("cursor=" + cursor('["2027-01-01T00:00:00Z", "x"]'), "cursor"),
    ("cursor=" + cursor(f'["yesterday", "{UUID(int=1)}"]'), "cursor"),
    ("cursor=" + cursor(f'["0001-01-01T00:00:00+14:00", "{UUID(int=1)}"]'), "cursor"),
    ("cursor=" + cursor(f'["2027-01-01T00:00:00Z", "{UUID(int=1)}", 1]'), "cursor"),
    ("cursor=" + cursor("[" * 5000), "cursor"),
    ("cursor=" + cursor("9" * 5000), "cursor"),
]


@pytest.mark.parametrize(
    ("query", "parameter"), BAD_QUERIES, ids=[f"{number}-{query[:16]}" for number, (query, _) in enumerate(BAD_QUERIES)]
)
async def test_a_wrong_query_parameter_is_named(client: httpx.AsyncClient, reads: sample.FakeReads, query: str, parameter: str) -> None:
    answer = await client.get(f"/v1/venues?{query}")
    assert answer.status_code == 422, answer.text
    assert [error["parameter"] for error in answer.json()["errors"]] == [parameter]
    assert not reads.statements


@pytest.mark.parametrize("query", ["limit=1&limit=2", "a=%FF", "&".join(f"x{number}=1" for number in range(200))])
async def test_a_wrong_query_string_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert (await client.get(f"/v1/venues?{query}")).status_code == 422


async def test_one_row_has_its_version_as_etag(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    fill(reads, 3)
    answer = await client.get(f"/v1/venues/{UUID(int=2)}")
    assert answer.json() == row(2)
    assert answer.headers["etag"] == '"2"'


async def test_o1_a_row_of_another_organization_does_not_exist(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    fill(reads, 3, organization=sample.OTHER_ORGANIZATION)
    answer = await client.get(f"/v1/venues/{UUID(int=2)}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await client.get("/v1/venues")).json()["data"] == []
    assert all(sample.ORGANIZATION in parameters and 't."organization_id" = $' in text for text, parameters in reads.statements)


@pytest.mark.parametrize("name", ["nonsense", "%00", "%FF", "1", "9" * 3000])
async def test_what_is_no_id_leads_nowhere(client: httpx.AsyncClient, name: str) -> None:
    answer = await client.get(f"/v1/venues/{name}")
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (404, "venue_id")


async def test_one_row_takes_no_query_parameters(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/v1/venues/{UUID(int=2)}?limit=1")).status_code == 422


@pytest.mark.parametrize("name", ["deals", "sponsorship-deals"])
async def test_a_table_is_served_under_its_own_name_and_its_short_one(
    client: httpx.AsyncClient, reads: sample.FakeReads, name: str
) -> None:
    fill(reads, 1, "sponsorship_deals")
    assert len((await client.get(f"/v1/{name}")).json()["data"]) == 1
    assert (await client.get(f"/v1/{name}/{UUID(int=1)}")).status_code == 200


async def test_rows_are_read_at_once_where_they_show_the_position_already(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    answer = await client.get("/v1/venues", headers={"stagebook-min-position": "40"})
    assert answer.status_code == 200
    assert not reads.waits
    assert len(reads.statements) == 1


async def test_a_query_waits_for_the_position_and_then_reads_again(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    reads.reached = 41
    answer = await client.get("/v1/venues", headers={"stagebook-min-position": "41"})
    assert answer.status_code == 200
    assert answer.json()["position"] == 41
    assert reads.waits == [(sample.ORGANIZATION, 41, 5.0)]


async def test_a_position_that_does_not_come_is_503_with_retry_after(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"/v1/venues/{UUID(int=1)}", headers={"stagebook-min-position": "99"})
    assert (answer.status_code, answer.json()["code"]) == (503, "not_yet_projected")
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("position", ["-1", "x", "", "1.5", "9" * 19])
async def test_a_position_is_a_number(client: httpx.AsyncClient, position: str) -> None:
    answer = await client.get("/v1/venues", headers={"stagebook-min-position": position})
    assert (answer.status_code, answer.json()["errors"][0]["header"]) == (400, "stagebook-min-position")
