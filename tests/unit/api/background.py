"""Sending batches to the background and asking after operations."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx

from application.operations.model import ENDED
from tests.unit.api import sample

RESERVE: dict[str, Any] = {"command": "reserve", "event_id": str(sample.EVENT), "quantity": 1}
CONFIRM: dict[str, Any] = {"command": "confirm", "order_id": str(sample.EVENT)}
ASYNC = {"prefer": "respond-async"}


async def begin(client: httpx.AsyncClient, *commands: object, **headers: str) -> str:
    """Send an asynchronous batch that must be accepted; its place."""
    answer = await send(client, *commands, **headers)
    assert answer.status_code == 202, answer.text
    return answer.headers["location"]


async def send(client: httpx.AsyncClient, *commands: object, **headers: str) -> httpx.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.post("/v1/batch", json={"commands": commands, "atomic": False}, headers=ASYNC | named)


async def ended(client: httpx.AsyncClient, location: str) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while True:
            answer = await client.get(location)
            assert answer.status_code == 200, answer.text
            found: dict[str, Any] = answer.json()
            if found["state"] in ENDED:
                assert "retry-after" not in answer.headers
                return found
            assert answer.headers["retry-after"] == "1"
            await asyncio.sleep(0.01)


async def lines(client: httpx.AsyncClient, location: str) -> list[dict[str, Any]]:
    """The answers of all commands, page by page."""
    found: list[dict[str, Any]] = []
    cursor = "0"
    while cursor is not None:
        page = (await client.get(f"{location}/results", params={"cursor": cursor, "limit": "70"})).json()
        found += page["data"]
        cursor = page["next_cursor"]
    return found
