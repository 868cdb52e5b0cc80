"""`query`: a row by id, a list of 50, filtered lists, a history, over HTTP, each beside a bare route that answers with the same bytes."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final, NamedTuple
from urllib.request import Request, urlopen

import asyncpg

from infrastructure.bench.festival import Festival, open_festival, orders, send
from infrastructure.bench.http_load import Load, Reads, generator, read_load
from infrastructure.bench.report import Figure, Report, conditions
from infrastructure.bench.stack import System, free_port, projected, records_in, running_bus, running_system, wait_for
from projections.ticketing.orders import orders as orders_table

ROWS: Final = 200_000
_REAL: Final = 2_000
"""Orders made by commands; the others are copies of their rows, with other numbers, times, states and amounts."""
_CATEGORIES: Final = 16
_CUSTOMERS: Final = _REAL // _CATEGORIES
BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_CONNECTIONS: Final = 32
_QUIET_CONNECTIONS: Final = 2
"""For latency: enough that one request is always under way."""
_SECONDS: Final = 4
_REPETITIONS: Final = 3


class _Case(NamedTuple):
    """A kind of request."""

    name: str
    paths: Sequence[str]
    connections: int = _CONNECTIONS
    anew: bool = False


async def run() -> Report:
    """Measure the whole system in its own process tree."""
    return await asyncio.to_thread(_run)


def _run() -> Report:
    figures: list[Figure] = []
    ratios: dict[str, float] = {}
    with running_system() as system, TemporaryDirectory() as folder:
        festival, ids = asyncio.run(_fill(system))
        for case in _cases(festival, ids):
            found, bare = _measure(case, system, festival.owner_key, Path(folder))
            figures += [
                Figure(name=case.name, unit="requests/s", values=[one.rate for one in found], note=_refusals(found)),
                Figure(name=f"{case.name}, p50", unit="ms", values=[one.p50 for one in found]),
                Figure(name=f"{case.name}, p99", unit="ms", values=[one.p99 for one in found]),
                Figure(name=f"{case.name}, bare route", unit="requests/s", values=[one.rate for one in bare], note="baseline; same bytes"),
            ]
            ratios[f"{case.name} / bare route"] = figures[-4].median / figures[-1].median
    about = conditions(seconds=_SECONDS, repetitions=_REPETITIONS, rows=ROWS, load=generator())
    return Report(benchmark="query", figures=figures, ratios=ratios, conditions=about)


def _cases(festival: Festival, ids: Sequence[str]) -> Iterator[_Case]:
    """Warm: the organization has no new records meanwhile. Anew: no answer is given a second time, as if it had."""
    rows, pages = [f"/v1/orders/{row}" for row in ids], ["/v1/orders?limit=50"]
    histories = [f"{row}/history" for row in rows]
    for name, paths in (("get by id", rows), ("list of 50", pages), ("history", histories)):
        yield _Case(name, paths)
        yield _Case(f"{name}, anew", paths, anew=True)
    filters = [each for n in range(300) for each in _filters(festival, n)]
    yield _Case(
        f"filtered list, {_QUIET_CONNECTIONS} connections", [f"/v1/orders?{each}" for each in filters], _QUIET_CONNECTIONS, anew=True
    )


def _filters(festival: Festival, n: int) -> Iterator[str]:
    """What people look for among 200,000 orders: common and rare, in several orders."""
    day = BEGIN + timedelta(days=n)
    state = ("confirmed", "pending", "expired", "cancelled", "refunded")[n % 5]
    yield f"filter[event_id]={festival.event_id}&filter[order_status]={state}"
    yield f"filter[order_status]={state}&filter[created_at][lt]={day:%Y-%m-%d}"
    yield f"filter[created_at][gte]={day:%Y-%m-%d}&filter[created_at][lt]={day + timedelta(days=1):%Y-%m-%d}&sort=created_at"
    yield f"filter[customer_email]=customer{n % _CUSTOMERS}@example.org&sort=-total_amount"
    yield f"filter[total_amount][gte]={n % 190}.50&filter[order_status][in]=cancelled,expired"
    yield f"filter[order_number]=C{n * 600}"


def _measure(case: _Case, system: System, key: str, folder: Path) -> tuple[list[Load], list[Load]]:
    """The system and the bare route in turns."""
    request = Request(system.url + case.paths[0], headers={"Authorization": f"Bearer {key}"})  # noqa: S310  # our own server
    with urlopen(request) as answer:  # noqa: S310
        body = folder / "body"
        body.write_bytes(answer.read())
    more = {"Cache-Control": "no-cache"} if case.anew else {}
    reads = Reads(system.url, {"Authorization": f"Bearer {key}", **more}, case.paths)
    found, bare = [], []
    with _bare(body) as url:
        read_load(reads, case.connections, 2)  # plans, caches
        for _ in range(_REPETITIONS):
            time.sleep(0.5)
            found.append(read_load(reads, case.connections, _SECONDS))
            time.sleep(0.5)
            bare.append(read_load(Reads(url, {}, ["/bare"]), case.connections, _SECONDS))
    return found, bare


async def _fill(system: System) -> tuple[Festival, list[str]]:
    """Orders by commands, then as many more rows as there shall be. Returns ids of the first."""
    async with running_bus(system.settings) as (_, bus):
        festival = await open_festival(bus, _CATEGORIES)
        commands = orders(festival)
        made = [await asyncio.gather(*(send(bus, festival.principal, next(commands)) for _ in range(100))) for _ in range(_REAL // 100)]
    ids = [str(outcome.replies[0].id) for chunk in made for outcome in chunk]
    head = await records_in(system.database_url)
    connection = await asyncpg.connect(system.database_url)
    try:
        await projected(connection, head)
        await connection.execute(_MULTIPLY)
        await connection.execute("analyze read.orders")
    finally:
        await connection.close()
    return festival, Random(1).sample(ids, 1000)  # noqa: S311  # any will do


def _copied() -> str:
    """The columns of a copied row."""
    own = {
        "id": "gen_random_uuid()",
        "order_number": "'C' || n",
        "order_status": "(array['confirmed','confirmed','confirmed','pending','expired'])[1 + n % 5]",
        "total_amount": "(n % 20000) / 100.0",
        "created_at": f"timestamptz '{BEGIN:%Y-%m-%d}' + n * interval '150 seconds'",
    }
    own["order_status"] = f"case when n % 100 = 0 then 'cancelled' else {own['order_status']} end"
    return ", ".join(own.get(column.name, f'o."{column.name}"') for column in orders_table.columns)


_MULTIPLY: Final = f"""
    insert into read.orders
    select {_copied()}
    from generate_series(1, {ROWS - _REAL}) as n
    join (select *, row_number() over () as k from read.orders) as o on o.k = 1 + n % {_REAL}
"""  # noqa: S608  # names of the metadata


def _refusals(loads: list[Load]) -> str:
    refused = sum(one.refused for one in loads)
    return f"{refused} refused" if refused else ""


@contextmanager
def _bare(body: Path) -> Iterator[str]:
    """A route that answers with these bytes and does nothing else."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "infrastructure.bench.bare", str(port), str(body)]) as process:  # our own module
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/bare", "GET")
            yield url
        finally:
            process.kill()
