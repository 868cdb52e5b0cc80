from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.api import sample

RESERVE: dict[str, Any] = {"command": "reserve", "event_id": str(sample.EVENT), "quantity": 1}
CONFIRM: dict[str, Any] = {"command": "confirm", "order_id": str(sample.EVENT)}


async def batch(client: httpx.AsyncClient, *commands: object, atomic: bool | None = None, **headers: str) -> httpx.Response:
    body: dict[str, Any] = {"commands": commands} | ({} if atomic is None else {"atomic": atomic})
    return await client.post("/v1/batch", json=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def pointers(answer: httpx.Response) -> list[str]:
    return [error["pointer"] for error in answer.json()["errors"]]


async def test_a_batch_is_one_unit_and_answers_a_reply_each(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    answer = await batch(client, RESERVE, CONFIRM)
    assert answer.status_code == 200
    assert [reply["version"] for reply in answer.json()["replies"]] == [1, 4]
    assert answer.json()["position"] == int(answer.headers["stagebook-position"]) == 41
    assert len(bus.requests) == 1
    assert len(bus.requests[0].commands) == 2


async def test_a_refusal_names_the_command_that_was_refused(client: httpx.AsyncClient) -> None:
    answer = await batch(client, CONFIRM, RESERVE, RESERVE | {"quantity": 11})
    assert (answer.status_code, answer.json()["code"]) == (409, "stock_gone")
    assert pointers(answer) == ["/commands/2/quantity"]


async def test_a_refusal_without_a_field_names_the_command_alone(client: httpx.AsyncClient) -> None:
    answer = await batch(client, RESERVE, CONFIRM | {"order_id": str(sample.KEY_ID)})
    assert answer.status_code == 404
    assert pointers(answer) == ["/commands/1"]


async def test_every_error_of_every_command_is_named(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    answer = await batch(
        client, RESERVE, {"command": "reserve", "event_id": "x", "lines": [{"count": 1}]}, {"command": "dance"}, {}, CONFIRM | {"extra": 1}
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert sorted(pointers(answer)) == [
        "/commands/1/event_id",
        "/commands/1/lines/0/name",
        "/commands/1/quantity",
        "/commands/2/command",
        "/commands/3/command",
        "/commands/4/extra",
    ]
    assert not bus.requests


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/commands"),
        ({"commands": []}, "/commands"),
        ({"commands": [CONFIRM] * 501}, "/commands"),
        ({"commands": [1]}, "/commands/0"),
        ({"commands": [CONFIRM], "atomic": "yes"}, "/atomic"),
        ({"commands": [CONFIRM], "colour": 1}, "/colour"),
        ({"commands": [CONFIRM, RESERVE | {"customer_email": "\0"}]}, "/commands/1/customer_email"),
    ],
)
async def test_a_batch_that_is_none_is_refused(client: httpx.AsyncClient, body: object, pointer: str) -> None:
    answer = await client.post("/v1/batch", json=body)
    assert answer.status_code == 422
    assert pointers(answer) == [pointer]


async def test_if_match_has_no_meaning_for_many_resources(client: httpx.AsyncClient) -> None:
    assert (await batch(client, CONFIRM, if_match='"3"')).status_code == 400


async def test_t21_a_batch_is_replayed_as_a_whole(client: httpx.AsyncClient) -> None:
    first = await batch(client, RESERVE, idempotency_key="k")
    again = await batch(client, RESERVE, idempotency_key="k")
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json()["replies"][0]["id"] == first.json()["replies"][0]["id"]
    assert (await batch(client, CONFIRM, idempotency_key="k")).status_code == 422


async def test_t21_an_idempotency_mismatch_is_no_commands_fault(client: httpx.AsyncClient) -> None:
    await batch(client, RESERVE, idempotency_key="k")
    assert "errors" not in (await batch(client, CONFIRM, idempotency_key="k")).json()


async def test_each_on_its_own_gets_an_answer_each(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    commands = [RESERVE, {"command": "dance"}, RESERVE | {"quantity": 11}, CONFIRM, {"command": "fail", "text": "secret"}]
    answer = await batch(client, *commands, atomic=False)
    assert answer.status_code == 200
    replies = answer.json()["replies"]
    assert [reply["status"] for reply in replies] == [201, 422, 409, 200, 500]
    assert replies[0]["body"]["version"] == 1
    assert [reply["body"]["errors"][0]["pointer"] for reply in replies[1:3]] == ["/commands/1/command", "/commands/2/quantity"]
    assert replies[4]["body"]["code"] == "internal_error"
    assert answer.json()["position"] == 42
    assert len({request.command_id for request in bus.requests}) == 4


async def test_t21_each_on_its_own_has_a_key_of_its_own(client: httpx.AsyncClient, bus: sample.FakeBus) -> None:
    """And none that another request could bear."""
    commands = [RESERVE, RESERVE]
    first = await batch(client, *commands, atomic=False, idempotency_key="k")
    again = await batch(client, *commands, atomic=False, idempotency_key="k")
    ids = [[reply["body"]["id"] for reply in answer.json()["replies"]] for answer in (first, again)]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2
    keys = [request.idempotency_key or "" for request in bus.requests]
    assert all(not key.isprintable() for key in keys)


async def test_a_batch_of_failures_only_is_still_an_answer(client: httpx.AsyncClient) -> None:
    answer = await batch(client, {"command": "dance"}, atomic=False)
    assert answer.json()["position"] == 0
