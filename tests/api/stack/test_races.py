"""Rules between resources hold when clients of two API processes want the same thing at the same moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.support.stack import Stack, Tenant

Race = Callable[..., list[httpx.Response]]
ROUNDS = 5


@pytest.fixture
def race(tenant: Tenant, other_api: str) -> Iterator[Race]:
    """Sends the same command several times at once, by turns to one process and the other."""
    with Tenant(other_api, tenant.key) as elsewhere, ThreadPoolExecutor(8) as pool:

        def run(path: str, *bodies: object) -> list[httpx.Response]:
            clients = (tenant, elsewhere) * len(bodies)
            racing = [pool.submit(client.post, path, body) for client, body in zip(clients, bodies, strict=False)]
            return [each.result() for each in racing]

        yield run


def _outcomes(answers: list[httpx.Response]) -> Counter[str]:
    return Counter(answer.json().get("code", "done") for answer in answers)


def test_e5_of_exclusive_bookings_that_overlap_exactly_one_wins(tenant: Tenant, race: Race) -> None:
    venue = tenant.made("/v1/venues", {"name": "Hall", "capacity": 5})["id"]
    for day in range(1, ROUNDS + 1):
        slots = [{"starts_at": f"2098-01-0{day}T{hour}:00Z", "ends_at": f"2098-01-0{day}T18:00Z"} for hour in (10, 11, 12, 13)]
        assert _outcomes(race(f"/v1/venues/{venue}/bookings", *slots)) == {"done": 1, "venue_taken": 3}


def test_e5_bookings_that_touch_are_both_fine(tenant: Tenant, race: Race) -> None:
    venue = tenant.made("/v1/venues", {"name": "Hall", "capacity": 5})["id"]
    slots = [{"starts_at": f"2098-01-01T{hour}:00Z", "ends_at": f"2098-01-01T{hour + 1}:00Z"} for hour in range(10, 16)]
    assert _outcomes(race(f"/v1/venues/{venue}/bookings", *slots)) == {"done": 6}


def test_o10_of_events_with_one_slug_exactly_one_is_made(race: Race) -> None:
    for round_ in range(ROUNDS):
        body = {"name": "Show", "slug": f"show-{round_}", "starts_at": "2098-01-01T10:00Z", "ends_at": "2098-01-01T12:00Z"}
        assert _outcomes(race("/v1/events", *[body] * 6)) == {"done": 1, "slug_taken": 5}


def test_o10_of_users_with_one_address_exactly_one_is_added(race: Race) -> None:
    for round_ in range(ROUNDS):
        written = (f"Ada{round_}@Mail.Example", f"ada{round_}@mail.example", f" ADA{round_}@MAIL.EXAMPLE ", f"ada{round_}@mail.example.")
        bodies = [{"email": email, "full_name": "Ada", "role": "member"} for email in written]
        assert _outcomes(race("/v1/users", *bodies)) == {"done": 1, "email_taken": 3}


def test_o10_derived_slugs_differ(race: Race) -> None:
    body = {"name": "Summer Night", "starts_at": "2098-01-01T10:00Z", "ends_at": "2098-01-01T12:00Z"}
    answers = race("/v1/events", *[body] * 6)
    assert len({answer.json()["slug"] for answer in answers}) == 6


def test_o2_of_two_owners_who_remove_each_other_one_stays(stack: Stack, other_api: str) -> None:
    for _ in range(ROUNDS):
        with stack.tenant() as ada:
            grace = ada.made("/v1/users", {"email": "grace@mail.example", "full_name": "Grace", "role": "owner"})["id"]
            key = ada.made("/v1/api-keys", {"name": "Key", "user_id": grace})["key"]
            with Tenant(other_api, key) as other, ThreadPoolExecutor(2) as pool:
                racing = [
                    pool.submit(ada.post, f"/v1/users/{grace}/deactivate"),
                    pool.submit(other.post, f"/v1/users/{ada.founded['owner_id']}/deactivate"),
                ]
                outcomes = _outcomes([each.result() for each in racing])
            assert outcomes["done"] == 1
            assert outcomes["unauthenticated"] + outcomes["last_owner"] == 1


def test_t8_of_the_last_seats_exactly_as_many_are_held_as_there_are(stack: Stack, tenant: Tenant, race: Race) -> None:
    show = tenant.show({"quantity_total": 7})
    outcomes = _outcomes(race(show.orders, *[show.order(1)] * 16))
    assert outcomes == {"done": 7, "sold_out": 9}
    assert tenant.row(f"/v1/ticket-categories/{show.categories[0]}", stack.head())["quantity_reserved"] == 7


def test_t7_confirming_and_cancelling_at_once_moves_the_stock_once(stack: Stack, tenant: Tenant, other_api: str) -> None:
    show = tenant.show({"quantity_total": 2})
    with Tenant(other_api, tenant.key) as elsewhere, ThreadPoolExecutor(4) as pool:
        for _ in range(ROUNDS):
            order = f"/v1/orders/{tenant.made(show.orders, show.order(2))['id']}"
            racing = [pool.submit(client.post, f"{order}/{step}") for client in (tenant, elsewhere) for step in ("confirm", "cancel")]
            outcomes = _outcomes([each.result() for each in racing])
            assert outcomes["done"] in (1, 2)  # confirmed and then cancelled, or cancelled at once
            assert outcomes["illegal_order_status"] == 4 - outcomes["done"]
            category = tenant.row(f"/v1/ticket-categories/{show.categories[0]}", stack.head())
            assert (category["quantity_sold"], category["quantity_reserved"]) == (0, 0)
