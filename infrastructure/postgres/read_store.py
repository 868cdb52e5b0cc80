"""Reading the read models on PostgreSQL, and waiting until they show a position."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from uuid import UUID

import asyncpg

from application.bus.messages import Busy, Unavailable
from application.reading import Export, Form, Found, ReadTooSlow, Sink
from infrastructure.postgres.pool import Connection, Pool, reachable
from projections.runner.checkpoint import PROJECTED, slot_of

_LOOK_AGAIN: Final = 0.1
"""Seconds after which a waiting reader looks even if no notification came."""

_REACHED: Final = """
    select least(greatest(s.position, l.scanned_to), k.position - 1)
    from log.projections s
    join log.projection_leases l using (projection)
    left join log.parked k on k.projection = s.projection and k.organization_id = {organization}
    where s.projection = {projection} and s.slot = {slot}
"""
"""Up to which position an organization's rows are complete; a parked one stands still before the record that parked it."""

_POSITION: Final = f"select ({_REACHED.format(projection='$1', slot='$2', organization='$3')})"

LONGEST_SECONDS: Final = 10
"""For a query of a page or a row."""

SESSION: Final = {
    # Instants are rendered by the database.
    "timezone": "UTC",
    # It never pays for a page, and costs more than the page where an estimate is far off.
    "jit": "off",
    "statement_timeout": f"{LONGEST_SECONDS}s",
}

_EXPORTS: Final = 2
"""Exports of one process at the same time: each holds a connection and a snapshot."""
_EXPORT_SECONDS: Final = 3600.0

_COPY: Final[dict[Form, dict[str, Any]]] = {
    "csv": {"format": "csv", "header": True},
    # JSON has no control characters, so with these two as delimiter and quote every value is written as it is.
    "ndjson": {"format": "csv", "delimiter": "\x02", "quote": "\x01"},
}

_POSITIONS: Final = f"""
    select w.organization_id, ({_REACHED.format(organization="w.organization_id", projection="$1", slot="w.slot")}) as position
    from unnest($2::uuid[], $3::smallint[]) as w(organization_id, slot)
"""  # noqa: S608  # constants


class _Waiter(NamedTuple):
    organization_id: UUID
    position: int
    reached: asyncio.Future[None]


class PostgresReadStore:
    """`application.reading.ReadStore` for the tables of one projection.

    The pool's sessions have the settings `SESSION`. All that wait share one connection and one question about positions; while nobody waits
    there is neither.
    """

    def __init__(self, pool: Pool, projection: str) -> None:
        self._pool = pool
        self._projection = projection
        self._waiting: set[_Waiter] = set()
        self._watch: asyncio.Task[None] | None = None
        self._exports = asyncio.Semaphore(_EXPORTS)

    async def fetch(self, organization_id: UUID, text: str, parameters: Sequence[object]) -> Found:
        """See `ReadStore.fetch`. One statement, so rows and position are of one snapshot."""
        statement, place = _with_position(text, len(parameters)), (self._projection, slot_of(organization_id), organization_id)
        with _readable():
            try:
                rows = await self._pool.fetch(statement, *parameters, *place)
            except asyncpg.QueryCanceledError:
                raise ReadTooSlow(seconds=LONGEST_SECONDS) from None
        return Found(rows[0]["shown_position"], [dict(row) for row in rows] if rows[0]["is_found"] else [])

    @asynccontextmanager
    async def export(self, organization_id: UUID, text: str, parameters: Sequence[object], form: Form) -> AsyncIterator[Export]:
        """See `ReadStore.export`. One transaction with one snapshot for the position and all rows."""
        if self._exports.locked():
            raise Busy
        async with self._exports:
            with _readable():
                async with self._pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
                    await connection.execute("set local statement_timeout = 0")
                    position = await connection.fetchval(_POSITION, self._projection, slot_of(organization_id), organization_id)

                    async def copy(sink: Sink) -> None:
                        # asyncpg reads on when the sink has taken what there is.
                        await connection.copy_from_query(text, *parameters, output=sink, timeout=_EXPORT_SECONDS, **_COPY[form])

                    yield Export(position or 0, copy)

    async def position_at(self, instant: datetime) -> int:
        """See `ReadStore.position_at`."""
        with _readable():
            position: int = await self._pool.fetchval("select log.position_at($1)", instant)
        return position

    async def wait(self, organization_id: UUID, position: int, timeout: float) -> bool:
        """See `ReadStore.wait`."""
        waiter = _Waiter(organization_id, position, asyncio.get_running_loop().create_future())
        self._waiting.add(waiter)
        if self._watch is None:
            self._watch = asyncio.create_task(self._watching())
        try:
            await asyncio.wait_for(waiter.reached, timeout)
        except TimeoutError:
            return False
        finally:
            self._waiting.discard(waiter)
        return True

    async def _watching(self) -> None:
        """Until nobody waits: look, then sleep until a notification comes, or for a while."""
        try:
            with _readable():
                async with self._pool.acquire() as connection:
                    await self._look_whenever_told(connection)
        except Exception as failure:  # noqa: BLE001  # whatever it is, it is for those who wait
            for waiter in self._waiting:
                if not waiter.reached.done():
                    waiter.reached.set_exception(failure)
        # Whoever came while the connection was being given back needs another watch.
        unanswered = any(not waiter.reached.done() for waiter in self._waiting)
        self._watch = asyncio.create_task(self._watching()) if unanswered else None

    async def _look_whenever_told(self, connection: Connection) -> None:
        told = asyncio.Event()

        def tell(*_: object) -> None:
            told.set()

        await connection.add_listener(PROJECTED, tell)
        try:
            while self._waiting:
                told.clear()
                await self._look(connection)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), _LOOK_AGAIN)
        finally:
            if not connection.is_closed():
                await connection.remove_listener(PROJECTED, tell)

    async def _look(self, connection: Connection) -> None:
        """Answer all whose position has been reached."""
        organizations = list({waiter.organization_id for waiter in self._waiting})
        slots = [slot_of(organization) for organization in organizations]
        found = await connection.fetch(_POSITIONS, self._projection, organizations, slots)
        positions = {row[0]: row[1] or 0 for row in found}
        for waiter in self._waiting:
            if positions.get(waiter.organization_id, 0) >= waiter.position and not waiter.reached.done():
                waiter.reached.set_result(None)


@lru_cache(maxsize=1024)
def _with_position(text: str, count: int) -> str:
    """The statement with the position beside each of its rows, and one row where it has none; three more parameters."""
    reached = _REACHED.format(projection=f"${count + 1}", slot=f"${count + 2}", organization=f"${count + 3}")
    return (
        f"select q.*, q.is_found is not null as is_found, coalesce(p.shown_position, 0) as shown_position "  # noqa: S608  # `text` comes from projections.queries, without values
        f"from (select ({reached}) as shown_position) p left join (select *, true as is_found from ({text}) s) q on true"
    )


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Tables that are still to be made, before the first start of the projection, are as little use as a lost server."""
    with reachable():
        try:
            yield
        except asyncpg.UndefinedTableError as error:
            message = "the read models are not built yet"
            raise Unavailable(message) from error
