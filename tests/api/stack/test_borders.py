"""Who gets in: no credential, a revoked one, one of another organization. Every route, from the registry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

import application.catalog  # noqa: F401  # registers the commands
import projections.catalog  # noqa: F401  # and the tables
from api.resources import collection
from application.registry import COMMANDS, CommandSpec
from projections.schema import READ
from tests.support.stack import Stack, Tenant, until

SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
TABLES = sorted(table.name for table in READ.tables.values())
ADDRESSING = [spec for spec in COMMANDS.values() if spec.path_fields and spec.permission != "platform"]
REFERENCES = {
    "create_event": {"venue_id"},
    "update_event": {"venue_id"},
    "book_venue": {"event_id"},
    "add_ticket_category": {"pool_id", "companion_of"},
    "issue_api_key": {"user_id"},
}
"""Ids in bodies that lead to other resources."""


@pytest.fixture(scope="module")
def victim(stack: Stack) -> Iterator[Tenant]:
    """An organization that has one of everything."""
    with stack.tenant() as owner:
        yield owner


@pytest.fixture(scope="module")
def ids(stack: Stack, victim: Tenant) -> dict[str, str]:
    """Of what the victim has, by the name that paths and bodies give it."""
    venue = victim.made("/v1/venues", {"name": "Hall", "capacity": 50})["id"]
    booking = victim.made(f"/v1/venues/{venue}/bookings", {"starts_at": "2098-01-01T10:00", "ends_at": "2098-01-01T12:00"})["id"]
    show = victim.show(venue_id=venue)
    pool = victim.made(f"/v1/events/{show.id}/ticket-pools", {"name": "Floor", "quantity_total": 5})["id"]
    order = victim.made(show.orders, show.order(customer_email="somebody@mail.example"))["id"]
    user = victim.made("/v1/users", {"email": "grace@mail.example", "full_name": "Grace", "role": "member"})["id"]
    key = victim.made("/v1/api-keys", {"name": "Tablet", "user_id": user})["id"]
    victim.row(f"/v1/api-keys/{key}", stack.head())
    return {
        "organization_id": victim.founded["id"],
        "venue_id": venue,
        "booking_id": booking,
        "event_id": show.id,
        "pool_id": pool,
        "ticket_pool_id": pool,
        "ticket_category_id": show.categories[0],
        "companion_of": show.categories[0],
        "order_id": order,
        "user_id": user,
        "key_id": key,
    }


@pytest.mark.parametrize("spec", COMMANDS.values(), ids=lambda spec: spec.name)
@pytest.mark.parametrize("key", ["", "sbk_nonsense", f"sbk_{SOME_ID.replace('-', '')}_nobody", "sbp_nobody"])
def test_every_command_without_a_good_key_is_401(stack: Stack, spec: CommandSpec, key: str) -> None:
    with Tenant(stack.url, key) as nobody:
        answer = nobody.send(spec.method, "/v1" + spec.path.format_map(dict.fromkeys(spec.path_fields, SOME_ID)), spec.example)
    _is_problem(answer, 401, "unauthenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("table", TABLES)
def test_every_query_without_a_good_key_is_401(stack: Stack, table: str) -> None:
    with Tenant(stack.url, "sbk_nonsense") as nobody:
        for path in (f"/v1/{collection(table)}", f"/v1/{collection(table)}/{SOME_ID}"):
            _is_problem(nobody.get(path), 401, "unauthenticated")
        _is_problem(
            nobody.post("/v1/batch", {"commands": [{"command": "add_venue", "name": "Hall", "capacity": 5}]}), 401, "unauthenticated"
        )


@pytest.mark.parametrize("spec", ADDRESSING, ids=lambda spec: spec.name)
def test_o1_every_command_on_a_foreign_id_is_404_and_records_nothing(
    stack: Stack, victim: Tenant, stranger: Tenant, ids: dict[str, str], spec: CommandSpec
) -> None:
    before = stack.sequence(victim.founded["id"]), stack.sequence(stranger.founded["id"])
    own = {"lines": [{"ticket_category_id": ids["ticket_category_id"], "quantity": 1}]} if spec.name == "place_order" else {}
    answer = stranger.send(spec.method, "/v1" + spec.path.format_map(ids), spec.example | own)
    _is_problem(answer, 404, "not_found")
    nowhere = stranger.send(spec.method, "/v1" + spec.path.format_map(dict.fromkeys(ids, SOME_ID)), spec.example | own)
    assert _without_ids(answer.json()) == _without_ids(nowhere.json())  # nothing tells that it exists
    assert (stack.sequence(victim.founded["id"]), stack.sequence(stranger.founded["id"])) == before


@pytest.mark.parametrize(("name", "field"), [(name, field) for name, fields in REFERENCES.items() for field in sorted(fields)])
def test_o1_a_foreign_id_in_a_body_is_404(stack: Stack, stranger: Tenant, ids: dict[str, str], name: str, field: str) -> None:
    spec = COMMANDS[name]
    venue = stranger.made("/v1/venues", {"name": "Barn", "capacity": 50})["id"]
    own = {"venue_id": venue, "event_id": stranger.show().id}
    before = stack.sequence(stranger.founded["id"])
    answer = stranger.send(spec.method, "/v1" + spec.path.format_map(own), spec.example | {field: ids[field]})
    _is_problem(answer, 404, "not_found")
    assert stack.sequence(stranger.founded["id"]) == before


def test_o1_a_foreign_category_cannot_be_ordered(stranger: Tenant, ids: dict[str, str]) -> None:
    show = stranger.show()
    body = {"lines": [{"ticket_category_id": ids["ticket_category_id"], "quantity": 1}]}
    _is_problem(stranger.post(show.orders, body), 404, "not_found")


@pytest.mark.parametrize("table", TABLES)
def test_o1_no_query_shows_a_foreign_row(stack: Stack, stranger: Tenant, victim: Tenant, ids: dict[str, str], table: str) -> None:
    with psycopg.connect(stack.database_url) as connection:
        query = f"select id::text from read.{table} where organization_id = %s"  # noqa: S608  # a table's own name
        foreign = {id_ for (id_,) in connection.execute(query.encode(), [ids["organization_id"]])}
    if table != "deletions":
        assert foreign
    for id_ in foreign:
        assert victim.get(f"/v1/{collection(table)}/{id_}").status_code == 200
        _is_problem(stranger.get(f"/v1/{collection(table)}/{id_}"), 404, "not_found")
    listed = stranger.get(f"/v1/{collection(table)}", stagebook_min_position=str(stack.sequence(stranger.founded["id"])))
    assert listed.status_code == 200
    assert foreign.isdisjoint(row["id"] for row in listed.json()["data"])


def test_o9_a_revocation_binds_the_next_request_of_every_kind(tenant: Tenant) -> None:
    made = tenant.made("/v1/api-keys", {"name": "Tablet"})
    venue = {"name": "Hall", "capacity": 5}
    with Tenant(tenant.url, made["key"]) as tablet:
        assert tablet.get("/v1/venues").status_code == 200
        assert tablet.post("/v1/venues", venue, idempotency_key="hall").status_code == 201
        tenant.made(f"/v1/api-keys/{made['id']}/revoke")
        _is_problem(tablet.post("/v1/venues", venue), 401, "unauthenticated")
        _is_problem(tablet.get("/v1/venues"), 401, "unauthenticated")
        _is_problem(tablet.post("/v1/venues", venue, idempotency_key="hall"), 401, "unauthenticated")
        _is_problem(tablet.post("/v1/batch", {"commands": [{"command": "add_venue", **venue}]}), 401, "unauthenticated")


def test_o9_a_revocation_binds_the_next_command_in_another_process(tenant: Tenant, other_api: str) -> None:
    for _ in range(5):
        made = tenant.made("/v1/api-keys", {"name": "Tablet"})
        with Tenant(other_api, made["key"]) as tablet:
            assert tablet.post("/v1/venues", {"name": "Hall", "capacity": 5}).status_code == 201
            tenant.made(f"/v1/api-keys/{made['id']}/revoke")
            _is_problem(tablet.post("/v1/venues", {"name": "Hall", "capacity": 5}), 401, "unauthenticated")
            until(lambda: tablet.get("/v1/venues").status_code == 401, seconds=5)


def test_o9_who_is_deactivated_is_shut_out_with_the_next_request(tenant: Tenant) -> None:
    user = tenant.made("/v1/users", {"email": "jo@mail.example", "full_name": "Jo", "role": "producer"})["id"]
    key = tenant.made("/v1/api-keys", {"name": "Laptop", "user_id": user})["key"]
    with Tenant(tenant.url, key) as jo:
        assert jo.get("/v1/venues").status_code == 200
        tenant.made(f"/v1/users/{user}/deactivate")
        _is_problem(jo.get("/v1/venues"), 401, "unauthenticated")
        _is_problem(jo.post("/v1/venues", {"name": "Hall", "capacity": 5}), 401, "unauthenticated")


def test_o3_a_lost_role_binds_the_next_command(tenant: Tenant) -> None:
    user = tenant.made("/v1/users", {"email": "jo@mail.example", "full_name": "Jo", "role": "producer"})["id"]
    key = tenant.made("/v1/api-keys", {"name": "Laptop", "user_id": user})["key"]
    with Tenant(tenant.url, key) as jo:
        assert jo.post("/v1/venues", {"name": "Hall", "capacity": 5}).status_code == 201
        tenant.made(f"/v1/users/{user}/roles", {"role": "member"})
        refused = jo.post("/v1/venues", {"name": "Hall", "capacity": 5})
        _is_problem(refused, 403, "forbidden")
        assert refused.json()["params"] == {"permission": "venues.manage"}


def _is_problem(answer: Any, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def _without_ids(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name not in ("correlation_id", "params")}
