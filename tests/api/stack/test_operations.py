"""Batches and exports in the background, as a user has them."""

from __future__ import annotations

import csv
import json
from typing import Any

import httpx

from tests.support.stack import Stack, Tenant, until


def begun(answer: httpx.Response) -> str:
    """Where to ask after what was accepted."""
    assert answer.status_code == 202, answer.text
    place: str = answer.headers["location"]
    return place


def batch(tenant: Tenant, number: int, **headers: str) -> str:
    """Adds so many venues; every tenth is wrong."""
    commands = [{"command": "add_venue", "name": f"Hall {n}", "capacity": n if n % 10 else "many"} for n in range(number)]
    return begun(tenant.post("/v1/batch", {"commands": commands, "atomic": False}, prefer="respond-async", **headers))


def ended(tenant: Tenant, place: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def over() -> bool:
        found.update(tenant.get(place).json())
        return found["state"] not in ("queued", "running")

    until(over)
    return found


def test_a_large_batch_is_done_and_answered_command_by_command(stack: Stack, tenant: Tenant) -> None:
    before = stack.sequence(tenant.founded["id"])
    place = batch(tenant, 1200, idempotency_key="import")
    operation = ended(tenant, place)
    assert (operation["state"], operation["done"]) == ("succeeded", 1200)
    assert operation["result"]["by_status"] == {"201": 1080, "422": 120}
    assert stack.sequence(tenant.founded["id"]) == before + 1080
    answers = [json.loads(line) for line in tenant.get(f"{place}/results", accept="application/x-ndjson").text.splitlines()]
    assert [answer["status"] for answer in answers] == [201 if n % 10 else 422 for n in range(1200)]
    venue = tenant.row(f"/v1/venues/{answers[1199]['body']['id']}", operation["result"]["position"])
    assert venue["name"] == "Hall 1199"
    assert batch(tenant, 1200, idempotency_key="import") == place


def test_an_export_is_what_the_list_shows_at_one_position(tenant: Tenant) -> None:
    position = ended(tenant, batch(tenant, 300))["result"]["position"]
    body = {"collection": "venues", "format": "csv", "filter": {"capacity": {"gte": 100}}, "sort": "capacity", "fields": "capacity,name"}
    place = begun(tenant.post("/v1/exports", body, stagebook_min_position=str(position)))
    operation = ended(tenant, place)
    expected = [n for n in range(100, 300) if n % 10]
    assert (operation["state"], operation["done"], operation["result"]["position"]) == ("succeeded", len(expected), position)
    file = tenant.get(f"{place}/result")
    assert [int(row["capacity"]) for row in csv.DictReader(file.text.splitlines())] == expected
    listed = tenant.get("/v1/venues?filter[capacity][gte]=100&sort=capacity&fields=capacity,name", accept="text/csv")
    assert file.text == listed.text


def test_o1_another_organization_sees_nothing_of_it(tenant: Tenant, stranger: Tenant) -> None:
    place = batch(tenant, 10)
    ended(tenant, place)
    for path in (place, f"{place}/results", f"{place}/result"):
        assert stranger.get(path).status_code == 404
    assert stranger.post(f"{place}/cancel").status_code == 404
    assert stranger.get("/v1/operations").json()["data"] == []


def test_cancelling_keeps_what_was_done(stack: Stack, tenant: Tenant) -> None:
    before = stack.sequence(tenant.founded["id"])
    place = batch(tenant, 6000)
    until(lambda: bool(tenant.get(place).json()["done"]))
    assert tenant.post(f"{place}/cancel").status_code == 202
    operation = ended(tenant, place)
    assert operation["state"] == "cancelled"
    assert 0 < operation["done"] < 6000
    assert stack.sequence(tenant.founded["id"]) == before + operation["result"]["by_status"]["201"]


def test_a_client_that_goes_away_changes_nothing(tenant: Tenant) -> None:
    place = batch(tenant, 1000)
    with httpx.Client(base_url=tenant.url, headers={"authorization": f"Bearer {tenant.key}"}) as client:
        client.get(place)
    assert ended(tenant, place)["done"] == 1000
    with tenant.http.stream("GET", f"{place}/results", headers={"accept": "application/x-ndjson"}) as stream:
        next(stream.iter_bytes())
    assert len(tenant.get(f"{place}/results", accept="application/x-ndjson").text.splitlines()) == 1000


def test_the_platform_has_operations_of_its_own(stack: Stack, tenant: Tenant) -> None:
    with Tenant(stack.url, stack.platform_key) as platform:
        commands = [{"command": "suspend_organization", "organization_id": tenant.founded["id"], "reason": "unpaid"}]
        place = begun(platform.post("/v1/batch", {"commands": commands, "atomic": False}, prefer="respond-async"))
        assert ended(platform, place)["result"]["by_status"] == {"200": 1}, platform.get(f"{place}/results").text
    assert tenant.get(place).status_code == 404
