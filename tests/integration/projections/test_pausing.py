"""A projection that an operator has paused holds still, and lets nobody's personal data stand for it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import pytest

from projections.changes import Add, Erase, Insert
from projections.runner.checkpoint import Fenced, acquire, advance
from projections.runner.pausing import pause, resume
from projections.runner.status import status
from projections.runner.values import Pool
from projections.verify import verify
from tests.unit.projections.runner.small import HOUSES, ORGANIZATIONS, ROOMS, START, SmallWorld, Witness

ALPHA = UUID(int=1)
HOUSE, ROOM, GUEST = UUID(int=1001), UUID(int=1002), UUID(int=11)

Running = Callable[..., AbstractAsyncContextManager[Witness]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


def _world() -> SmallWorld:
    """A house with a room and a guest."""
    world = SmallWorld()
    world.happen(ALPHA, Insert(ORGANIZATIONS, ALPHA, {}), Insert(HOUSES, HOUSE, {}))
    world.happen(ALPHA, Insert(ROOMS, ROOM, {"house_id": HOUSE, "guest": GUEST, "guest_name": "Anna"}))
    return world


async def _row(pool: Pool, table: str) -> Any:
    [row] = await pool.fetch(f"select * from small.{table}")  # noqa: S608
    return row


async def test_a_paused_projection_stands_still_also_after_a_restart_until_it_is_resumed(
    pool: Pool, running: Running, until: Until
) -> None:
    world = _world()
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        await pause(connection, "small")
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 2}))
        await asyncio.sleep(0.2)
        assert witness.position == 2
    async with running(world, "another") as witness, pool.acquire() as connection:
        await asyncio.sleep(0.2)
        assert (await _row(pool, "houses"))["beds"] == 0
        await resume(connection, "small")
        async with asyncio.timeout(1):
            await until(lambda: witness.position == 3)
    assert (await _row(pool, "houses"))["beds"] == 2


async def test_a_batch_that_is_under_way_at_the_pause_writes_nothing_any_more(pool: Pool) -> None:
    async with pool.acquire() as connection:
        standing = await acquire(connection, "small", "worker", seconds=60)
        assert standing is not None
        await pause(connection, "small")
        with pytest.raises(Fenced):
            await advance(connection, standing, 7, {1: 7})


async def test_status_says_that_a_projection_is_paused_and_how_far_it_is_behind(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        await pause(connection, "small")
        world.happen(ALPHA)
        found = await status(world.projection, connection=connection, log=world.log, now=START)
        assert (found.state, found.position, found.lag_records) == ("paused", 2, 1)
        await resume(connection, "small")
        assert (await status(world.projection, connection=connection, log=world.log, now=START)).state == "live"


async def test_a_person_is_erased_even_while_the_projection_is_paused(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        await pause(connection, "small")
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 2}))
        world.happen(ALPHA, Erase(GUEST))
        await until(lambda: GUEST in world.forgotten)
        await asyncio.sleep(0.1)
        room = await _row(pool, "rooms")
        assert (room["guest_name"], room["log_position"]) == (None, 2)
        assert (await _row(pool, "houses"))["beds"] == 0
        await resume(connection, "small")
        await until(lambda: witness.position == 4)
        assert (await _row(pool, "rooms"))["log_position"] == 4
        assert (await verify(world.projection, connection=connection, log=world.log, codec=world.codec)).equal


async def test_tables_of_an_older_version_are_rebuilt_although_the_projection_is_paused(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        await pause(connection, "small")
    world.happen(ALPHA)
    await pool.execute("update log.projection_leases set version = 0")
    async with running(world) as witness:
        await until(lambda: witness.rebuilds == [3])
        world.happen(ALPHA)
        await asyncio.sleep(0.2)
        assert witness.position == 3
