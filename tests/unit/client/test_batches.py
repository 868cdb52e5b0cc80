"""Sending many commands at once."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import httpx
import msgspec
import pytest

from client import Problem, Reply, Stagebook, commands, replies
from tests.unit.client.answers import ID, problem
from tests.unit.client.conftest import Server

REPLY = {"id": ID, "version": 1, "position": 9}


def venues(count: int, name: str = "Hall") -> list[commands.AddVenue]:
    return [commands.AddVenue(name=f"{name} {number}", capacity=5) for number in range(count)]


def each(request: httpx.Request) -> httpx.Response:
    """Does every command; what is called Busy only at the second time, what is called Bad never."""
    names = [command["name"] for command in msgspec.json.decode(request.content)["commands"]]
    return httpx.Response(200, json={"position": 9, "replies": [_answer(name) for name in names]}, headers={"Stagebook-Position": "9"})


def _answer(name: str) -> dict[str, Any]:
    if name.startswith("Bad"):
        return {"status": 422, "body": {"status": 422, "code": "invalid_input", "detail": name}}
    return {"status": 201, "body": REPLY}


async def test_all_or_nothing_is_one_request_with_typed_replies(server: Server, stagebook: Stagebook) -> None:
    key = {**REPLY, "key": "sbk_new"}
    server.answers = [httpx.Response(200, json={"position": 9, "replies": [REPLY, key]}, headers={"Stagebook-Position": "9"})]
    made, issued = await stagebook.send_all([*venues(1), commands.IssueApiKey(name="Tablet")], idempotency_key="both")
    assert (made.id, stagebook.position) == (UUID(ID), 9)
    assert isinstance(issued, replies.IssueApiKeyReply)
    assert issued.key == "sbk_new"
    assert server.last.url.path == "/v1/batch"
    assert server.last.headers["Idempotency-Key"] == "both"
    assert server.body() == {
        "atomic": True,
        "commands": [{"command": "add_venue", "name": "Hall 0", "capacity": 5}, {"command": "issue_api_key", "name": "Tablet"}],
    }


async def test_a_refusal_of_all_is_raised(server: Server, stagebook: Stagebook) -> None:
    server.answers = [problem(409, "sold_out", errors=[{"detail": "Sold out", "pointer": "/commands/1"}])]
    with pytest.raises(Problem, match="/commands/1"):
        await stagebook.send_all(venues(2))


async def test_more_than_fit_into_one_step_are_refused_before_anything_is_sent(server: Server, stagebook: Stagebook) -> None:
    with pytest.raises(ValueError, match="501 commands"):
        await stagebook.send_all(venues(501))
    assert server.requests == []


async def test_any_number_is_sent_in_requests_of_500_with_keys_of_their_own(server: Server, stagebook: Stagebook) -> None:
    server.answers = [each]
    answers = await stagebook.send_all(venues(1203), atomic=False, idempotency_key="many")
    assert [len(server.body(n)["commands"]) for n in range(3)] == [500, 500, 203]
    assert server.header("Idempotency-Key") == ["many-0", "many-1", "many-2"]
    assert len(answers) == 1203


async def test_requests_are_no_larger_than_the_server_takes(server: Server, stagebook: Stagebook) -> None:
    server.answers = [each]
    large = [commands.AddVenue(name="Hall", capacity=5, address={"note": "x" * 19_000}) for _ in range(120)]
    assert len(await stagebook.send_all(large, atomic=False)) == 120
    assert len(server.requests) == 3
    assert all(len(request.content) < 1_048_576 for request in server.requests)


async def test_each_has_its_own_answer_in_the_order_of_the_commands(server: Server, stagebook: Stagebook) -> None:
    server.answers = [each]
    first, bad, last = await stagebook.send_all([*venues(1), *venues(1, "Bad"), *venues(1)], atomic=False)
    assert isinstance(first, Reply)
    assert isinstance(bad, Problem)
    assert isinstance(last, Reply)
    assert (bad.status, bad.code, bad.detail) == (422, "invalid_input", "Bad 0")
    assert len(server.requests) == 1


async def test_what_the_server_was_too_busy_for_is_sent_again_with_the_same_key(server: Server, stagebook: Stagebook) -> None:
    busy = {"status": 503, "body": {"status": 503, "code": "busy", "detail": "Too many"}}
    half = httpx.Response(200, json={"position": 9, "replies": [{"status": 201, "body": REPLY}, busy]})
    server.answers = [half, each]
    answers = await stagebook.send_all(venues(2), atomic=False)
    assert all(isinstance(answer, Reply) for answer in answers)
    first, second = server.header("Idempotency-Key")
    assert first == second


async def test_nothing_to_do_asks_nobody(server: Server, stagebook: Stagebook) -> None:
    assert await stagebook.send_all([], atomic=False) == []
    assert server.requests == []
