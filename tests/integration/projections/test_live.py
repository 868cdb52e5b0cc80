"""The runner against a real database: exactly once, whatever comes in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from infrastructure.postgres.read_store import PostgresReadStore
from projections.changes import Add, Change, Delete, Erase, Insert, Set
from projections.rebuild import rebuild
from projections.runner.checkpoint import Fenced, acquire, advance, slot_of
from projections.runner.feed import Feed
from projections.runner.pausing import pause, resume
from projections.runner.retry import retry
from projections.runner.run import NewerVersion, Runner
from projections.runner.status import status
from projections.runner.values import Connection, Pool
from projections.verify import verify
from tests.unit.projections.runner.small import HOUSES, ORGANIZATIONS, ROOMS, START, SmallWorld, Witness

ALPHA, BETA = UUID(int=1), UUID(int=2)
HOUSE, OTHER_HOUSE, ROOM, GUEST = UUID(int=1001), UUID(int=2001), UUID(int=1002), UUID(int=11)

_KILL_ALL_OTHERS = """
select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
"""

Running = Callable[..., AbstractAsyncContextManager[Witness]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


def _world() -> SmallWorld:
    """Two organizations with a house each."""
    world = SmallWorld()
    for organization, house in ((ALPHA, HOUSE), (BETA, OTHER_HOUSE)):
        world.happen(organization, Insert(ORGANIZATIONS, organization, {"name": "o"}), Insert(HOUSES, house, {"name": "h"}))
    return world


async def _rows(pool: Pool, table: str) -> dict[UUID, Any]:
    return {row["id"]: row for row in await pool.fetch(f"select * from small.{table}")}  # noqa: S608


async def _equal(pool: Pool, world: SmallWorld) -> bool:
    async with pool.acquire() as connection:
        return (await verify(world.projection, connection=connection, log=world.log, codec=world.codec)).equal


async def _reached(pool: Pool, organization_id: UUID) -> int:
    """Up to which position a reader finds the organization's rows complete."""
    return (await PostgresReadStore(pool, "small").fetch(organization_id, "select 1 where false", ())).position


async def test_a_first_start_makes_the_tables_and_fills_them_from_the_log(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness:
        await until(lambda: witness.position == 2)
    assert witness.rebuilds == [2]
    assert (await _rows(pool, "houses"))[HOUSE]["beds"] == 0


async def test_new_records_become_rows_and_readers_are_told(pool: Pool, running: Running, until: Until) -> None:
    world, heard = _world(), []
    async with running(world) as witness, pool.acquire() as listener:
        await until(lambda: bool(witness.rebuilds))
        await listener.add_listener("stagebook_projected", lambda *call: heard.append(call[-1]))
        assert await _reached(pool, ALPHA) == 2
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 2}))
        await until(lambda: heard == ["small 3"])
        assert (await _rows(pool, "houses"))[HOUSE]["beds"] == 2
        assert await _reached(pool, ALPHA) == 3
        await listener.reset()


async def test_under_load_batches_keep_a_pace_and_after_a_rest_one_begins_at_once(
    pool: Pool, running: Running, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("projections.runner.run._PACE_SECONDS", 0.4)
    world, heard = _world(), []
    async with running(world) as witness, pool.acquire() as listener:
        await until(lambda: bool(witness.rebuilds))
        await listener.add_listener("stagebook_projected", lambda *call: heard.append(call[-1]))
        async with asyncio.timeout(0.3):
            world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 1}))
            await until(lambda: heard == ["small 3"])
        await asyncio.gather(*(_happen_soon(world, seconds / 1000) for seconds in range(600)))
        await until(lambda: witness.position == 603)
        await listener.reset()
    assert len(heard) <= 4


async def test_records_delivered_twice_are_applied_once(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 2}))
        await until(lambda: witness.position == 3)
    await pool.execute("update log.projection_leases set scanned_to = 0")
    async with running(world) as witness:
        await until(lambda: witness.position == 3)
    assert (await _rows(pool, "houses"))[HOUSE]["beds"] == 2
    assert await _equal(pool, world)


async def test_a_connection_that_is_killed_between_batches_loses_and_repeats_nothing(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
        for round_ in range(1, 6):
            await pool.execute(_KILL_ALL_OTHERS)
            world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 1}))
            await until(lambda: witness.position == 2 + round_)  # noqa: B023  # awaited in the same round
    assert witness.interruptions
    assert not witness.alarms
    assert (await _rows(pool, "houses"))[HOUSE]["beds"] == 5


async def test_rows_and_checkpoint_are_committed_together(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
        await pool.execute("alter table log.projections add check (position < 3)")
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 2}))
        await until(lambda: bool(witness.interruptions))
    assert (await _rows(pool, "houses"))[HOUSE]["beds"] == 0


async def test_a_worker_of_an_old_epoch_writes_nothing(pool: Pool) -> None:
    async with pool.acquire() as connection:
        old = await acquire(connection, "small", "one", seconds=0)
        new = await acquire(connection, "small", "two", seconds=60)
        assert old is not None
        assert new is not None
        with pytest.raises(Fenced):
            await advance(connection, old, 7, {1: 7})
        await advance(connection, new, 7, {1: 7})
        with pytest.raises(Fenced):  # its own positions are no longer what it says
            await advance(connection, new, 9, {1: 9})


async def test_slots_are_fenced_by_epoch_too(pool: Pool) -> None:
    async with pool.acquire() as connection:
        standing = await acquire(connection, "small", "one", seconds=60)
        assert standing is not None
        await connection.execute("update log.projections set epoch = epoch + 1 where slot = 1")
        with pytest.raises(Fenced):
            async with connection.transaction():
                await advance(connection, standing, 7, {1: 7})


async def test_a_second_worker_waits_until_the_lease_ends(pool: Pool) -> None:
    async with pool.acquire() as connection:
        assert await acquire(connection, "small", "one", seconds=60)
        assert await acquire(connection, "small", "two", seconds=60) is None
        await connection.execute("update log.projection_leases set expires_at = now() - interval '1 second'")
        assert await acquire(connection, "small", "two", seconds=60)


async def test_a_worker_that_stops_gives_its_lease_back(running: Running, until: Until) -> None:
    world = _world()
    for owner in ("one", "two"):
        async with running(world, owner) as witness:
            world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 1}))
            await until(lambda: witness.position == len(world.records))


async def test_a_session_that_follows_the_log_keeps_its_plans(database_url: str, until: Until) -> None:
    world, witness = _world(), Witness()

    async def leave(_: Connection) -> None:
        """As in the worker's pool: the runner's settings stay when it gives the connection back."""

    async with asyncpg.create_pool(database_url, min_size=1, max_size=1, reset=leave) as pool:
        runner = Runner(world.projection, pool=pool, feed=Feed(world.log, world.codec), owner="worker", observer=witness)
        following = asyncio.create_task(runner.run())
        await until(lambda: bool(witness.rebuilds))
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 1}))
        await until(lambda: witness.position == len(world.records))
        following.cancel()
        await asyncio.wait([following])
        assert await pool.fetchval("show plan_cache_mode") == "auto"
        assert await pool.fetchval("show enable_seqscan") == "off"


async def test_tables_of_a_newer_version_are_left_alone(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
    await pool.execute("update log.projection_leases set version = 2")
    with pytest.raises(NewerVersion):
        await Runner(world.projection, pool=pool, feed=Feed(world.log, world.codec), owner="old", observer=Witness()).run()


@pytest.mark.parametrize("fault", ["projector", "reference", "check", "unique", "number too large", "text"])
async def test_a_record_that_cannot_be_applied_parks_its_organization_and_the_rest_goes_on(
    pool: Pool, running: Running, until: Until, fault: str
) -> None:
    world = _world()
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
        faults: dict[str, list[Change]] = {
            "projector": [],
            "reference": [Insert(ROOMS, ROOM, {"house_id": UUID(int=404)})],
            "check": [Add(HOUSES, HOUSE, {"beds": -9})],
            "unique": [Insert(HOUSES, UUID(int=1009), {"name": "h"})],
            "number too large": [Set(HOUSES, HOUSE, {"income": Decimal(10**15)})],
            "text": [Set(HOUSES, HOUSE, {"name": "nul\0"})],
        }
        async with pool.acquire() as connection:  # hold the runner back, so that all of it is one batch
            await pause(connection, "small")
        world.happen(ALPHA, Set(HOUSES, HOUSE, {"income": Decimal(1)}))
        bad = world.happen(ALPHA, *faults[fault], failing=fault == "projector")
        world.happen(BETA, Add(HOUSES, OTHER_HOUSE, {"beds": 3}))
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 4}))
        async with pool.acquire() as connection:
            await resume(connection, "small")
        await until(lambda: witness.position == 6)
        houses = await _rows(pool, "houses")
        assert [(parked.organization_id, parked.position) for parked in witness.alarms] == [(ALPHA, bad.position)]
        assert (houses[HOUSE]["income"], houses[HOUSE]["beds"], houses[OTHER_HOUSE]["beds"]) == (1, 0, 3)
        assert await _reached(pool, ALPHA) == bad.position - 1
        assert await _reached(pool, BETA) == 6
        assert await _equal(pool, world)


async def test_retry_applies_what_was_missed_in_order_and_the_worker_goes_on(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        world.happen(ALPHA, failing=True)
        world.happen(ALPHA, Set(HOUSES, HOUSE, {"beds": 5}))
        await until(lambda: witness.position == 4)
        assert set(await retry(world.projection, connection=connection, log=world.log, codec=world.codec)) == {ALPHA}
        world.changes[3] = [Set(HOUSES, HOUSE, {"beds": 1})]
        assert not await retry(world.projection, connection=connection, log=world.log, codec=world.codec)
        assert (await _rows(pool, "houses"))[HOUSE]["beds"] == 5
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 1}))
        await until(lambda: witness.position == 5)
        assert (await _rows(pool, "houses"))[HOUSE]["beds"] == 6
        assert await _equal(pool, world)


async def test_a_person_is_erased_even_while_the_organization_is_parked(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    world.happen(ALPHA, Insert(ROOMS, ROOM, {"house_id": HOUSE, "guest": GUEST, "guest_name": "Anna"}))
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        world.happen(ALPHA, failing=True)
        await until(lambda: bool(witness.alarms))
        world.happen(ALPHA, Erase(GUEST))
        await until(lambda: witness.position == 5)
        assert (await _rows(pool, "rooms"))[ROOM]["guest_name"] is None
        assert GUEST in world.forgotten
        assert await _equal(pool, world)
        world.changes[4] = []
        await retry(world.projection, connection=connection, log=world.log, codec=world.codec)
        assert (await _rows(pool, "rooms"))[ROOM]["log_position"] == 5
        assert await _equal(pool, world)


async def test_an_error_that_is_kept_quotes_no_value(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
        world.happen(ALPHA, Set(HOUSES, HOUSE, {"beds": "anna@example.org"}))
        await until(lambda: bool(witness.alarms))
    assert "anna" not in await pool.fetchval("select error from log.parked")


async def test_status_says_version_lag_and_who_is_parked(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        world.happen(ALPHA, failing=True)
        await until(lambda: bool(witness.alarms))
        await pause(connection, "small")
        world.happen(ALPHA)
        world.happen(BETA)
        found = await status(world.projection, connection=connection, log=world.log, now=START.replace(minute=1))
        assert (found.tables_version, found.state, found.head, found.position, found.lag_records) == (1, "paused", 5, 3, 2)
        assert found.lag_seconds == 56
        assert [(parked.organization_id, parked.position) for parked in found.parked] == [(ALPHA, 3)]


async def test_tombstones_are_left_for_all_that_a_deletion_removes(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    world.happen(ALPHA, Insert(ROOMS, ROOM, {"house_id": HOUSE}))
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
        world.happen(ALPHA, Delete(HOUSES, HOUSE))
        await until(lambda: witness.position == 4)
    tombstones = (await _rows(pool, "deletions")).values()
    assert {(row["entity"], row["entity_id"], row["log_position"]) for row in tombstones} == {("houses", HOUSE, 4), ("rooms", ROOM, 4)}


async def test_slots_move_only_with_their_records(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
        world.happen(BETA)
        await until(lambda: witness.position == 3)
    positions = {row["slot"]: row["position"] for row in await pool.fetch("select slot, position from log.projections")}
    assert positions[slot_of(BETA)] == 3
    assert positions[slot_of(ALPHA)] == 2


async def test_a_live_worker_goes_on_after_a_rebuild_by_somebody_else(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        await asyncio.gather(
            rebuild(world.projection, connection=connection, log=world.log, codec=world.codec),
            *(_happen_soon(world, seconds / 100) for seconds in range(30)),
        )
        await until(lambda: witness.position == 32)
        assert (await _rows(pool, "houses"))[HOUSE]["beds"] == 30
        assert await _equal(pool, world)


async def _happen_soon(world: SmallWorld, seconds: float) -> None:
    await asyncio.sleep(seconds)
    world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 1}))
