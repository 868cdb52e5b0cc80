"""Which records touched a row is kept beside the rows, complete and the same on every way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import pytest

import projections.catalog  # noqa: F401  # every table of the schema
from projections import ddl
from projections.changes import Add, Delete, Erase, Insert, Set
from projections.deadlines import METADATA as DEADLINES
from projections.runner import model
from projections.runner.history import TABLE
from projections.runner.pausing import pause, resume
from projections.runner.retry import retry
from projections.runner.values import Pool
from projections.schema import READ
from projections.verify import verify
from tests.unit.projections.runner.small import HOUSES, KEEPERS, ORGANIZATIONS, ROOMS, SMALL_METADATA, SmallWorld, Witness

ALPHA, BETA = UUID(int=1), UUID(int=2)
HOUSE, KEEPER, ROOM, GUEST, MISSING = (UUID(int=1000 + number) for number in range(5))

Running = Callable[..., AbstractAsyncContextManager[Witness]]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


def _world() -> SmallWorld:
    """A house with a room, a keeper and a guest: one record."""
    world = SmallWorld()
    room = {"house_id": HOUSE, "keeper_id": KEEPER, "guest": GUEST, "guest_name": "Anna"}
    world.happen(ALPHA, Insert(ORGANIZATIONS, ALPHA, {}), Insert(HOUSES, HOUSE, {}), Insert(KEEPERS, KEEPER, {}), Insert(ROOMS, ROOM, room))
    return world


async def _positions(pool: Pool, row_id: UUID) -> list[int]:
    """Of the records that touched the row."""
    rows = await pool.fetch("select position from small.row_records where row_id = $1 order by position", row_id)
    return [row["position"] for row in rows]


async def _equal(pool: Pool, world: SmallWorld) -> bool:
    async with pool.acquire() as connection:
        return (await verify(world.projection, connection=connection, log=world.log, codec=world.codec)).equal


@pytest.mark.parametrize("batch", ["each record alone", "all at once"])
async def test_every_record_that_touched_a_row_is_kept_also_after_the_row_is_gone(
    pool: Pool, running: Running, until: Until, batch: str
) -> None:
    world = _world()
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        if batch == "all at once":
            await pause(connection, "small")
        for changes in (
            [Set(ROOMS, ROOM, {"title": "t"}), Set(ROOMS, ROOM, {"title": "u"}), Add(HOUSES, HOUSE, {"beds": 1})],
            [Set(ROOMS, MISSING, {"title": "t"})],
            [Delete(KEEPERS, KEEPER)],
            [Erase(GUEST)],
            [Delete(HOUSES, HOUSE)],
            [Set(ROOMS, ROOM, {"title": "late"})],
        ):
            world.happen(ALPHA, *changes)
            if batch == "each record alone":
                await until(lambda: witness.position == len(world.records))
        await resume(connection, "small")
        await until(lambda: witness.position == 7)
    assert await _positions(pool, ROOM) == [1, 2, 4, 5, 6]
    assert await _positions(pool, HOUSE) == [1, 2, 6]
    assert await _positions(pool, KEEPER) == [1, 4]
    assert await _positions(pool, MISSING) == []
    assert await _equal(pool, world)


async def test_a_row_that_comes_again_after_it_was_removed_goes_on_where_its_history_ended(
    pool: Pool, running: Running, until: Until
) -> None:
    world = _world()
    world.happen(ALPHA, Delete(ROOMS, ROOM))
    world.happen(ALPHA, Set(ROOMS, ROOM, {"title": "late"}))
    world.happen(ALPHA, Insert(ROOMS, ROOM, {}))
    world.happen(ALPHA, Set(ROOMS, ROOM, {"title": "t"}))
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
    assert await _positions(pool, ROOM) == [1, 2, 4, 5]


async def test_what_was_parked_has_no_entries_until_it_is_applied(pool: Pool, running: Running, until: Until) -> None:
    world = _world()
    world.happen(BETA, Insert(ORGANIZATIONS, BETA, {}))
    async with running(world) as witness, pool.acquire() as connection:
        await until(lambda: bool(witness.rebuilds))
        await pause(connection, "small")  # so that all of it is one batch, which is bisected
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 1}))
        world.happen(ALPHA, failing=True)
        world.happen(BETA, Set(ORGANIZATIONS, BETA, {"name": "b"}))
        world.happen(ALPHA, Add(HOUSES, HOUSE, {"beds": 1}), Erase(GUEST))
        await resume(connection, "small")
        await until(lambda: bool(witness.alarms))
        assert await _positions(pool, HOUSE) == [1, 3]
        assert await _positions(pool, ROOM) == [1]  # the guest is erased all the same
        assert await _positions(pool, BETA) == [2, 5]
        assert await _equal(pool, world)
        world.changes[4] = [Add(HOUSES, HOUSE, {"beds": 1})]
        assert not await retry(world.projection, connection=connection, log=world.log, codec=world.codec)
        assert await _positions(pool, HOUSE) == [1, 3, 4, 6]
        assert await _positions(pool, ROOM) == [1, 6]
        assert await _equal(pool, world)


@pytest.mark.parametrize(
    "tampering",
    [
        "delete from small.row_records where row_id = $1 and position = 2",
        "insert into small.row_records values ($1, 7)",
        "update small.row_records set position = 7 where row_id = $1 and position = 2",
    ],
)
async def test_a1_verify_names_a_row_whose_history_was_tampered_with(pool: Pool, running: Running, until: Until, tampering: str) -> None:
    world = _world()
    world.happen(ALPHA, Set(ROOMS, ROOM, {"title": "t"}))
    async with running(world) as witness:
        await until(lambda: bool(witness.rebuilds))
    async with pool.acquire() as connection:
        await connection.execute(tampering, ROOM)
        found = await verify(world.projection, connection=connection, log=world.log, codec=world.codec)
        assert {table.table: table.differing for table in found.tables if not table.equal} == {TABLE: (ROOM,)}


async def test_an_entry_is_found_by_the_row_and_written_once(pool: Pool, running: Running, until: Until) -> None:
    async with running(_world()) as witness:
        await until(lambda: bool(witness.rebuilds))
    query = "select pg_get_constraintdef(oid) from pg_constraint where conrelid = 'small.row_records'::regclass and contype = 'p'"
    assert await pool.fetchval(query) == 'PRIMARY KEY (row_id, "position")'


async def test_live_tables_without_the_row_history_are_noticed(pool: Pool, running: Running, until: Until) -> None:
    async with running(_world()) as witness:
        await until(lambda: bool(witness.rebuilds))
    async with pool.acquire() as connection:
        assert await ddl.is_fit(connection, SMALL_METADATA)
        await connection.execute("drop table small.row_records")
        assert not await ddl.is_fit(connection, SMALL_METADATA)


def test_the_documented_schema_keeps_the_history_of_every_table_but_those_whose_rows_only_come() -> None:
    assert [shape.name for shape in model.read(READ).shapes if not shape.history] == ["deletions", "status_changes"]


def test_the_deadlines_keep_no_history() -> None:
    read = model.read(DEADLINES)
    assert not read.row_records
    assert not any(shape.history for shape in read.shapes)
