"""`contention`: two processes, one hot stream. Neither may starve; together they should do most of what one does alone."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from itertools import count
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import Any

import uvloop

from infrastructure import collector
from infrastructure.bench.festival import Festival, door_orders, open_festival, send
from infrastructure.bench.report import Figure, Report, conditions
from infrastructure.bench.stack import database, running_bus, settle
from infrastructure.settings import Settings

_SECONDS = 4.0
_REPETITIONS = 3
_CLIENTS = 64


async def run() -> Report:
    """Measure on a fresh database. All orders want places of one category; each bus process has its own clients."""
    alone: list[float] = []
    shares: list[tuple[float, float]] = []
    slowest: list[float] = []
    async with database() as settings:
        async with running_bus(settings) as (_, bus):
            festival = await open_festival(bus, 1)
        for _ in range(_REPETITIONS):
            await settle()
            alone.append((await asyncio.to_thread(_processes, settings, festival, 1))[0][0])
            await settle()
            both = await asyncio.to_thread(_processes, settings, festival, 2)
            shares.append((both[0][0], both[1][0]))
            slowest.append(max(p99 for _, p99 in both))
    together = [first + second for first, second in shares]
    figures = [
        Figure(name="one process alone", unit="commands/s", values=alone, note="baseline"),
        Figure(name="two processes together", unit="commands/s", values=together),
        Figure(name="the slower of the two", unit="commands/s", values=[min(pair) for pair in shares]),
        Figure(name="the slower of the two, p99", unit="ms", values=slowest),
    ]
    ratios = {
        "together / alone": median(together) / median(alone),
        "the slower's share of both": median(min(pair) / sum(pair) for pair in shares),
    }
    return Report(
        benchmark="contention",
        figures=figures,
        ratios=ratios,
        conditions=conditions(seconds=_SECONDS, repetitions=_REPETITIONS, clients=_CLIENTS),
    )


def _processes(settings: Settings, festival: Festival, number: int) -> list[tuple[float, float]]:
    context = multiprocessing.get_context("spawn")
    barrier, answers = context.Barrier(number), context.Queue()
    started = [context.Process(target=_process, args=(settings, festival, n, barrier, answers)) for n in range(number)]
    for process in started:
        process.start()
    found = [answers.get(timeout=120) for _ in started]
    for process in started:
        process.join(30)
    return found


def _process(settings: Settings, festival: Festival, number: int, barrier: Barrier, answers: Any) -> None:
    collector.take_over()
    answers.put(uvloop.run(_load(settings, festival, number, barrier)))


async def _load(settings: Settings, festival: Festival, number: int, barrier: Barrier) -> tuple[float, float]:
    """(commands per second, 99th percentile of their milliseconds) of one process."""
    commands, keys = door_orders(festival), count()
    taken: list[float] = []
    async with running_bus(settings) as (_, bus):
        await send(bus, festival.principal, next(commands))
        await asyncio.to_thread(barrier.wait)
        began = time.perf_counter()

        async def client() -> None:
            while (now := time.perf_counter()) < began + _SECONDS:
                await send(bus, festival.principal, next(commands), f"{number}-{began}-{next(keys)}")
                taken.append(time.perf_counter() - now)

        await asyncio.gather(*(client() for _ in range(_CLIENTS)))
        rate = len(taken) / (time.perf_counter() - began)
    return rate, 1000 * sorted(taken)[int(len(taken) * 0.99)]
