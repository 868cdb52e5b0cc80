"""Who is told to stop stops, also when a connection breaks at the same moment and its error takes the place of the cancellation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, NoReturn, Self, cast

from application.access import authorize
from application.bus.bus import Bus
from application.bus.messages import Unavailable
from projections.deadlines import DEADLINES
from projections.runner.feed import Feed
from projections.runner.run import Runner
from projections.runner.values import Pool
from tests.support.inprocess import Complaints
from tests.support.memory import MemoryCodec, MemoryKeys, MemoryLog


class BreakingPool:
    """Waits for a connection; it breaks when the wait is cancelled."""

    def acquire(self) -> Self:
        return self

    async def __aenter__(self) -> NoReturn:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise ConnectionResetError from None
        raise AssertionError

    async def __aexit__(self, *_: object) -> None:
        pass


class BreakingLog(MemoryLog):
    """The first waits break when they are cancelled."""

    breaks = 2

    async def wait(self, after: int, timeout: float) -> bool:
        try:
            return await super().wait(after, timeout)
        except asyncio.CancelledError:
            self.breaks -= 1
            if self.breaks < 0:
                raise
            raise Unavailable from None


async def test_a_projection_stops_when_its_connection_breaks_at_the_same_moment() -> None:
    codec: Any = MemoryCodec()
    pool = cast(Pool, BreakingPool())
    runner = Runner(DEADLINES, pool=pool, feed=Feed(MemoryLog(), codec), owner="test", observer=Complaints())
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.05)
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=10)
    assert done


async def test_a_bus_closes_when_its_connections_break_at_the_same_moment() -> None:
    bus = Bus(log=BreakingLog(), codec=MemoryCodec(), keys=MemoryKeys(), authorize=authorize, clock=lambda: datetime.now(UTC))
    await bus.start()
    await asyncio.sleep(0.05)
    async with asyncio.timeout(10):
        await bus.close()
