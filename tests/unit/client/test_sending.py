"""Sending commands: what goes over the wire, what comes back, and what happens when nothing does."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import httpx
import pytest

from client import NoAnswer, NotUnderstood, Problem, Reply, Retries, Stagebook, commands, replies
from tests.unit.client.answers import ID, done, problem
from tests.unit.client.conftest import Server

VENUE = commands.AddVenue(name="Hall", capacity=5)


async def test_a_command_goes_to_its_route_with_the_fields_of_the_path_left_out(server: Server, stagebook: Stagebook) -> None:
    server.answers = [done(status="confirmed", slug="gala")]
    starts_at = datetime(2027, 6, 12, 19, 30, tzinfo=UTC)
    await stagebook.send(commands.RescheduleEvent(event_id=UUID(ID), starts_at=starts_at, ends_at="2027-06-13T02:00"))
    assert (server.last.method, server.last.url.path) == ("POST", f"/v1/events/{ID}/reschedule")
    assert server.body() == {"starts_at": "2027-06-12T19:30:00Z", "ends_at": "2027-06-13T02:00"}
    assert server.last.headers["Authorization"] == "Bearer sbk_key"


async def test_a_command_without_a_body_sends_none(server: Server, stagebook: Stagebook) -> None:
    server.answers = [done()]
    await stagebook.send(commands.CloseSales(event_id=UUID(ID)))
    assert server.last.content == b""
    assert "Content-Type" not in server.last.headers


async def test_defaults_are_left_to_the_server_and_null_is_not_the_same_as_left_out(server: Server, stagebook: Stagebook) -> None:
    server.answers = [done()]
    await stagebook.send(commands.ChangeTicketCategory(ticket_category_id=UUID(ID), description=None, price=Decimal("12.50")))
    assert server.body() == {"description": None, "price": "12.50"}


async def test_the_reply_is_of_the_commands_own_type(server: Server, stagebook: Stagebook) -> None:
    line = {"id": ID, "ticket_category_id": ID, "quantity": 2}
    amounts = dict.fromkeys(("unit_price", "net_amount", "tax_amount", "total_price"), "12.50")
    expiry = "2027-06-12T19:30:00Z"
    server.answers = [
        done(order_number="AB-12", hold_expires_at=expiry, total_amount="25.00", currency="EUR", lines=[line | amounts], later="ignored")
    ]
    ticket = commands.LineRequest(ticket_category_id=UUID(ID), quantity=2)
    held = await stagebook.send(commands.PlaceOrder(event_id=UUID(ID), lines=(ticket,)))
    assert isinstance(held, replies.OrderHeld)
    assert (held.total_amount, held.lines[0].unit_price) == (Decimal("25.00"), Decimal("12.50"))
    assert (held.id, held.version, held.position, held.replayed) == (UUID(ID), 3, 7, False)
    assert held.hold_expires_at == datetime(2027, 6, 12, 19, 30, tzinfo=UTC)


async def test_a_reply_says_whether_it_was_replayed_and_a_secret_is_not_in_it_then(server: Server, stagebook: Stagebook) -> None:
    again = done()
    again.headers["Idempotent-Replayed"] = "true"
    server.answers = [done(key="sbk_new"), again]
    first = await stagebook.send(commands.IssueApiKey(name="Tablet"), idempotency_key="tablet")
    second = await stagebook.send(commands.IssueApiKey(name="Tablet"), idempotency_key="tablet")
    assert ((first.key, first.replayed), (second.key, second.replayed)) == (("sbk_new", False), (None, True))


async def test_the_version_that_was_seen_goes_along(server: Server, stagebook: Stagebook) -> None:
    server.answers = [done()]
    await stagebook.send(commands.UpdateVenue(venue_id=UUID(ID), name="Barn"), if_match=3)
    assert server.last.headers["If-Match"] == '"3"'


async def test_t21_every_attempt_of_a_command_carries_the_same_key_and_every_command_another(server: Server, stagebook: Stagebook) -> None:
    server.answers = [httpx.ReadError("reset"), problem(503, "busy", retry_after="0"), httpx.ConnectTimeout("slow"), done()]
    await stagebook.send(VENUE)
    await stagebook.send(VENUE)
    *attempts, other = server.header("Idempotency-Key")
    assert len(attempts) == 4
    assert len(set(attempts)) == 1
    assert other not in (None, *attempts)
    assert {server.requests[n].content for n in range(4)} == {server.last.content}


async def test_a_given_key_is_sent_as_it_is(server: Server, stagebook: Stagebook) -> None:
    server.answers = [done()]
    await stagebook.send(VENUE, idempotency_key="hall of 2027")
    assert server.last.headers["Idempotency-Key"] == "hall of 2027"


@pytest.mark.parametrize("answer", [problem(429, "too_many"), problem(503, "unavailable"), problem(409, "idempotency_in_flight")])
async def test_what_may_be_answered_otherwise_a_little_later_is_asked_again(
    server: Server, stagebook: Stagebook, answer: httpx.Response
) -> None:
    server.answers = [answer, done()]
    assert (await stagebook.send(VENUE)).version == 3


@pytest.mark.parametrize(("status", "code"), [(409, "sold_out"), (422, "invalid_input"), (404, "not_found"), (500, "internal_error")])
async def test_what_is_refused_is_not_asked_again(server: Server, stagebook: Stagebook, status: int, code: str) -> None:
    server.answers = [problem(status, code), done()]
    with pytest.raises(Problem) as refused:
        await stagebook.send(VENUE)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert len(server.requests) == 1


async def test_a_pause_is_as_long_as_the_server_asks_for(server: Server, pauses: list[float]) -> None:
    server.answers = [problem(503, "busy", retry_after="3"), done()]
    async with server.client(retries=Retries()) as stagebook:
        await stagebook.send(VENUE)
    assert pauses == [3.0]


async def test_pauses_grow_and_attempts_are_bounded(server: Server, pauses: list[float]) -> None:
    server.answers = [httpx.ConnectError("refused")]
    async with server.client(retries=Retries(attempts=5, first_pause=1.0, longest_pause=4.0)) as stagebook:
        with pytest.raises(NoAnswer, match=r"no answer from http://stagebook\.example: refused"):
            await stagebook.send(VENUE)
    assert len(server.requests) == 5
    assert all(most / 2 <= pause <= most for pause, most in zip(pauses, [1.0, 2.0, 4.0, 4.0], strict=True))


async def test_a_problem_that_stays_is_raised_at_last(server: Server, stagebook: Stagebook) -> None:
    server.answers = [problem(503, "unavailable", retry_after="0")]
    with pytest.raises(Problem, match="503 unavailable"):
        await stagebook.send(VENUE)
    assert len(server.requests) == Retries().attempts


async def test_nobody_waits_longer_than_agreed(server: Server, pauses: list[float]) -> None:
    server.answers = [problem(429, "too_many", retry_after="3600")]
    async with server.client() as stagebook:
        with pytest.raises(Problem) as refused:
            await stagebook.send(VENUE)
    assert (refused.value.retry_after, pauses, len(server.requests)) == (3600.0, [], 1)


async def test_a_problem_says_what_is_wrong_and_where(server: Server, stagebook: Stagebook) -> None:
    error = {"detail": "Expected `int` >= 1", "pointer": "/capacity"}
    server.answers = [problem(422, "invalid_input", errors=[error], rule="E4", params={"left": 2}, correlation_id="c-1", type="/docs")]
    with pytest.raises(Problem, match="/capacity: Expected `int` >= 1") as refused:
        await stagebook.send(VENUE)
    found = refused.value
    assert [(each.pointer, each.detail) for each in found.errors] == [("/capacity", "Expected `int` >= 1")]
    assert (found.rule, found.params, found.correlation_id, found.detail) == ("E4", {"left": 2}, "c-1", "It is invalid_input.")


async def test_a_refusal_by_something_in_between_is_a_problem_too(server: Server, stagebook: Stagebook) -> None:
    server.answers = [httpx.Response(413, text="<html>Too large</html>")]
    with pytest.raises(Problem) as refused:
        await stagebook.send(VENUE)
    assert (refused.value.status, refused.value.code) == (413, "http_413")


async def test_another_program_at_the_address_is_not_understood(server: Server, stagebook: Stagebook) -> None:
    server.answers = [httpx.Response(200, text="<html>Welcome</html>")]
    with pytest.raises(NotUnderstood, match=r"stagebook\.example"):
        await stagebook.send(VENUE)


async def test_an_address_that_is_none_is_not_tried_again_and_again(pauses: list[float]) -> None:
    async with Stagebook("localhost:8080", "sbk_key") as stagebook:
        with pytest.raises(NoAnswer, match="localhost:8080"):
            await stagebook.send(VENUE)
    assert pauses == []


def test_replies_can_be_compared() -> None:
    assert Reply(id=UUID(ID), version=1, position=2) == Reply(id=UUID(ID), version=1, position=2, replayed=False)
