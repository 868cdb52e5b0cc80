"""Where everything is wired together, and nowhere else: the processes of the program and what the command line asks of them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

import application.catalog  # noqa: F401  # registers the commands
from api.app import create_app
from api.auth import Credentials
from api.services import ApiSettings
from application.access import authorize
from application.bus.bus import Bus
from infrastructure import collector, demo
from infrastructure.codec.codec import EventCodec
from infrastructure.crypto.keyring import Keyring
from infrastructure.deadlines import send_due
from infrastructure.observer import LoggingObserver
from infrastructure.postgres.keys import PostgresKeys
from infrastructure.postgres.log import PostgresLog
from infrastructure.postgres.pool import PROJECTOR, open_pool
from infrastructure.postgres.read_store import PostgresReadStore
from infrastructure.processes import process_name
from infrastructure.settings import Settings
from projections.catalog import PROJECTIONS
from projections.relational import RELATIONAL
from projections.runner.retry import retry
from projections.runner.run import Runner
from projections.runner.status import status
from projections.verify import verify

_UNBOUNDED_SECONDS = 24 * 3600.0
"""For statements of the projections, which may rebuild everything."""


class Core(NamedTuple):
    """The log and what it takes to read it."""

    log: PostgresLog
    keys: PostgresKeys
    codec: EventCodec


@asynccontextmanager
async def open_core(settings: Settings) -> AsyncIterator[Core]:
    """Connect to a migrated database. `settings` has its keys."""
    log = await PostgresLog.open(settings.database_url)
    keys = await PostgresKeys.open(settings.database_url, bytes.fromhex(settings.master_key))
    try:
        yield Core(log, keys, EventCodec(Keyring(keys)))
    finally:
        await keys.close()
        await log.close()


@asynccontextmanager
async def open_bus(settings: Settings, core: Core) -> AsyncIterator[Bus]:
    """A running command bus; on leaving, commands under way are finished."""
    bus = Bus(
        log=core.log,
        codec=core.codec,
        keys=core.keys,
        authorize=authorize,
        clock=lambda: datetime.now(UTC),
        batch_limit=settings.batch_limit,
        queue_limit=settings.command_queue_limit,
        cache_size=settings.cache_size,
    )
    await bus.start()
    try:
        yield bus
    finally:
        await bus.close()


def serve(settings: Settings) -> None:
    """Run the API until SIGTERM or SIGINT."""
    _run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with (
        open_core(settings) as core,
        open_bus(settings, core) as bus,
        await open_pool(settings.database_url, role=PROJECTOR, settings={"timezone": "UTC"}) as pool,
    ):
        reads = PostgresReadStore(pool, RELATIONAL.name)
        app = create_app(
            bus,
            reads,
            Credentials(bus, platform_key_sha256=settings.platform_key_sha256),
            authorize=authorize,
            settings=ApiSettings(trusted_proxies=settings.trusted_proxies),
        )
        server = Server(
            app,
            address=settings.host,
            port=settings.port,
            interface=Interfaces.ASGI,
            backlog=1024,
            websockets=False,
            log_enabled=False,
        )
        _on_signal(server.stop)
        async with _beside(send_due(settings.database_url, bus)), _beside(collector.collect_by_the_clock()):
            await server.serve()


def work(settings: Settings) -> None:
    """Run the projections until SIGTERM or SIGINT."""
    _run(_work(settings))


async def _work(settings: Settings) -> None:
    async with (
        open_core(settings) as core,
        # Rows and checkpoint commit together: what a crash of the server takes back is projected again.
        await open_pool(settings.database_url, role=PROJECTOR, timeout=_UNBOUNDED_SECONDS, settings={"synchronous_commit": "off"}) as pool,
        asyncio.TaskGroup() as group,
        _beside(collector.collect_by_the_clock()),
    ):
        owner = settings.worker_name or process_name()
        for projection in PROJECTIONS:
            runner = Runner(projection, pool=pool, log=core.log, codec=core.codec, owner=owner, observer=LoggingObserver())
            running = group.create_task(runner.run())
            _on_signal(running.cancel)


async def load_demo(settings: Settings) -> str:
    """Make the demo organization by sending commands; returns its owner's key."""
    async with open_core(settings) as core, open_bus(settings, core) as bus:
        return await demo.load(bus)


async def projection_status(settings: Settings) -> Sequence[dict[str, Any]]:
    """Per projection: where it stands, how far behind, what is parked."""
    async with open_core(settings) as core, await open_pool(settings.database_url, role=PROJECTOR) as pool, pool.acquire() as connection:
        found = [await status(projection, connection=connection, log=core.log, now=datetime.now(UTC)) for projection in PROJECTIONS]
    return [one._asdict() | {"parked": [parked._asdict() for parked in one.parked]} for one in found]


async def verify_projections(settings: Settings) -> Sequence[dict[str, Any]]:
    """A1: per table, live against replayed rows."""
    rows = []
    async with open_core(settings) as core, await open_pool(settings.database_url, role=PROJECTOR, timeout=_UNBOUNDED_SECONDS) as pool:
        for projection in PROJECTIONS:
            async with pool.acquire() as connection:
                verification = await verify(projection, connection=connection, log=core.log, codec=core.codec)
            rows += [
                {
                    "projection": projection.name,
                    "table": table.table,
                    "rows": table.rows,
                    "replayed": table.replayed_rows,
                    "equal": table.equal,
                    "differing": ", ".join(map(str, table.differing)),
                    "position": verification.position,
                }
                for table in verification.tables
            ]
    return rows


async def retry_projections(settings: Settings) -> Sequence[dict[str, Any]]:
    """Apply again, in order, what was parked; returns what is parked still."""
    stuck = []
    async with open_core(settings) as core, await open_pool(settings.database_url, role=PROJECTOR, timeout=_UNBOUNDED_SECONDS) as pool:
        for projection in PROJECTIONS:
            async with pool.acquire() as connection:
                found = await retry(projection, connection=connection, log=core.log, codec=core.codec)
            stuck += [{"projection": projection.name, **parked._asdict()} for parked in found.values()]
    return stuck


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run a process of the program on a fast loop."""
    collector.take_over()
    uvloop.run(main)


def _on_signal(stop: Callable[[], object]) -> None:
    """Call `stop` on SIGTERM and SIGINT, besides what was asked for before."""
    loop = asyncio.get_running_loop()
    _STOPS.append(stop)
    for asked in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(asked, lambda: [stop() for stop in _STOPS])


_STOPS: list[Callable[[], object]] = []


@asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run something as long as the block runs."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
