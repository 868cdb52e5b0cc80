"""`project`: records per second through the projection runner from an empty schema: decode, project, fold, write, constraints, indexes."""

from __future__ import annotations

import asyncio
import time
from itertools import count, islice
from statistics import median

import asyncpg

from infrastructure.bench.festival import open_festival, orders, send
from infrastructure.bench.report import Figure, Report, conditions
from infrastructure.bench.stack import database, running_bus, settle
from infrastructure.bootstrap import open_core
from infrastructure.postgres.pool import Connection
from infrastructure.settings import Settings
from projections import ddl
from projections.rebuild import rebuild
from projections.relational import RELATIONAL

_ORDERS = 40_000
_CATEGORIES = 64
_REPETITIONS = 3
_CLIENTS = 256


async def run() -> Report:
    """Fill a log with orders, then rebuild the relational read model from it, several times."""
    rates: list[float] = []
    rows = 0
    copied: list[float] = []
    async with database() as settings:
        await _fill(settings)
        async with open_core(settings) as core:
            head = await core.log.head()
            for _ in range(_REPETITIONS):
                connection = await asyncpg.connect(settings.database_url)
                try:
                    await settle()
                    started = time.perf_counter()
                    await rebuild(RELATIONAL, connection=connection, log=core.log, codec=core.codec)
                    rates.append(head / (time.perf_counter() - started))
                    rows, seconds = await _copy(connection)
                    copied.append(rows / seconds)
                finally:
                    await connection.close()
    per_record = rows / head
    figures = [
        Figure(name="through the runner", unit="records/s", values=rates),
        Figure(name="rows written", unit="rows/record", values=[per_record]),
        Figure(name="rows through the runner", unit="rows/s", values=[rate * per_record for rate in rates]),
        Figure(name="COPY of the same rows", unit="rows/s", values=copied, note="baseline; constraints and indexes in place"),
    ]
    return Report(
        benchmark="project",
        figures=figures,
        ratios={"rows through the runner / COPY": median(rates) * per_record / median(copied)},
        conditions=conditions(records=head, repetitions=_REPETITIONS),
    )


async def _fill(settings: Settings) -> None:
    async with running_bus(settings) as (_, bus):
        festival = await open_festival(bus, _CATEGORIES)
        commands, left = orders(festival), count()

        async def client() -> None:
            while next(left) < _ORDERS:
                await send(bus, festival.principal, next(commands))

        await asyncio.gather(*(client() for _ in islice(count(), _CLIENTS)))


async def _copy(connection: Connection) -> tuple[int, float]:
    """The same rows by binary COPY into empty twins of the tables: how many, in how many seconds."""
    await ddl.create_bare(connection, RELATIONAL.metadata, "bench_copy")
    await ddl.complete(connection, RELATIONAL.metadata, "bench_copy")
    data = []
    for table in RELATIONAL.metadata.sorted_tables:
        columns = [column.name for column in table.columns]
        names = ", ".join(f'"{name}"' for name in columns)
        data.append((table.name, columns, await connection.fetch(f'select {names} from read."{table.name}"')))  # noqa: S608  # names of the metadata
    started = time.perf_counter()
    async with connection.transaction():
        for name, columns, rows in data:
            await connection.copy_records_to_table(name, schema_name="bench_copy", columns=columns, records=map(tuple, rows))
    seconds = time.perf_counter() - started
    await connection.execute("drop schema bench_copy cascade")
    return sum(len(rows) for _, _, rows in data), seconds
