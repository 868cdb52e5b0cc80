"""How far the projections are, asked of the database at most once a second, however many want to know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from application.bus.messages import Unavailable
from application.ports import Log
from infrastructure.postgres.pool import Connection, Pool, reachable
from projections import deadlines
from projections.changes import Projection
from projections.runner.status import Status, status

_FRESH_SECONDS: Final = 1.0
_PATIENCE_SECONDS: Final = 2.0
"""For the database to answer: whoever scrapes or probes does not wait for long either."""

_WRITTEN: Final = """
select schemaname, sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint from pg_stat_user_tables where schemaname = any ($1) group by schemaname
"""

_OVERDUE: Final = f"""
select coalesce(extract(epoch from clock_timestamp() - min(due_at)), 0)::float8
from {deadlines.deadlines.fullname} where due_at < clock_timestamp()
"""  # noqa: S608  # the name of a table


class Standing(NamedTuple):
    """All projections at one moment."""

    projections: Sequence[Status]
    rows_written: Mapping[str, int]
    """By projection: rows inserted, changed and deleted since its tables were made, as the server's statistics have it."""
    overdue_seconds: float
    """How long ago the oldest deadline fell due that nobody has dealt with; 0 when there is none."""


class Standings:
    """Asks, and remembers the answer for a second. However many want to know, one question is under way."""

    def __init__(self, pool: Pool, log: Log, projections: Sequence[Projection]) -> None:
        """The pool is in the projector's role."""
        self._pool = pool
        self._log = log
        self._projections = projections
        self._asking: asyncio.Task[Standing] | None = None
        self._known: Standing | None = None
        self._known_until = 0.0

    async def now(self) -> Standing:
        """As of a second ago at most. Raises `Unavailable` when the database does not answer within two seconds."""
        if self._known is not None and time.monotonic() < self._known_until:
            return self._known
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
            self._asking.add_done_callback(_heard)
        # Not cancelled when it takes longer: to take the connection back would wait for the server as well.
        await asyncio.wait([self._asking], timeout=_PATIENCE_SECONDS)
        if not self._asking.done():
            raise Unavailable
        return self._asking.result()

    async def _ask(self) -> Standing:
        with reachable():
            async with self._pool.acquire() as connection:
                self._known = await self._look(connection)
        # What is being made for the first time is there soon, and somebody waits for it.
        built = all(status.tables_version for status in self._known.projections)
        self._known_until = time.monotonic() + _FRESH_SECONDS if built else 0.0
        return self._known

    async def _look(self, connection: Connection) -> Standing:
        now = datetime.now(UTC)
        found = [await status(projection, connection=connection, log=self._log, now=now) for projection in self._projections]
        schemas = {str(projection.metadata.schema): projection.name for projection in self._projections}
        written = await connection.fetch(_WRITTEN, list(schemas))
        is_built = await connection.fetchval("select to_regclass($1) is not null", deadlines.deadlines.fullname)
        overdue = await connection.fetchval(_OVERDUE) if is_built else 0.0
        return Standing(found, {schemas[schema]: rows for schema, rows in written}, overdue)


def _heard(asking: asyncio.Task[Standing]) -> None:
    """Who asked may have gone: the failure of a question that nobody waits for any more is none."""
    if not asking.cancelled():
        asking.exception()
