"""`append`: units of two records, from the command to the commit: ledger, encoding, encryption, unique positions, leaf hashes.

The domain of this benchmark decides as little as the baseline's does, so that the figure speaks of the log; what
deciding a real order costs is in `commands`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import count
from statistics import median
from uuid import UUID, uuid4

import asyncpg

from application.bus.bus import Bus
from application.bus.messages import Outcome, Request
from application.ports import Record
from application.principal import system
from application.registry import Command, Reply, command
from application.unit import Unit
from domain.aggregate import Aggregate, Created, DomainEvent
from domain.personal import Personal
from infrastructure.bench import baselines
from infrastructure.bench.report import Figure, Report, conditions
from infrastructure.bench.stack import database, settle
from infrastructure.bootstrap import open_core

_CONCURRENT = (1, 8, 64, 256)
_SECONDS = 3.0
_REPETITIONS = 3
_STOCKS = 64
_PERSONS = 1_000
_COPIED = 60_000
_ORGANIZATION = system("bench", uuid4())


class BenchStockOpened(Created):
    """A limited number."""

    type_name = "bench_stock.opened"


class BenchStockReserved(DomainEvent):
    """A part of it is held."""

    type_name = "bench_stock.reserved"
    hold_id: UUID
    quantity: int

    def apply(self, aggregate: BenchStock) -> None:
        """Less is left."""
        aggregate.reserved += self.quantity


class BenchHoldPlaced(Created):
    """Somebody holds it."""

    type_name = "bench_hold.placed"
    person: UUID
    email: Personal[str | None, "person"]
    name: Personal[str | None, "person"]
    quantity: int


class BenchStock(Aggregate):
    """The contested side of a unit."""

    stream_type = "bench_stock"
    reserved: int = 0


class BenchHold(Aggregate):
    """The new side of a unit."""

    stream_type = "bench_hold"
    quantity: int = 0


class OpenBenchStock(Command, frozen=True, kw_only=True):
    """Begin a stock."""


class PlaceBenchHold(Command, frozen=True, kw_only=True):
    """Hold a part of a stock for a person."""

    stock_id: UUID
    email: str
    name: str
    quantity: int


def open_stock(_: OpenBenchStock, unit: Unit) -> Reply:
    """Begin a stock."""
    stock = BenchStock.begin(BenchStockOpened, id=unit.new_id(), now=unit.now, organization_id=unit.organization_id)
    unit.add(stock)
    return Reply(id=stock.id, version=1, collection="stocks")


def place_hold(command: PlaceBenchHold, unit: Unit) -> Reply:
    """Hold a part of a stock for a person: two records."""
    stock = unit.get(BenchStock, command.stock_id)
    hold = BenchHold.begin(
        BenchHoldPlaced,
        id=unit.new_id(),
        now=unit.now,
        organization_id=unit.organization_id,
        person=unit.person(command.email),
        email=command.email,
        name=command.name,
        quantity=command.quantity,
    )
    unit.add(hold)
    stock.trigger(BenchStockReserved, now=unit.now, hold_id=hold.id, quantity=command.quantity)
    return Reply(id=hold.id, version=1, collection="holds")


async def run() -> Report:
    """Measure on a fresh database."""
    command("POST /bench-stocks", permission="bench")(open_stock)
    command("POST /bench-holds", permission="bench")(place_hold)
    rates: dict[int, list[float]] = {concurrent: [] for concurrent in _CONCURRENT}
    library: dict[int, list[float]] = {1: [], 8: []}
    copied: list[float] = []
    alone: list[float] = []
    async with database() as settings, open_core(settings) as core:
        bus = Bus(
            log=core.log, codec=core.codec, keys=core.keys, authorize=lambda _permission, _unit: None, clock=lambda: datetime.now(UTC)
        )
        await bus.start()
        stocks = [(await _send(bus, OpenBenchStock())).replies[0].id for _ in range(_STOCKS)]
        holds = _holds(stocks)
        await _rate(bus, holds, 256)  # persons' keys into memory, plans into the server's cache
        for _ in range(_REPETITIONS):
            for concurrent in _CONCURRENT:
                await settle()
                rate, seconds = await _rate(bus, holds, concurrent)
                rates[concurrent].append(rate)
                alone += [1000 * second for second in seconds] if concurrent == 1 else []
            for threads, measured in library.items():
                await settle()
                measured.append(await asyncio.to_thread(baselines.application_save, settings.database_url, threads=threads, units=800))
            await settle()
            copied.append(await baselines.copy_records(settings.database_url, await _rows(settings.database_url), Record._fields))
        await bus.close()
    figures = [
        *(Figure(name=f"units of two records, {n} concurrent", unit="records/s", values=rates[n]) for n in _CONCURRENT),
        *(Figure(name=f"Application.save, {n} threads", unit="records/s", values=values, note="baseline") for n, values in library.items()),
        Figure(name="COPY into the same table", unit="records/s", values=copied, note="baseline"),
        Figure(name="one unit alone, p50", unit="ms", values=[median(alone)]),
    ]
    ratios = {
        "256 concurrent / Application.save (the better of 1 and 8 threads)": median(rates[256])
        / max(median(values) for values in library.values()),
        "256 concurrent / COPY": median(rates[256]) / median(copied),
    }
    return Report(
        benchmark="append",
        figures=figures,
        ratios=ratios,
        conditions=conditions(seconds=_SECONDS, repetitions=_REPETITIONS, stocks=_STOCKS),
    )


def _holds(stocks: Sequence[UUID]) -> Iterator[PlaceBenchHold]:
    for n in count():
        person = n % _PERSONS
        yield PlaceBenchHold(stock_id=stocks[n % len(stocks)], email=f"person{person}@example.org", name=f"Person {person}", quantity=2)


async def _send(bus: Bus, sent: Command) -> Outcome:
    command_id = uuid4()
    return await bus.submit(
        Request(commands=[sent], principal=_ORGANIZATION, command_id=command_id, idempotency_key=str(command_id), correlation_id="bench")
    )


async def _rate(bus: Bus, holds: Iterator[PlaceBenchHold], concurrent: int) -> tuple[float, list[float]]:
    """Records per second, and each unit's seconds."""
    began = time.perf_counter()
    taken: list[float] = []

    async def client() -> None:
        while (now := time.perf_counter()) < began + _SECONDS:
            await _send(bus, next(holds))
            taken.append(time.perf_counter() - now)

    await asyncio.gather(*(client() for _ in range(concurrent)))
    return 2 * len(taken) / (time.perf_counter() - began), taken


async def _rows(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(f"select {', '.join(Record._fields)} from log.records order by position limit $1", _COPIED)  # noqa: S608  # column names
        return [tuple(row) for row in rows]
    finally:
        await connection.close()
