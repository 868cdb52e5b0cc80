"""What the database itself guards: nothing in the log changes, each role does its own, faults are not swallowed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from application.ports import Committed
from infrastructure.postgres.log import PostgresLog
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.pool import APPENDER, PROJECTOR, Connection, take_role
from tests.support.records import ORGANIZATION, component, record, single, unit


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[PostgresLog]:
    log = await PostgresLog.open(database_url)
    yield log
    await log.close()


@pytest.mark.parametrize("change", ["update log.records set version = 2", "delete from log.records", "truncate log.records"])
async def test_records_cannot_be_changed_by_anybody(owner: Connection, log: PostgresLog, change: str) -> None:
    await log.append([single(uuid4())])
    with pytest.raises(asyncpg.RestrictViolationError, match=r"log\.records is insert-only"):
        await owner.execute(change)
    for role in (APPENDER, PROJECTOR):
        async with owner.transaction():
            await owner.execute(f"set local role {role}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                async with owner.transaction():
                    await owner.execute(change)
    assert await log.head() == 1


async def test_the_readable_view_shows_json_and_hexadecimal(owner: Connection, log: PostgresLog) -> None:
    await log.append([component(unit(record(uuid4(), data='{"name":"Käthe","n":[1]}'.encode())))])
    row = await owner.fetchrow("select data->>'name' as name, data, meta, leaf_hash from log.readable")
    assert row is not None
    assert (row["name"], json.loads(row["data"]), json.loads(row["meta"])) == (
        "Käthe",
        {"name": "Käthe", "n": [1]},
        {"actor": "system:test"},
    )
    assert bytes.fromhex(row["leaf_hash"]) == (await log.read(0, 1))[0].leaf_hash


async def test_the_log_is_written_as_appender(log: PostgresLog) -> None:
    async with log.locked([]) as session:
        assert await session.connection.fetchval("select current_user") == APPENDER


@pytest.mark.parametrize(
    ("role", "refused"),
    [
        (APPENDER, "create table log.mine ()"),
        (APPENDER, "create table read.mine ()"),
        (APPENDER, "update log.commands set reply = ''"),
        (APPENDER, "delete from log.commands"),
        (APPENDER, "update log.projections set position = 0"),
        (PROJECTOR, "insert into log.unique_keys values (gen_random_uuid(), 's', '', gen_random_uuid())"),
        (PROJECTOR, "insert into log.records select * from log.records"),
        (PROJECTOR, "select * from log.commands"),
        (PROJECTOR, "delete from log.person_keys"),
        (PROJECTOR, "select log.append()"),
    ],
)
async def test_a_role_has_no_more_rights_than_it_needs(owner: Connection, role: str, refused: str) -> None:
    await take_role(owner, role)
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedFunctionError)):
        await owner.execute(refused)


async def test_the_projector_makes_swaps_and_drops_schemas(empty_database_url: str) -> None:
    await migrate(empty_database_url)
    owner = await asyncpg.connect(empty_database_url)
    await take_role(owner, PROJECTOR)
    await owner.execute(
        "create schema scratch; create table scratch.orders (id int);"
        "drop schema read; alter schema scratch rename to read; drop schema read cascade; drop schema deadlines;"
        "insert into log.projections values ('relational', 0); update log.projections set position = 1;"
        "insert into log.projection_leases (projection) values ('relational'); delete from log.projection_leases;"
        "insert into log.parked values ('relational', gen_random_uuid(), 1, 'why'); delete from log.parked"
    )
    assert await owner.fetch("select * from log.records") == []
    await owner.close()


async def test_a_writer_who_passes_the_lock_by_is_an_error_and_no_verdict(log: PostgresLog) -> None:
    stream = uuid4()
    twice = component(unit(record(stream), record(stream)))
    with pytest.raises(asyncpg.UniqueViolationError):
        await log.append([single(uuid4()), twice])
    assert await log.head() == 0


async def test_erasing_deletes_the_person_key_with_the_unit_alone(owner: Connection, log: PostgresLog) -> None:
    kept, erased, stream = uuid4(), uuid4(), uuid4()
    await owner.executemany(
        "insert into log.person_keys values ($1, $2, uuid_send($1), '')", [(key, ORGANIZATION) for key in (kept, erased)]
    )
    failing = component(unit(erases=[kept]), reads={stream: 1})
    await log.append([failing, component(unit(record(stream), erases=[erased, uuid4()]))])
    assert [row["id"] for row in await owner.fetch("select id from log.person_keys")] == [kept]


async def test_what_is_appended_under_a_lock_goes_away_with_its_transaction(log: PostgresLog) -> None:
    stream = uuid4()

    async def change_our_mind() -> None:
        async with log.locked([stream]) as session:
            assert await session.append([single(stream)]) == [Committed([1])]
            raise LookupError

    with pytest.raises(LookupError):
        await change_our_mind()
    assert await log.head() == 0
    assert not await log.wait(0, 0.05)
    assert await log.append([single(stream)]) == [Committed([1])]


async def test_locked_streams_wait_for_each_other_and_for_nobody_else(log: PostgresLog) -> None:
    first, second, third = uuid4(), uuid4(), uuid4()
    order: list[str] = []

    async def take(name: str, *streams: UUID) -> None:
        async with log.locked(streams):
            order.append(name)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group, log.locked([first, second]):
        group.create_task(take("late", uuid4(), second))
        await take("free", third)
        assert await log.append([single(second)]) == [Committed([1])]
        await asyncio.sleep(0.1)
        order.append("done")
    assert order == ["free", "done", "late"]
