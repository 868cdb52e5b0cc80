"""Reading the read models on PostgreSQL, and waiting until they show a position."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple
from uuid import UUID

import asyncpg

from application.bus.messages import Unavailable
from application.reading import ReadStatus, Row, Rows
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

_STATUS: Final = """
    select
        (select coalesce(max(position), 0) from log.records),
        (select coalesce(max(scanned_to), 0) from log.projection_leases where projection = $1),
        (select count(*) from log.parked where projection = $1),
        exists (select from log.projection_leases where projection = $1 and version > 0)
"""

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

    The pool's sessions must run in UTC (`TimeZone`), because instants are rendered by the database. All that wait share one
    connection and one question about positions; while nobody waits there is neither.
    """

    def __init__(self, pool: Pool, projection: str) -> None:
        self._pool = pool
        self._projection = projection
        self._waiting: set[_Waiter] = set()
        self._watch: asyncio.Task[None] | None = None

    async def rows(self, organization_id: UUID, text: str, parameters: Sequence[object]) -> Rows:
        """See `ReadStore.rows`. One statement, so rows and position are of one snapshot."""
        count = len(parameters)
        reached = _REACHED.format(projection=f"${count + 1}", slot=f"${count + 2}", organization=f"${count + 3}")
        statement = f"""
            select coalesce(p.position, 0), r.body, r.version, r.keys
            from (select ({reached}) as position) p
            left join lateral (select *, row_number() over () as n from ({text}) q) r on true
            order by r.n
        """  # noqa: S608  # `text` comes from projections.queries, without values
        with _readable():
            found = await self._pool.fetch(statement, *parameters, self._projection, slot_of(organization_id), organization_id)
        return Rows(found[0][0], [Row(body, version, keys) for _, body, version, keys in found if body is not None])

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

    async def status(self) -> ReadStatus:
        """See `ReadStore.status`."""
        with _readable():
            [row] = await self._pool.fetch(_STATUS, self._projection)
        return ReadStatus(*row)

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


@contextlib.contextmanager
def _readable() -> Iterator[None]:
    """Tables that are still to be made, before the first start of the projection, are as little use as a lost server."""
    with reachable():
        try:
            yield
        except asyncpg.UndefinedTableError as error:
            message = "the read models are not built yet"
            raise Unavailable(message) from error
