"""Answers that are given again while their organization has no new record."""

from __future__ import annotations

from uuid import UUID

import httpx
import pytest
from litestar import Request

from api.answers import Answer
from api.call import Call
from api.queries import kept
from api.queries.kept import Reading
from tests.unit.api import sample
from tests.unit.api.test_queries import fill, row

PATHS = ("/v1/venues", f"/v1/venues/{UUID(int=1)}")


@pytest.fixture(autouse=True)
def followed(bus: sample.FakeBus, reads: sample.FakeReads) -> None:
    """The organization's last record is at position 40, which the rows show."""
    bus.last_positions[sample.ORGANIZATION] = 40
    fill(reads, 3)


@pytest.mark.parametrize("path", PATHS)
async def test_the_same_question_is_not_asked_again_while_nothing_is_recorded(
    client: httpx.AsyncClient, reads: sample.FakeReads, path: str
) -> None:
    first, second = await client.get(path), await client.get(path)
    assert len(reads.statements) == 1
    assert first.content == second.content
    assert first.headers.get("etag") == second.headers.get("etag")
    assert first.headers["stagebook-position"] == second.headers["stagebook-position"] == "40"
    assert first.headers["x-correlation-id"] != second.headers["x-correlation-id"]


async def test_a_new_record_of_the_organization_ends_it(client: httpx.AsyncClient, bus: sample.FakeBus, reads: sample.FakeReads) -> None:
    await client.get(PATHS[0])
    bus.last_positions[sample.ORGANIZATION] = reads.position = 41
    fill(reads, 4)
    assert len((await client.get(PATHS[0])).json()["data"]) == 4


async def test_what_does_not_show_the_last_record_yet_is_not_kept(
    client: httpx.AsyncClient, bus: sample.FakeBus, reads: sample.FakeReads
) -> None:
    """The read model is behind: the next one to ask may see more."""
    bus.last_positions[sample.ORGANIZATION] = 41
    await client.get(PATHS[0])
    await client.get(PATHS[0])
    assert len(reads.statements) == 2


async def test_a_process_that_has_lost_sight_of_the_log_keeps_nothing(
    client: httpx.AsyncClient, bus: sample.FakeBus, reads: sample.FakeReads
) -> None:
    await client.get(PATHS[0])
    del bus.last_positions[sample.ORGANIZATION]
    await client.get(PATHS[0])
    assert len(reads.statements) == 2


async def test_who_wants_to_see_a_later_position_does(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    await client.get(PATHS[0])
    reads.reached = 41
    answer = await client.get(PATHS[0], headers={"stagebook-min-position": "41"})
    assert answer.headers["stagebook-position"] == "41"
    assert reads.waits


async def test_who_wants_it_anew_gets_it_anew(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    await client.get(PATHS[0])
    await client.get(PATHS[0], headers={"cache-control": "no-cache"})
    assert len(reads.statements) == 2


async def test_o1_nobody_gets_the_answer_to_another_credential_or_question(client: httpx.AsyncClient) -> None:
    await client.get(PATHS[0])
    assert (await client.get(PATHS[0], headers={"authorization": "Bearer sbk_x"})).status_code == 401
    assert (await client.get(f"{PATHS[0]}?limit=1")).json()["data"] == [row(3)]
    assert (await client.get(PATHS[0], headers={"accept": "text/csv"})).headers["content-type"].startswith("text/csv")


async def test_refusals_are_not_kept(client: httpx.AsyncClient, reads: sample.FakeReads) -> None:
    path = f"/v1/venues/{UUID(int=9)}"
    assert [(await client.get(path)).status_code for _ in range(2)] == [404, 404]
    assert len(reads.statements) == 2


async def test_nothing_is_kept_for_long(client: httpx.AsyncClient, reads: sample.FakeReads, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "LONGEST_SECONDS", -1.0)
    await client.get(PATHS[0])
    await client.get(PATHS[0])
    assert len(reads.statements) == 2


async def test_of_the_kept_answers_those_asked_for_longest_ago_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    async def endpoint(call: Call) -> Answer:
        asked.append(call.request.scope["path"])
        return Reading([], b"x" * 100, sample.ORGANIZATION, 40)

    run = kept.KeptAnswers(lambda _: 40, most_bytes=250).keeping(endpoint)
    for path in ("a", "b", "a", "c", "a", "b"):
        await run(_call(path))
    assert asked == ["a", "b", "c", "b"]
    monkeypatch.setattr(kept, "_BYTES_EACH", 99)
    for _ in range(2):
        await run(_call("large"))
    assert asked[-2:] == ["large", "large"]


def _call(path: str) -> Call:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "path_params": {}}
    return Call(Request(scope), sample.KEY_ID)  # type: ignore[arg-type]  # as much of a scope as is read
