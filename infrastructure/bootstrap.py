"""Where everything is wired together, and nowhere else: the processes of the program and what the command line asks of them."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import uvloop
from granian.constants import Interfaces
from granian.server.embed import Server

import application.catalog  # noqa: F401  # registers the commands
from api.app import create_app
from api.auth import Credentials
from api.operations.kinds import kinds, problem_details
from api.services import ApiSettings
from application.access import authorize
from application.bus.bus import Bus, Watch
from application.operations.model import Operations, Run
from application.operations.runner import Runner as OperationRunner
from infrastructure import collector
from infrastructure.codec.codec import EventCodec
from infrastructure.crypto.keyring import Keyring
from infrastructure.deadlines import send_due
from infrastructure.observer import LoggingObserver, Observers
from infrastructure.postgres.claims import PostgresClaims
from infrastructure.postgres.keys import PostgresKeys
from infrastructure.postgres.log import PostgresLog
from infrastructure.postgres.operations import PostgresOperations
from infrastructure.postgres.pool import APPENDER, PROJECTOR, close_pool, open_pool
from infrastructure.postgres.read_store import SESSION, PostgresReadStore
from infrastructure.processes import process_name
from infrastructure.settings import Settings
from infrastructure.telemetry.api import ApiTelemetry
from infrastructure.telemetry.loop import LoopLag
from infrastructure.telemetry.slow import all_of, slow_command_log
from infrastructure.telemetry.standing import Standings
from infrastructure.telemetry.tracing import open_tracing, projection_traces, request_traces
from infrastructure.telemetry.worker import WorkerFigures, served
from projections.catalog import PROJECTIONS
from projections.relational import RELATIONAL
from projections.runner.feed import Feed
from projections.runner.run import Runner

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
async def open_bus(settings: Settings, core: Core, *watches: Watch) -> AsyncIterator[Bus]:
    """A running command bus; on leaving, commands under way are finished. `watches` are told of every request."""
    bus = Bus(
        log=core.log,
        codec=core.codec,
        keys=core.keys,
        authorize=authorize,
        clock=lambda: datetime.now(UTC),
        batch_limit=settings.batch_limit,
        queue_limit=settings.command_queue_limit,
        cache_size=settings.cache_size,
        watch=all_of(slow_command_log(settings.slow_seconds), *watches),
    )
    await bus.start()
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def open_operations(settings: Settings, core: Core, kinds: Mapping[str, Run]) -> AsyncIterator[Operations]:
    """Where operations are kept; as long as the block runs, this process carries them out."""
    queued, kept = asyncio.Event(), timedelta(hours=settings.operation_results_hours)
    pool = await open_pool(settings.database_url, role=APPENDER)
    runner = OperationRunner(PostgresClaims(pool, core.keys, queued, kept=kept), kinds, describe=problem_details)
    runner.start()
    try:
        yield PostgresOperations(pool, core.keys, queued, kept=kept)
    finally:
        await runner.close()
        await close_pool(pool)


def serve(settings: Settings) -> None:
    """Run the API until SIGTERM or SIGINT."""
    _run(_serve(settings))


async def _serve(settings: Settings) -> None:
    async with (
        open_tracing("stagebook-api") as tracing,
        open_core(settings) as core,
        await open_pool(settings.database_url, role=PROJECTOR, settings=SESSION) as pool,
        AsyncExitStack() as resources,
    ):
        traces = request_traces(tracing)
        bus = await resources.enter_async_context(open_bus(settings, core, *([traces.command] if traces else [])))
        telemetry = ApiTelemetry(bus, Standings(pool, core.log, PROJECTIONS), traces=traces)
        reads = PostgresReadStore(pool, RELATIONAL.name)
        operations = await resources.enter_async_context(open_operations(settings, core, kinds(bus, reads, authorize)))
        app = create_app(
            bus,
            reads,
            Credentials(bus, platform_key_sha256=settings.platform_key_sha256),
            codec=core.codec,
            operations=operations,
            telemetry=telemetry,
            authorize=authorize,
            settings=ApiSettings(
                slow_seconds=settings.slow_seconds, trusted_proxies=settings.trusted_proxies, metrics_token=settings.metrics_token
            ),
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
        async with (
            _beside(send_due(settings.database_url, bus)),
            _beside(telemetry.loop_lag.run()),
            _beside(collector.collect_by_the_clock()),
        ):
            await server.serve()


def work(settings: Settings) -> None:
    """Run the projections until SIGTERM or SIGINT."""
    _run(_work(settings))


async def _work(settings: Settings) -> None:
    figures, loop_lag = WorkerFigures(), LoopLag()
    async with (
        open_tracing("stagebook-worker") as tracing,
        open_core(settings) as core,
        # Rows and checkpoint commit together: what a crash of the server takes back is projected again.
        await open_pool(settings.database_url, role=PROJECTOR, timeout=_UNBOUNDED_SECONDS, settings={"synchronous_commit": "off"}) as pool,
        _beside(collector.collect_by_the_clock()),
        _beside(loop_lag.run()),
        AsyncExitStack() as resources,
        asyncio.TaskGroup() as group,  # the innermost: leaving it waits for the projections, and the others run meanwhile
    ):
        resources.enter_context(served(figures, loop_lag, host=settings.host, port=settings.worker_metrics_port))
        observer = Observers(LoggingObserver(), figures, *projection_traces(tracing))
        owner = settings.worker_name or process_name()
        feed = Feed(core.log, core.codec)
        for projection in PROJECTIONS:
            runner = Runner(projection, pool=pool, feed=feed, owner=owner, observer=observer)
            running = group.create_task(runner.run())
            _on_signal(running.cancel)


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
