"""Processes learn of each other's records without asking all the time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from infrastructure.postgres.log import PostgresLog
from tests.support.records import single


@pytest.fixture
async def logs(database_url: str) -> AsyncIterator[tuple[PostgresLog, PostgresLog]]:
    """Two processes, as far as the database can tell."""
    writer, reader = await PostgresLog.open(database_url), await PostgresLog.open(database_url)
    yield writer, reader
    await writer.close()
    await reader.close()


async def test_another_process_is_woken(logs: tuple[PostgresLog, PostgresLog]) -> None:
    writer, reader = logs
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        waiting = group.create_task(reader.wait(0, 60))
        await asyncio.sleep(0.2)
        await writer.append([single(uuid4())])
    assert waiting.result()


async def test_what_was_written_before_listening_began_is_known(logs: tuple[PostgresLog, PostgresLog]) -> None:
    writer, reader = logs
    await writer.append([single(uuid4())])
    await asyncio.sleep(0.1)
    async with asyncio.timeout(10):
        assert await reader.wait(0, 60)


async def test_a_position_that_is_not_reached_wakes_nobody(logs: tuple[PostgresLog, PostgresLog]) -> None:
    writer, reader = logs
    await writer.append([single(uuid4())])
    assert not await reader.wait(1, 0.2)


async def test_many_appends_make_few_notifications(logs: tuple[PostgresLog, PostgresLog], database_url: str) -> None:
    writer, _ = logs
    heard: list[int] = []
    connection = await asyncpg.connect(database_url)
    last = asyncio.Event()

    def hear(*news: Any) -> None:
        heard.append(int(news[-1]))
        if heard[-1] == 55:
            last.set()

    await connection.add_listener("stagebook_log", hear)
    await writer.wait(0, 0.5)
    started = monotonic()
    for position in range(1, 56):
        writer._growth.notify(position)
        await asyncio.sleep(0.0005)
    async with asyncio.timeout(10):
        await last.wait()
    await connection.close()
    assert len(heard) <= (monotonic() - started) / 0.005 + 2


async def test_a_lost_connection_is_made_again_and_nothing_is_missed(logs: tuple[PostgresLog, PostgresLog], database_url: str) -> None:
    writer, reader = logs
    connection = await asyncpg.connect(database_url)
    cut = """
        select count(pg_terminate_backend(pid)) from pg_stat_activity
        where application_name = 'stagebook_growth' and datname = current_database()
    """
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        waiting = group.create_task(reader.wait(0, 60))
        while not await connection.fetchval(cut):  # noqa: ASYNC110  # nothing tells when the other one listens
            await asyncio.sleep(0.02)
        await writer.append([single(uuid4())])
    assert waiting.result()
    await connection.close()
