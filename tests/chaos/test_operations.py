"""Parts of the system are killed while operations run: each is finished, and everything in it is done once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import httpx

from tests.support.stack import Stack, Tenant, until

Rounds = Callable[[], Iterator[int]]

COMMANDS = 3000


def begin(tenant: Tenant, path: str, body: object, **headers: str) -> str:
    answer = tenant.post(path, body, **headers)
    assert answer.status_code == 202, answer.text
    place: str = answer.headers["location"]
    return place


def asked(tenant: Tenant, path: str, **headers: str) -> httpx.Response:
    """The answer, once there is one."""
    found: list[httpx.Response] = []

    def answered() -> bool:
        with suppress(httpx.HTTPError):
            found[:] = [tenant.get(path, **headers)]
        return bool(found) and found[0].status_code < 500

    until(answered)
    return found[0]


def reached(tenant: Tenant, place: str, done: int) -> bool:
    return bool(asked(tenant, place).json()["done"] >= done)


def finished(tenant: Tenant, place: str) -> dict[str, Any]:
    until(lambda: asked(tenant, place).json()["state"] not in ("queued", "running"))
    operation: dict[str, Any] = asked(tenant, place).json()
    return operation


def venues(tenant: Tenant) -> str:
    commands = [{"command": "add_venue", "name": f"Hall {n}", "capacity": 10} for n in range(COMMANDS)]
    return begin(tenant, "/v1/batch", {"commands": commands, "atomic": False}, prefer="respond-async")


def killed_and_finished(stack: Stack, tenant: Tenant, child: str) -> None:
    """A batch during which this is killed: everything in it is done once, and has its answer."""
    before = stack.sequence(tenant.founded["id"])
    place = venues(tenant)
    until(lambda: reached(tenant, place, 200))
    stack.kill(child)
    operation = finished(tenant, place)
    assert (operation["state"], operation["result"]["by_status"]) == ("succeeded", {"201": COMMANDS})
    text = asked(tenant, f"{place}/results", accept="application/x-ndjson").text
    assert len({json.loads(line)["body"]["id"] for line in text.splitlines()}) == COMMANDS
    assert stack.sequence(tenant.founded["id"]) == before + COMMANDS


def test_a_batch_whose_database_is_killed_goes_on_when_it_is_back(
    stack: Stack, tenant: Tenant, rounds: Rounds, everything_is_right: Callable[[], None]
) -> None:
    for _ in rounds():
        killed_and_finished(stack, tenant, "postgres")
    everything_is_right()


def test_a_batch_whose_process_is_killed_is_finished_by_another(
    stack: Stack, tenant: Tenant, rounds: Rounds, everything_is_right: Callable[[], None]
) -> None:
    with stack.another_api() as url, Tenant(url, tenant.key, tenant.founded) as other:
        for _ in rounds():
            killed_and_finished(stack, other, "serve")
    everything_is_right()


def test_an_export_whose_database_is_killed_is_written_anew_and_whole(stack: Stack, tenant: Tenant) -> None:
    operation = finished(tenant, venues(tenant))
    headers = {"stagebook_min_position": str(operation["result"]["position"])}
    place = begin(tenant, "/v1/exports", {"collection": "venues", "format": "ndjson"}, **headers)
    stack.kill("postgres")
    exported = finished(tenant, place)
    assert (exported["state"], exported["done"]) == ("succeeded", COMMANDS)
    rows = asked(tenant, f"{place}/result").text.splitlines()
    assert len({json.loads(row)["id"] for row in rows}) == len(rows) == COMMANDS
