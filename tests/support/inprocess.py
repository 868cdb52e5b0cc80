"""The system inside the test's own process: real PostgreSQL, log, codec and projections, two buses, a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime

import asyncpg

from application.access import authorize
from application.bus.bus import Bus
from application.bus.messages import Outcome, Request
from application.ids import fresh_uuid7
from application.ports import Record
from application.principal import Principal
from application.registry import Command
from infrastructure.bootstrap import Core, open_core
from infrastructure.postgres.migrate import migrate
from infrastructure.postgres.pool import PROJECTOR, Pool, open_pool
from infrastructure.settings import Settings
from projections.catalog import PROJECTIONS
from projections.runner.feed import Feed
from projections.runner.park import Parked
from projections.runner.run import Runner
from tests.support.truths import positions_of

MASTER_KEY = "5a" * 32
PATIENCE = 60.0
"""Seconds that the projections may take; the machine is shared."""


class Complaints:
    """Remembers what a projection complains about: in a test nothing may be parked."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def advanced(self, projection: str, records: Sequence[Record], seconds: float) -> None:
        """Good news."""

    def parked(self, projection: str, parked: Parked) -> None:
        """A record could not be applied."""
        self.heard.append(f"{projection} parked {parked}")

    def interrupted(self, projection: str, error: Exception) -> None:
        """Something else failed."""
        self.heard.append(f"{projection} interrupted by {error!r}")

    def rebuilt(self, projection: str, position: int) -> None:
        """Good news."""


class Process:
    """A command bus with connections, keys and caches of its own, as an API process has them."""

    def __init__(self, core: Core, bus: Bus, resources: AsyncExitStack) -> None:
        self.core = core
        self.bus = bus
        self._resources = resources

    @classmethod
    async def start(cls, url: str, clock: Callable[[], datetime], master_key: str = MASTER_KEY) -> Process:
        """Connect to a migrated database and take commands."""
        resources = AsyncExitStack()
        core = await resources.enter_async_context(open_core(Settings(database_url=url, master_key=master_key)))
        bus = Bus(log=core.log, codec=core.codec, keys=core.keys, authorize=authorize, clock=clock)
        await bus.start()
        resources.push_async_callback(bus.close)
        return cls(core, bus, resources)

    async def stop(self) -> None:
        """Finish what is under way and disconnect."""
        await self._resources.aclose()

    async def send(self, principal: Principal, *commands: Command, key: str | None = None) -> Outcome:
        """Run the commands as one unit."""
        return await self.bus.submit(Request(commands=commands, principal=principal, command_id=fresh_uuid7(), idempotency_key=key))


class System:
    """Two buses on one database, and the projections."""

    def __init__(self, url: str, clock: Callable[[], datetime]) -> None:
        self.url = url
        self.complaints = Complaints()
        self.processes: list[Process] = []
        self._clock = clock
        self._pool: Pool | None = None
        self._reader: Core | None = None
        self._runners: list[asyncio.Task[None]] = []
        self._resources = AsyncExitStack()
        self._starts = 0

    async def start(self) -> None:
        """Bring everything up."""
        await migrate(self.url)  # a database that was copied lacks the grants on itself
        self._reader = await self._resources.enter_async_context(open_core(Settings(database_url=self.url, master_key=MASTER_KEY)))
        self._pool = await open_pool(self.url, role=PROJECTOR, timeout=PATIENCE)
        self._resources.push_async_callback(self._pool.close)
        self.processes = [await Process.start(self.url, self._clock) for _ in range(2)]
        self._start_runners()

    async def stop(self) -> None:
        """Bring everything down."""
        await self._stop_runners()
        for process in self.processes:
            await process.stop()
        await self._resources.aclose()

    async def restart_process(self, number: int) -> None:
        """A bus that has forgotten everything takes the place of this one."""
        await self.processes[number].stop()
        self.processes[number] = await Process.start(self.url, self._clock)

    async def restart_runners(self) -> None:
        """The projections stop, wherever they are, and go on from their checkpoints."""
        await self._stop_runners()
        self._start_runners()

    async def caught_up(self) -> None:
        """Wait until every projection has applied the whole log."""
        async with asyncio.timeout(PATIENCE):
            connection = await asyncpg.connect(self.url)
            try:
                while not (await positions_of(connection)).caught_up:
                    assert not self.complaints.heard
                    await asyncio.sleep(0.01)
            finally:
                await connection.close()
        assert not self.complaints.heard

    @property
    def core(self) -> Core:
        """For readers: a log, keys and codec that no bus uses."""
        assert self._reader is not None
        return self._reader

    @property
    def pool(self) -> Pool:
        """Connections in the projector's role."""
        assert self._pool is not None
        return self._pool

    def _start_runners(self) -> None:
        self._starts += 1
        owner = f"test:{self._starts}"
        feed = Feed(self.core.log, self.core.codec)
        for projection in PROJECTIONS:
            runner = Runner(projection, pool=self.pool, feed=feed, owner=owner, observer=self.complaints)
            self._runners.append(asyncio.create_task(runner.run()))

    async def _stop_runners(self) -> None:
        for runner in self._runners:
            runner.cancel()
        await asyncio.gather(*self._runners, return_exceptions=True)
        self._runners.clear()
