"""A pool, and a running projection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress

import asyncpg
import pytest

from projections.runner.feed import Feed
from projections.runner.run import Runner
from projections.runner.values import Pool
from tests.unit.projections.runner.small import SmallWorld, Witness

Running = Callable[..., AbstractAsyncContextManager[Witness]]


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with asyncpg.create_pool(database_url, min_size=1, max_size=5) as pool:
        yield pool


@pytest.fixture
def running(pool: Pool) -> Running:
    """A runner as a background task; leaving the context stops it."""

    @asynccontextmanager
    async def run(world: SmallWorld, owner: str = "worker") -> AsyncIterator[Witness]:
        witness = Witness()
        runner = Runner(world.projection, pool=pool, feed=Feed(world.log, world.codec), owner=owner, observer=witness)
        task = asyncio.create_task(runner.run())
        try:
            yield witness
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    return run


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait, for at most ten seconds, until something holds."""

    async def until(holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not holds():  # noqa: ASYNC110  # what is waited for happens in the database, and tells nobody
                await asyncio.sleep(0.01)

    return until
