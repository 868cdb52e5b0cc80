"""What benchmarks run on: an embedded PostgreSQL of their own in a temporary folder, migrated, with or without the whole system on it."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import urlsplit

import asyncpg

from application.bus.bus import Bus
from infrastructure.bootstrap import Core, open_bus, open_core
from infrastructure.postgres.embedded import PostgresServer
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings


@contextmanager
def temporary_settings() -> Iterator[Settings]:
    """Settings for a fresh data folder; nothing runs yet."""
    with TemporaryDirectory(prefix="stagebook-bench-") as folder:
        yield Settings(data_dir=Path(folder)).with_keys()


@asynccontextmanager
async def database() -> AsyncIterator[Settings]:
    """A running, migrated database of its own; `DATABASE_URL`, where it is set, is used instead."""
    with temporary_settings() as settings:
        given = os.environ.get("DATABASE_URL")
        if given:
            await migrate(given)
            yield settings.with_options(database_url=given)
            return
        server = PostgresServer(settings.data_dir)
        server.start()
        try:
            await migrate(server.url())
            yield settings.with_options(database_url=server.url())
        finally:
            server.stop()


@asynccontextmanager
async def running_bus(settings: Settings) -> AsyncIterator[tuple[Core, Bus]]:
    """A bus in this process."""
    async with open_core(settings) as core, open_bus(settings, core) as bus:
        yield core, bus


class System(NamedTuple):
    """The whole system in its own process tree."""

    url: str
    database_url: str
    settings: Settings


@contextmanager
def running_system() -> Iterator[System]:
    """`stagebook up` on a fresh data folder and a free port."""
    with temporary_settings() as settings:
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "api.cli.main",
            "up",
            "--data-dir",
            str(settings.data_dir),
            "--port",
            str(port),
            "--no-demo",
            "--json",
        ]
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
            try:
                assert process.stdout is not None  # noqa: S101  # for the type checker
                started = json.loads(process.stdout.readline())
                yield System(
                    started["url"],
                    started["database_url"],
                    settings.with_options(database_url=started["database_url"], port=port).with_keys(),
                )
            finally:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


def free_port() -> int:
    """A TCP port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(url: str, method: str = "POST") -> None:
    """Return when a server answers there, or after ten seconds."""
    parts = urlsplit(url)
    for _ in range(100):
        with suppress(OSError), closing(http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=1)) as connection:
            connection.request(method, parts.path, b"{}" if method == "POST" else None)
            connection.getresponse().read()
            return
        time.sleep(0.1)


async def records_in(url: str) -> int:
    """Records in the log."""
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("select coalesce(max(position), 0) from log.records"))
    finally:
        await connection.close()


async def projected(connection: asyncpg.Connection[asyncpg.Record], position: int) -> None:
    """Wait until every projection has this position."""
    while await connection.fetchval("select min(scanned_to) from log.projection_leases") < position:
        await settle(0.05)


async def settle(seconds: float = 0.5) -> None:
    """Let the machine come to rest between two measurements."""
    await asyncio.sleep(seconds)
