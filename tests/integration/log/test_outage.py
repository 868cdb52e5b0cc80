"""Losing the server is `Unavailable`, and nothing has to be done when it is back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest

from application.bus.messages import Unavailable
from application.ports import Committed
from infrastructure.postgres.embedded import PostgresServer
from infrastructure.postgres.keys import PostgresKeys
from infrastructure.postgres.log import PostgresLog
from infrastructure.postgres.migrate import migrate
from tests.support.records import ORGANIZATION, single

_APPEND_LOCK = "select pg_advisory_xact_lock(1937006946, 1)"
_CUT = """
select pg_terminate_backend(pid) from pg_stat_activity
where query like '%log.append%' and datname = current_database() and pid <> pg_backend_pid()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    """A server of this test's own, to kill."""
    server = PostgresServer(tmp_path / "data")
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[PostgresLog]:
    log = await PostgresLog.open(database_url)
    yield log
    await log.close()


async def test_everything_works_again_after_the_server_was_killed(server: PostgresServer) -> None:
    await migrate(server.url())
    log, keys = await PostgresLog.open(server.url()), await PostgresKeys.open(server.url(), bytes(32))
    stream = uuid4()
    await log.append([single(stream)])
    assert await log.wait(0, 5)
    secrets = await keys.organization_secrets([ORGANIZATION])
    server.kill9()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await log.append([single(stream, 2)])
        with pytest.raises(Unavailable):
            await log.load({stream: 0})
        with pytest.raises(Unavailable):
            await log.read(0, 1)
        with pytest.raises(Unavailable):
            async with log.locked([stream]):
                pytest.fail("there is no lock without a server")
        with pytest.raises(Unavailable):
            await keys.organization_secrets([ORGANIZATION])
        assert not await log.wait(1, 0.01)
    server.restart()
    assert await log.append([single(stream, 2)]) == [Committed([2])]
    assert [record.version for record in (await log.load({stream: 0})).records] == [1, 2]
    assert await keys.organization_secrets([ORGANIZATION]) == secrets
    assert await log.wait(1, 5)
    await log.close()
    await keys.close()


async def test_an_append_that_is_cut_off_is_unavailable(log: PostgresLog, database_url: str) -> None:
    stream = uuid4()
    blocker, cutter = await asyncpg.connect(database_url), await asyncpg.connect(database_url)
    async with blocker.transaction():
        await blocker.execute(_APPEND_LOCK)
        append = asyncio.create_task(log.append([single(stream)]))
        async with asyncio.timeout(10):
            while not await cutter.fetch(_CUT):  # noqa: ASYNC110  # nothing tells when a session begins to wait
                await asyncio.sleep(0.01)
    with pytest.raises(Unavailable):
        await append
    assert await log.append([single(stream)]) == [Committed([1])]
    await blocker.close()
    await cutter.close()


async def test_who_hangs_with_locks_held_loses_them(log: PostgresLog) -> None:
    stream = uuid4()

    async def hang() -> None:
        async with log.locked([stream]) as session:
            await session.connection.execute("set local idle_in_transaction_session_timeout = '50ms'")
            await asyncio.sleep(0.2)
            await session.append([single(stream)])

    with pytest.raises(Unavailable):
        await hang()
    async with asyncio.timeout(5), log.locked([stream]) as session:
        assert await session.connection.fetchval("show idle_in_transaction_session_timeout") == "5s"
        assert await session.append([single(stream)]) == [Committed([1])]


async def test_a_wrong_argument_is_a_fault_and_no_outage(log: PostgresLog) -> None:
    with pytest.raises(asyncpg.DataError):
        await log.load({"no uuid": 0})  # type: ignore[dict-item]  # that is the point
