"""A1: a replay gives the rows that are there; a rebuild puts its tables in the place of the live ones."""

from __future__ import annotations

from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from projections import ddl
from projections.changes import Delete, Erase, Insert, Set
from projections.rebuild import build, rebuild
from projections.runner.values import Connection, Pool
from projections.verify import Verification, verify
from tests.unit.projections.runner.small import BEDS, HOUSES, KEEPERS, ORGANIZATIONS, ROOMS, SMALL_METADATA, SmallWorld

ALPHA, BETA = UUID(int=1), UUID(int=2)
HOUSE, KEEPER, ROOM, BED, GUEST = (UUID(int=1000 + number) for number in range(5))


def _world() -> SmallWorld:
    """A house with a room, a bed, a keeper and a guest."""
    world = SmallWorld()
    world.happen(ALPHA, Insert(ORGANIZATIONS, ALPHA, {}), Insert(HOUSES, HOUSE, {"name": "h"}), Insert(KEEPERS, KEEPER, {}))
    room = {
        "house_id": HOUSE,
        "keeper_id": KEEPER,
        "guest": GUEST,
        "guest_name": "Anna",
        "guest_phone": "1",
        "tags": ["a"],
        "details": {"b": 1},
    }
    world.happen(ALPHA, Insert(ROOMS, ROOM, room), Insert(BEDS, BED, {"room_id": ROOM}))
    return world


async def _rebuilt(connection: Connection, world: SmallWorld) -> set[UUID]:
    return set((await rebuild(world.projection, connection=connection, log=world.log, codec=world.codec)).parked)


async def _verified(connection: Connection, world: SmallWorld) -> Verification:
    return await verify(world.projection, connection=connection, log=world.log, codec=world.codec)


async def _schemas(connection: Connection) -> set[str]:
    return {row["nspname"] for row in await connection.fetch("select nspname from pg_namespace where nspname like 'small%'")}


async def test_a1_verify_reports_equal_tables_and_leaves_nothing_behind(pool: Pool) -> None:
    world = _world()
    async with pool.acquire() as connection:
        await _rebuilt(connection, world)
        found = await _verified(connection, world)
        assert found.equal
        assert {table.table: table.rows for table in found.tables} == {
            "organizations": 1, "houses": 1, "keepers": 1, "rooms": 1, "beds": 1, "deletions": 0, "row_records": 5,
        }  # fmt: skip
        assert await _schemas(connection) == {"small"}


@pytest.mark.parametrize(
    "tampering",
    [
        "update small.rooms set title = ''",
        "update small.rooms set details = '{\"b\": 1.0}'",
        "update small.rooms set updated_at = updated_at + interval '1 microsecond'",
        "delete from small.rooms",
        """insert into small.rooms (id, organization_id, created_at, updated_at, log_position, stream_id, stream_version)
        select gen_random_uuid(), organization_id, created_at, updated_at, 1, stream_id, 1 from small.rooms""",
    ],
)
async def test_a1_verify_names_a_row_that_was_tampered_with(pool: Pool, tampering: str) -> None:
    world = _world()
    async with pool.acquire() as connection:
        await _rebuilt(connection, world)
        await connection.execute("set session_replication_role = replica")
        before = {row["id"] for row in await connection.fetch("select id from small.rooms")}
        await connection.execute(tampering)
        await connection.execute("set session_replication_role = origin")
        after = {row["id"] for row in await connection.fetch("select id from small.rooms")}
        found = await _verified(connection, world)
        assert not found.equal
        assert {table.table: set(table.differing) for table in found.tables if not table.equal} == {"rooms": before ^ after or before}


async def test_a1_verify_holds_while_an_erasure_is_in_the_log_but_not_yet_in_the_rows(pool: Pool) -> None:
    world = _world()
    async with pool.acquire() as connection:
        await _rebuilt(connection, world)
        world.happen(ALPHA, Erase(GUEST))
        # The key is gone: a replay no longer reads what the live row still shows.
        unread = {"house_id": HOUSE, "keeper_id": KEEPER, "guest": GUEST, "tags": ["a"], "details": {"b": 1}}
        world.changes[2] = [Insert(ROOMS, ROOM, unread), Insert(BEDS, BED, {"room_id": ROOM})]
        assert (await _verified(connection, world)).equal


async def test_a_rebuild_keeps_the_old_tables_and_who_may_read(pool: Pool) -> None:
    world = _world()
    async with pool.acquire() as connection:
        await _rebuilt(connection, world)
        await connection.execute("grant usage on schema small to pg_read_all_settings; grant select on small.rooms to pg_read_all_settings")
        await _rebuilt(connection, world)
        assert await _schemas(connection) == {"small", "small_old"}
        allowed = "select has_schema_privilege($1, 'small', 'usage') and has_table_privilege($1, 'small.rooms', 'select')"
        assert await connection.fetchval(allowed, "pg_read_all_settings")
        assert not await connection.fetchval("select has_table_privilege($1, 'small.beds', 'select')", "pg_read_all_settings")


async def test_rebuilt_tables_have_all_constraints_and_an_index_for_every_search(pool: Pool) -> None:
    world = _world()
    world.happen(ALPHA, Delete(KEEPERS, KEEPER))  # makes an index for itself on the way, which must not stay beside the proper one
    async with pool.acquire() as connection:
        await _rebuilt(connection, world)
        kinds = await connection.fetch(
            "select contype, condeferrable from pg_constraint where connamespace = 'small'::regnamespace and contype in ('f', 'u', 'c')"
        )
        found = Counter((row["contype"], row["condeferrable"]) for row in kinds)
        assert found == {(b"f", True): 10, (b"u", True): 1, (b"c", False): 1}
        indexed = await connection.fetch("select tablename, indexdef from pg_indexes where schemaname = 'small'")
        columns = sorted(f"{row['tablename']}{row['indexdef'].partition('btree ')[2]}" for row in indexed)
        assert len(columns) == len(set(columns))
        assert {"rooms(guest)", "rooms(house_id)", "rooms(keeper_id)", "beds(under_id)", "beds(organization_id)"} <= set(columns)


async def test_a_rebuild_parks_the_organization_whose_record_breaks_a_rule(pool: Pool) -> None:
    world = _world()
    world.happen(BETA, Insert(ORGANIZATIONS, BETA, {}))
    world.happen(BETA, Insert(ROOMS, UUID(int=2000), {"house_id": UUID(int=404)}))
    world.happen(ALPHA, Set(ROOMS, ROOM, {"title": "later"}))
    async with pool.acquire() as connection:
        assert await _rebuilt(connection, world) == {BETA}
        assert await connection.fetchval("select position from log.parked") == 4
        assert await connection.fetchval("select title from small.rooms") == "later"
        assert (await _verified(connection, world)).equal
        world.changes[4] = []
        assert not await _rebuilt(connection, world)
        assert await connection.fetchval("select count(*) from log.parked") == 0


async def test_a_rebuild_that_fails_leaves_everything_as_it_was(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    world = _world()
    async with pool.acquire() as connection:
        await _rebuilt(connection, world)

        async def fail(*_: Any) -> None:
            raise asyncpg.DiskFullError

        monkeypatch.setattr(ddl, "swap", fail)
        with pytest.raises(asyncpg.DiskFullError):
            await _rebuilt(connection, world)
        assert await _schemas(connection) == {"small"}
        assert (await _verified(connection, world)).equal


async def test_who_watches_a_rebuild_or_a_verification_is_told_after_each_batch_how_far_it_is(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("projections.rebuild", "projections.verify"):
        monkeypatch.setattr(f"{module}.BATCH", 1)
    world, told = _world(), list[tuple[int, int]]()
    async with pool.acquire() as connection:
        for follow in (rebuild, verify):
            told.clear()
            await follow(
                world.projection, connection=connection, log=world.log, codec=world.codec, progress=lambda *step: told.append(step)
            )
            assert told == [(1, 2), (2, 2)]


async def test_rows_can_be_built_as_of_an_earlier_position(pool: Pool) -> None:
    world = _world()
    async with pool.acquire() as connection, connection.transaction():
        await build(world.projection, connection=connection, log=world.log, codec=world.codec, schema="small_then", upto=1)
        assert await connection.fetchval("select count(*) from small_then.houses") == 1
        assert await connection.fetchval("select count(*) from small_then.rooms") == 0


async def test_live_tables_that_lack_a_column_are_noticed(pool: Pool) -> None:
    world = _world()
    async with pool.acquire() as connection:
        assert not await ddl.is_fit(connection, SMALL_METADATA)
        await _rebuilt(connection, world)
        assert await ddl.is_fit(connection, SMALL_METADATA)
        await connection.execute("alter table small.rooms drop column title")
        assert not await ddl.is_fit(connection, SMALL_METADATA)
