"""`lag`: how long after its reply a command's row is there for others to read: PlaceOrder over HTTP at fixed rates, everything running."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg
import msgspec

from infrastructure.bench.commands import echo_server, open_sale, orders_target
from infrastructure.bench.festival import Festival
from infrastructure.bench.http_load import Target, posted
from infrastructure.bench.open_loop import Exchange, send_steadily
from infrastructure.bench.report import Figure, Report, conditions
from infrastructure.bench.stack import System, running_system, settle
from infrastructure.postgres.pool import Connection
from projections.relational import RELATIONAL
from projections.runner.checkpoint import PROJECTED, slot_of

_RATES: Final = (200, 1_000)
_SECONDS: Final = 10.0
_REPETITIONS: Final = 3
_AIM: Final = 150.0
"""Milliseconds, for the 99th percentile."""
_LATE_SECONDS: Final = 0.01
"""A request that leaves so much later than it should is counted."""
_LOOK_SECONDS: Final = 0.01
"""After which the watcher looks although nobody told it anything."""
_PATIENCE_SECONDS: Final = 30.0
_CREATED: Final = 201

_POSITION: Final = re.compile(rb"stagebook-position: (\d+)", re.IGNORECASE)
_REACHED: Final = """
    select greatest(s.position, l.scanned_to)
    from log.projections s join log.projection_leases l using (projection) where projection = $1 and slot = $2
"""


class NotVisible(Exception):
    """The projection says that it has a position, and the row of a record before it is not there: what is measured is not the lag."""


class _Order(msgspec.Struct):
    """Of an answer, what is looked for."""

    id: UUID


_ORDER: Final = msgspec.json.Decoder(_Order)


class _Round(NamedTuple):
    """What one round at one rate gave; times in milliseconds."""

    lags: Sequence[float]
    exchanges: Sequence[Exchange]
    confirmed: int
    """Rows that were looked for, and found."""

    @property
    def rate(self) -> float:
        """Answers per second."""
        ordered = sorted(exchange.answered for exchange in self.exchanges)
        return (len(ordered) - 1) / (ordered[-1] - ordered[0])

    @property
    def replies(self) -> list[float]:
        """From the moment at which a request should have left until its answer."""
        return sorted(1000 * (exchange.answered - exchange.due) for exchange in self.exchanges)

    @property
    def late(self) -> int:
        """Requests that did not leave when they should."""
        return sum(exchange.sent - exchange.due > _LATE_SECONDS for exchange in self.exchanges)


async def run() -> Report:
    """Measure the whole system in its own process tree."""
    rounds: dict[int, list[_Round]] = {rate: [] for rate in _RATES}
    echoes: dict[int, list[_Round]] = {rate: [] for rate in _RATES}
    with running_system() as system, echo_server() as echo_url:
        festival = await open_sale(system)
        target = orders_target(system, festival)
        async with _watching(system, festival) as watch:
            await _round(target, max(_RATES), _SECONDS / 2, watch)  # persons' keys, plans, caches
            for _ in range(_REPETITIONS):
                for rate in _RATES:
                    await settle()
                    rounds[rate].append(await _round(target, rate, _SECONDS, watch))
                    await settle()
                    echoes[rate].append(await _round(target._replace(url=echo_url), rate, _SECONDS / 2, None))
    figures = [figure for rate in _RATES for figure in _figures(rate, rounds[rate], echoes[rate])]
    worst = next(figure for figure in figures if figure.name == f"lag at {max(_RATES):,}/s, p99")
    return Report(
        benchmark="lag",
        figures=figures,
        ratios={f"{worst.name} / aim of {_AIM:.0f} ms": worst.median / _AIM},
        conditions=conditions(seconds=_SECONDS, repetitions=_REPETITIONS),
    )


def _figures(rate: int, rounds: Sequence[_Round], echoes: Sequence[_Round]) -> list[Figure]:
    at = f"at {rate:,}/s"
    refused = sum(exchange.status != _CREATED for one in rounds for exchange in one.exchanges)
    late, echoed_late = (
        f"{sum(one.late for one in each)} of {sum(len(one.exchanges) for one in each)} sent late" for each in (rounds, echoes)
    )
    confirmed = f"{sum(one.confirmed for one in rounds)} rows confirmed by SELECT"
    return [
        Figure(name=f"lag {at}, p50", unit="ms", values=[_quantile(one.lags, 0.5) for one in rounds], note=confirmed),
        Figure(name=f"lag {at}, p99", unit="ms", values=[_quantile(one.lags, 0.99) for one in rounds]),
        Figure(name=f"lag {at}, highest", unit="ms", values=[one.lags[-1] for one in rounds]),
        Figure(
            name=f"PlaceOrder {at}",
            unit="commands/s",
            values=[one.rate for one in rounds],
            note=f"{late}, {refused} refused" if refused else late,
        ),
        Figure(name=f"reply {at}, p99", unit="ms", values=[_quantile(one.replies, 0.99) for one in rounds]),
        Figure(name=f"echo {at}, p99", unit="ms", values=[_quantile(one.replies, 0.99) for one in echoes], note=f"baseline; {echoed_late}"),
    ]


def _quantile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


async def _round(target: Target, rate: int, seconds: float, watch: _Watch | None) -> _Round:
    """One round; with a watch, until all that was sent is visible."""
    exchanges = await send_steadily(target.url, posted(target), rate=rate, seconds=seconds, heard=watch.expect if watch else _ignore)
    if watch is None:
        return _Round([], exchanges, 0)
    made = [exchange for exchange in exchanges if exchange.status == _CREATED]
    async with asyncio.timeout(_PATIENCE_SECONDS):
        await watch.reach(max(map(_position, made)))
    lags = [watch.lag(exchange) for exchange in made]
    confirmed, watch.confirmed = watch.confirmed, 0
    return _Round(sorted(lags), exchanges, confirmed)


def _ignore(_: Exchange) -> None:
    """Nothing is expected of the echo."""


class _Watch:
    """When which position was seen from another connection."""

    def __init__(self, connection: Connection, organization_id: UUID) -> None:
        self.confirmed = 0
        self._connection = connection
        self._slot = slot_of(organization_id)
        self._positions: list[int] = [0]
        self._times: list[float] = [0.0]
        self._expected: list[tuple[int, bytes]] = []
        """By position, the answers since the last look."""

    def expect(self, exchange: Exchange) -> None:
        """An answer has arrived."""
        if exchange.status == _CREATED:
            self._expected.append((_position(exchange), exchange.body))

    async def reach(self, position: int) -> None:
        """Wait until a position is visible."""
        while self._positions[-1] < position:  # noqa: ASYNC110  # `follow` looks as often
            await asyncio.sleep(_LOOK_SECONDS)

    def lag(self, exchange: Exchange) -> float:
        """Milliseconds from the answer until its position was visible, which it is by now; 0 if it was before."""
        return max(0.0, 1000 * (self._times[bisect_left(self._positions, _position(exchange))] - exchange.answered))

    async def follow(self, told: asyncio.Event) -> None:
        """Look whenever told, and at times. Raises `NotVisible`."""
        while True:
            told.clear()
            position = await self._connection.fetchval(_REACHED, RELATIONAL.name, self._slot)
            if position > self._positions[-1]:
                self._positions.append(position)
                self._times.append(time.perf_counter())
                await self._confirm(position)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await told.wait()

    async def _confirm(self, position: int) -> None:
        """Look for the newest row that must be there by now."""
        answers = [(at, body) for at, body in self._expected if at <= position]
        self._expected = [(at, body) for at, body in self._expected if at > position]
        if answers:
            order = _ORDER.decode(max(answers)[1])
            if not await self._connection.fetchval("select exists (select from read.orders where id = $1)", order.id):
                message = f"order {order.id} is not there at position {position}"
                raise NotVisible(message)
            self.confirmed += 1


def _position(exchange: Exchange) -> int:
    """Of the order's last record."""
    found = _POSITION.search(exchange.head)
    assert found is not None, exchange.head  # noqa: S101  # every accepted command is answered with it
    return int(found[1])


@asynccontextmanager
async def _watching(system: System, festival: Festival) -> AsyncIterator[_Watch]:
    """Watch as long as the block runs; it fails when the watch fails."""
    connection = await asyncpg.connect(system.database_url)
    told = asyncio.Event()
    organization_id = festival.principal.organization_id
    assert organization_id is not None  # noqa: S101  # it is the principal of one
    watch = _Watch(connection, organization_id)
    try:
        await connection.add_listener(PROJECTED, lambda *_: told.set())
        async with asyncio.TaskGroup() as group:
            following = group.create_task(watch.follow(told))
            yield watch
            following.cancel()
    finally:
        await connection.close()
