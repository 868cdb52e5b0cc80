"""Batches in the background, over HTTP, with everything below it in memory; and what all operations have in common."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from application.bus.messages import Busy
from application.operations.model import OPEN_LIMIT
from domain.organizations.api_key import key_text
from tests.support.operations import MemoryOperations
from tests.unit.api import sample
from tests.unit.api.background import ASYNC, CONFIRM, RESERVE, begin, ended, lines, send


async def test_a_batch_in_the_background_answers_202_at_once(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    answer = await send(client, RESERVE, CONFIRM)
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "respond-async"
    assert (answer.headers["location"], answer.headers["retry-after"]) == (f"/v1/operations/{answer.json()['id']}", "1")
    assert (answer.json()["state"], answer.json()["done"], answer.json()["total"]) == ("queued", 0, 2)
    assert answer.json()["asked_by"] == f"user:{sample.USER}"
    assert not bus.requests


@pytest.mark.parametrize(
    "preference", ["respond-async", "wait=5, Respond-Async", "respond-async; wait=10", "handling=strict,respond-async"]
)
async def test_the_wish_may_be_one_of_several(client: httpx.AsyncClient, preference: str) -> None:
    assert (await send(client, CONFIRM, prefer=preference)).status_code == 202


@pytest.mark.parametrize("preference", ["wait=10", "respond-asynchronously", ""])
async def test_other_wishes_are_ignored(client: httpx.AsyncClient, preference: str) -> None:
    answer = await send(client, CONFIRM, prefer=preference)
    assert answer.status_code == 200
    assert "preference-applied" not in answer.headers


@pytest.mark.usefixtures("runner")
async def test_every_command_has_an_answer_in_order(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    commands = [
        RESERVE,
        {"command": "dance"},
        RESERVE | {"quantity": 11},
        CONFIRM,
        {"command": "fail", "text": "secret"},
        RESERVE | {"x": 1},
    ]
    location = await begin(client, *commands)
    operation = await ended(client, location)
    assert (operation["state"], operation["done"]) == ("succeeded", 6)
    assert operation["result"] == {"by_status": {"200": 1, "201": 1, "409": 1, "422": 2, "500": 1}, "position": 42}
    answers = await lines(client, location)
    assert [answer["index"] for answer in answers] == list(range(6))
    assert [answer["status"] for answer in answers] == [201, 422, 409, 200, 500, 422]
    pointers = [answer["body"]["errors"][0]["pointer"] for answer in answers if "errors" in answer["body"]]
    assert pointers == ["/commands/1/command", "/commands/2/quantity", "/commands/5/x"]
    assert {answer["body"]["correlation_id"] for answer in answers if answer["status"] > 400} == {operation["correlation_id"]}
    assert len({request.command_id for request in bus.requests}) == len(bus.requests) == 4
    assert {request.client_address for request in bus.requests} == {"127.0.0.1"}


@pytest.mark.usefixtures("runner")
async def test_what_a_command_shows_once_is_not_kept(client: httpx.AsyncClient) -> None:
    location = await begin(client, RESERVE)
    await ended(client, location)
    assert "s3cret" not in (await client.get(f"{location}/results")).text
    assert (await client.post("/v1/batch", json={"commands": [RESERVE], "atomic": False})).json()["replies"][0]["body"]["link"] == "s3cret"


@pytest.mark.usefixtures("runner")
async def test_results_come_by_pages_or_as_a_whole(client: httpx.AsyncClient) -> None:
    location = await begin(client, *[RESERVE | {"quantity": number % 12} for number in range(250)])
    await ended(client, location)
    assert [answer["index"] for answer in await lines(client, location)] == list(range(250))
    whole = await client.get(f"{location}/results", headers={"accept": "application/x-ndjson"})
    assert whole.headers["content-type"] == "application/x-ndjson"
    assert [
        line["index"] for line in map(httpx.Response.json, (httpx.Response(200, text=text) for text in whole.text.splitlines()))
    ] == list(range(250))
    beyond = await client.get(f"{location}/results?cursor=250")
    assert beyond.json() == {"data": [], "next_cursor": None}
    wrong = await client.get(f"{location}/results?cursor=x&limit=501&sort=y")
    assert [error["parameter"] for error in wrong.json()["errors"]] == ["limit", "cursor", "sort"]
    assert (await client.get(f"{location}/results", headers={"accept": "image/png"})).status_code == 406


async def test_all_or_nothing_does_not_go_on_in_the_background(client: httpx.AsyncClient) -> None:
    for body in ({"commands": [CONFIRM]}, {"commands": [CONFIRM], "atomic": True}):
        answer = await client.post("/v1/batch", json=body, headers=ASYNC)
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["pointer"] == "/atomic"


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b"{}", 422, "/commands"),
        (b"", 422, "/commands"),
        (b'{"commands":[],"atomic":false}', 422, "/commands"),
        (b'{"commands":[{},1],"atomic":false}', 422, "/commands/1"),
        (b'{"commands":[{}],"atomic":0}', 422, "/atomic"),
        (b'{"commands":[{}],"atomic":false,"colour":1}', 422, "/colour"),
        (b'{"commands":[{}', 400, ""),
        (b'{"commands":[{"x":' + b"[" * 100_000, 400, ""),
        (b'{"commands":[' + b",".join([b"{}"] * 10_001) + b'],"atomic":false}', 422, "/commands"),
    ],
)
async def test_a_batch_that_is_none_is_refused_at_once(client: httpx.AsyncClient, body: bytes, status: int, pointer: str) -> None:
    answer = await client.post("/v1/batch", content=body, headers={**ASYNC, "content-type": "application/json"})
    assert answer.status_code == status, answer.text
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.usefixtures("runner")
async def test_what_is_wrong_inside_one_command_is_that_ones_answer(client: httpx.AsyncClient) -> None:
    deep = b'{"command":"reserve","x":' + b"[" * 40 + b"]" * 40 + b"}"
    texts = [b'{"command":"\\u0000"}', b'{"command":"confirm","order_id":"\xff"}', b'{"command":"confirm","order_id":1e999}', deep]
    body = b'{"atomic":false,"commands":[' + b",".join(texts) + b"]}"
    answer = await client.post("/v1/batch", content=body, headers={**ASYNC, "content-type": "application/json"})
    assert answer.status_code == 202, answer.text
    await ended(client, answer.headers["location"])
    answers = await lines(client, answer.headers["location"])
    assert [answer["status"] for answer in answers] == [422, 400, 422, 422]
    assert all(answer["body"]["errors"][0]["pointer"].startswith(f"/commands/{answer['index']}") for answer in answers)


@pytest.mark.usefixtures("runner")
async def test_a_command_is_no_larger_than_it_could_be_alone(client: httpx.AsyncClient) -> None:
    location = await begin(client, RESERVE, RESERVE | {"customer_email": "x" * 1_100_000})
    await ended(client, location)
    assert [answer["status"] for answer in await lines(client, location)] == [201, 413]


async def test_a_large_body_is_for_the_background_alone_and_has_its_limit_too(client: httpx.AsyncClient) -> None:
    large = RESERVE | {"extra": {"text": "x" * 1_100_000}}
    assert (await send(client, large, prefer="")).status_code == 413
    assert (await send(client, large)).status_code == 202
    assert (await send(client, *[large] * 16)).status_code == 413


@pytest.mark.usefixtures("runner")
async def test_t21_the_same_key_gives_the_same_operation(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    first = await send(client, RESERVE, idempotency_key="k")
    again = await send(client, RESERVE, idempotency_key="k")
    assert again.json()["id"] == first.json()["id"]
    assert (again.status_code, again.headers["idempotent-replayed"]) == (202, "true")
    other = await send(client, CONFIRM, idempotency_key="k")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    await ended(client, first.headers["location"])
    assert len(bus.requests) == 1


@pytest.mark.usefixtures("runner")
async def test_t21_a_batch_that_was_sent_before_is_not_done_again_in_the_background(client: httpx.AsyncClient) -> None:
    commands = [RESERVE, RESERVE]
    now = await client.post("/v1/batch", json={"commands": commands, "atomic": False}, headers={"idempotency-key": "k"})
    location = await begin(client, *commands, idempotency_key="k")
    await ended(client, location)
    made = [reply["body"]["id"] for reply in now.json()["replies"]]
    assert [answer["body"]["id"] for answer in await lines(client, location)] == made


@pytest.mark.usefixtures("runner")
async def test_t21_without_a_key_the_operation_makes_one_for_each_command(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    await ended(client, await begin(client, RESERVE, RESERVE))
    keys = [request.idempotency_key or "" for request in bus.requests]
    assert len(set(keys)) == 2
    assert all(key and not key.isprintable() for key in keys)


@pytest.mark.usefixtures("runner")
async def test_a_batch_that_is_interrupted_is_finished_with_every_command_done_once(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    """The bus is busy half-way through a piece: what was done of it is replayed."""
    submit, asked = bus.submit, 0

    async def breaking(request: Any) -> Any:
        nonlocal asked
        asked += 1
        if asked == 130:
            raise Busy
        return await submit(request)

    bus.submit = breaking  # type: ignore[method-assign]
    location = await begin(client, *[RESERVE] * 250)
    operation = await ended(client, location)
    assert (operation["done"], operation["result"]["by_status"]) == (250, {"201": 250})
    ids = {answer["body"]["id"] for answer in await lines(client, location)}
    assert len(ids) == len(bus._done) == 250
    assert len(bus.requests) > 250


async def test_the_sender_needs_the_permissions_of_all_commands(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    bus.issue_key(scopes=("orders.create",))
    answer = await send(client, CONFIRM, {"command": "rename", "venue_id": str(sample.EVENT), "name": "x"})
    assert (answer.status_code, answer.json()["params"]) == (403, {"permission": "venues.manage"})
    assert (await send(client, CONFIRM)).status_code == 202


async def test_who_may_do_it_may_see_it_and_nobody_else(anonymous: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    keys = {name: UUID(int=100 + number) for number, name in enumerate(("seller", "reader", "stranger"))}
    bus.issue_key(keys["seller"], scopes=("orders.create",))
    bus.issue_key(keys["reader"], scopes=("data.read",))
    bus.issue_key(keys["stranger"], organization_id=sample.OTHER_ORGANIZATION)

    def use(name: str) -> None:
        anonymous.headers["authorization"] = f"Bearer {key_text(keys[name], sample.SECRET)}"

    use("seller")
    location = await begin(anonymous, CONFIRM)
    paths = [("GET", location), ("GET", f"{location}/results"), ("POST", f"{location}/cancel")]
    assert (await anonymous.get("/v1/operations")).status_code == 403
    use("reader")
    assert [(await anonymous.request(*path)).status_code for path in paths] == [403] * 3
    assert [each["id"] for each in (await anonymous.get("/v1/operations")).json()["data"]] == [location.rpartition("/")[2]]
    use("stranger")
    assert [(await anonymous.request(*path)).status_code for path in paths] == [404] * 3
    assert (await anonymous.get("/v1/operations")).json()["data"] == []
    del anonymous.headers["authorization"]
    assert [(await anonymous.request(*path)).status_code for path in paths] == [401] * 3


@pytest.mark.usefixtures("runner")
async def test_o9_a_key_that_is_revoked_does_nothing_more(client: httpx.AsyncClient, bus: sample.FakeBus, reads: sample.FakeReads) -> None:
    reads.chunks = [b"id\n"]
    answers = [await send(client, CONFIRM), await client.post("/v1/exports", json={"collection": "venues", "format": "csv"})]
    bus.aggregates.clear()
    bus.issue_key().revoke(now=sample.NOW)
    found = await bus_ended(client, bus, [answer.json()["id"] for answer in answers])
    assert found[0]["result"]["by_status"] == {"401": 1}
    assert (found[1]["state"], found[1]["problem"]["code"]) == ("failed", "unauthenticated")


async def bus_ended(client: httpx.AsyncClient, bus: sample.FakeBus, ids: list[str]) -> list[dict[str, Any]]:
    """What became of them, asked with another key, for the first one is revoked."""
    other = UUID(int=77)
    bus.issue_key(other)
    client.headers["authorization"] = f"Bearer {key_text(other, sample.SECRET)}"
    return [await ended(client, f"/v1/operations/{each}") for each in ids]


async def test_cancelling_what_is_queued_ends_it_at_once(client: httpx.AsyncClient) -> None:
    location = await begin(client, CONFIRM)
    for _ in range(2):
        answer = await client.post(f"{location}/cancel")
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert (await client.get(f"{location}/results")).json() == {"data": [], "next_cursor": None}


@pytest.mark.usefixtures("runner")
async def test_cancelling_what_runs_stops_it_and_what_was_done_stays_done(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    submit, going = bus.submit, asyncio.Event()

    async def slow(request: Any) -> Any:
        if len(bus.requests) >= 150:
            going.set()
            await asyncio.sleep(0.05)
        return await submit(request)

    bus.submit = slow  # type: ignore[method-assign]
    location = await begin(client, *[RESERVE] * 1000)
    await going.wait()
    running = await client.get(f"{location}/results")
    assert (running.status_code, running.json()["code"]) == (409, "not_ended")
    answer = await client.post(f"{location}/cancel")
    assert (answer.status_code, answer.json()["state"], answer.headers["retry-after"]) == (202, "running", "1")
    operation = await ended(client, location)
    assert (operation["state"], operation["done"], operation["result"]["by_status"]) == ("cancelled", 200, {"201": 200})
    assert len(await lines(client, location)) == len(bus.requests) == 200
    again = await client.post(f"{location}/cancel")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


@pytest.mark.usefixtures("runner")
async def test_what_has_ended_is_not_cancelled(client: httpx.AsyncClient) -> None:
    location = await begin(client, CONFIRM)
    await ended(client, location)
    answer = await client.post(f"{location}/cancel")
    assert (answer.status_code, answer.json()["code"]) == (409, "operation_ended")


@pytest.mark.usefixtures("runner")
async def test_results_that_were_removed_are_gone(client: httpx.AsyncClient, operations: MemoryOperations) -> None:
    operations.kept = timedelta()
    location = await begin(client, CONFIRM)
    await ended(client, location)
    await operations.tidy()
    answer = await client.get(f"{location}/results")
    assert (answer.status_code, answer.json()["code"]) == (404, "results_removed")
    assert (await client.get(location)).json()["result"]["by_status"] == {"200": 1}


async def test_there_may_not_be_too_many_under_way(client: httpx.AsyncClient) -> None:
    for _ in range(OPEN_LIMIT):
        await begin(client, CONFIRM)
    answer = await send(client, CONFIRM)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_operations")


async def test_the_list_is_newest_first_filtered_and_in_pages(client: httpx.AsyncClient) -> None:
    places = []
    for _ in range(3):
        places.append(await begin(client, CONFIRM))
        await asyncio.sleep(0.002)  # ids of one millisecond are in any order
    await client.post(f"{places[1]}/cancel")
    ids = [place.rpartition("/")[2] for place in places]

    async def listed(query: str) -> tuple[list[str], str | None]:
        page = (await client.get(f"/v1/operations?{query}")).json()
        return [each["id"] for each in page["data"]], page["next_cursor"]

    assert await listed("") == (ids[::-1], None)
    assert await listed("filter[state]=cancelled") == ([ids[1]], None)
    assert await listed("filter[kind]=export") == ([], None)
    assert await listed("limit=2") == ([ids[2], ids[1]], ids[1])
    assert await listed(f"limit=2&cursor={ids[1]}") == ([ids[0]], None)
    wrong = await client.get("/v1/operations?filter[state]=done&filter[kind]=%00&limit=0&cursor=x&sort=y")
    assert [error["parameter"] for error in wrong.json()["errors"]] == ["filter[state]", "filter[kind]", "limit", "cursor", "sort"]


@pytest.mark.parametrize("path", [f"/v1/operations/{sample.EVENT}", "/v1/operations/x", f"/v1/operations/{sample.EVENT}/results"])
async def test_what_is_not_there_is_404(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path)).status_code == 404
