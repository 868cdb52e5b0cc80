"""`append`: units of two records, from the command to the commit: ledger, encoding, encryption, unique positions, leaf hashes.

The domain of this benchmark (`holds`) decides as little as the baseline's does, so that the figure speaks of the log; what
deciding a real order costs is in `commands`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import count
from statistics import median
from uuid import UUID, uuid4

import asyncpg

from application.bus.bus import Bus
from application.bus.messages import Outcome, Request
from application.ids import fresh_uuid7
from application.ports import Record
from application.principal import system
from application.registry import Command
from infrastructure.bench import baselines, holds
from infrastructure.bench.report import Figure, Report, conditions
from infrastructure.bench.stack import database, settle
from infrastructure.bootstrap import open_core
from infrastructure.codec.codec import EventCodec
from infrastructure.crypto.keyring import Keyring

_CONCURRENT = (1, 8, 64, 256)
_SECONDS = 3.0
_REPETITIONS = 3
_STOCKS = 64
_PERSONS = 1_000
_COPIED = 60_000
_LIBRARY = ((1, 1), (8, 1), (1, 2), (8, 2))
"""(threads, events a save)."""
_LIBRARY_UNITS = 800
_ORGANIZATION = system("bench", uuid4())


async def run() -> Report:
    """Measure on a fresh database."""
    rates: dict[int, list[float]] = {concurrent: [] for concurrent in _CONCURRENT}
    library: dict[tuple[int, int], list[float]] = {way: [] for way in _LIBRARY}
    copied: list[float] = []
    alone: list[float] = []
    with holds.registered():
        async with database() as settings, open_core(settings) as core:
            bus = Bus(
                log=core.log,
                codec=EventCodec(Keyring(core.keys), holds.EVENTS, holds.AGGREGATES),
                keys=core.keys,
                authorize=lambda _permission, _unit: None,
                clock=lambda: datetime.now(UTC),
            )
            await bus.start()
            commands = _commands([(await _send(bus, holds.OpenBenchStock())).replies[0].id for _ in range(_STOCKS)])
            await _rate(bus, commands, 256)  # persons' keys into memory, plans into the server's cache
            for _ in range(_REPETITIONS):
                for concurrent in _CONCURRENT:
                    await settle()
                    rate, seconds = await _rate(bus, commands, concurrent)
                    rates[concurrent].append(rate)
                    alone += [1000 * second for second in seconds] if concurrent == 1 else []
                for way, measured in library.items():
                    await settle()
                    save = partial(baselines.application_save, settings.database_url, *way, units=_LIBRARY_UNITS)
                    measured.append(await asyncio.to_thread(save))
                await settle()
                copied.append(await baselines.copy_records(settings.database_url, await _rows(settings.database_url), Record._fields))
            await bus.close()
    return _report(rates, library, copied, alone)


def _report(rates: dict[int, list[float]], library: dict[tuple[int, int], list[float]], copied: list[float], alone: list[float]) -> Report:
    best = median(rates[max(rates)])
    of_one, of_two = (max(median(values) for (_, events), values in library.items() if events == n) for n in (1, 2))
    return Report(
        benchmark="append",
        figures=[
            *(Figure(name=f"units of two records, {n} concurrent", unit="records/s", values=values) for n, values in rates.items()),
            *(
                Figure(name=f"Application.save, {threads} threads, {events} events a save", unit="events/s", values=values, note="baseline")
                for (threads, events), values in library.items()
            ),
            Figure(name="COPY into the same table", unit="records/s", values=copied, note="baseline"),
            Figure(name="one unit alone, p50", unit="ms", values=[median(alone)]),
        ],
        ratios={
            "records/s over Application.save of one event (the better of 1 and 8 threads)": best / of_one,
            "records/s over Application.save of two events": best / of_two,
            "records/s over COPY": best / median(copied),
        },
        conditions=conditions(seconds=_SECONDS, repetitions=_REPETITIONS, stocks=_STOCKS),
    )


def _commands(stocks: Sequence[UUID]) -> Iterator[holds.PlaceBenchHold]:
    for n in count():
        person = n % _PERSONS
        yield holds.PlaceBenchHold(
            stock_id=stocks[n % len(stocks)], email=f"person{person}@example.org", name=f"Person {person}", quantity=2
        )


async def _send(bus: Bus, sent: Command) -> Outcome:
    command_id = fresh_uuid7()
    return await bus.submit(
        Request(commands=[sent], principal=_ORGANIZATION, command_id=command_id, idempotency_key=str(command_id), correlation_id="bench")
    )


async def _rate(bus: Bus, commands: Iterator[Command], concurrent: int) -> tuple[float, list[float]]:
    """Records per second, and each unit's seconds."""
    began = time.perf_counter()
    taken: list[float] = []

    async def client() -> None:
        while (now := time.perf_counter()) < began + _SECONDS:
            await _send(bus, next(commands))
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
