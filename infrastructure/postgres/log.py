"""The log in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Final, Self
from uuid import UUID

from application.ports import Committed, Component, Loaded, Record, StoredSnapshot, Verdict
from infrastructure.postgres.batch import APPEND, Batch
from infrastructure.postgres.listen import Growth
from infrastructure.postgres.pool import APPENDER, Connection, Pool, close_pool, open_pool, reachable

_SETTINGS: Final = {
    # Every statement here is a few look-ups in indexes, and must stay so when it was planned while the tables were empty.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    # Longer than any decision takes: a process that hangs while it holds locks loses them.
    "idle_in_transaction_session_timeout": "5s",
}

_RECORD: Final = ", ".join(f"r.{field}" for field in Record._fields)
_SNAPSHOT: Final = ", ".join(f"s.{field}" for field in StoredSnapshot._fields)
_WIDTH: Final = len(Record._fields)

_LOAD: Final = f"""
with wanted as (select * from unnest($1::uuid[], $2::int[]) as w (stream_id, version))
select {_RECORD}{", null" * len(StoredSnapshot._fields)}
from wanted as w
left join log.snapshots as s on s.stream_id = w.stream_id and w.version = 0 and $3
join log.records as r on r.stream_id = w.stream_id and r.version > coalesce(s.version, w.version)
union all
select {"null, " * _WIDTH}{_SNAPSHOT}
from wanted as w
join log.snapshots as s on s.stream_id = w.stream_id and w.version = 0 and $3
order by stream_id, version
"""  # noqa: S608  # column names only

_READ: Final = f"select {_RECORD} from log.records as r where r.position > $1 order by r.position limit $2"  # noqa: S608

_READ_SLOTS: Final = f"""
select {_RECORD} from log.records as r
where r.position > $1 and get_byte(uuid_send(r.organization_id), 15) & 63 = any ($3::int[])
order by r.position limit $2
"""  # noqa: S608

_HEAD: Final = "select coalesce(max(position), 0) from log.records"

_LOCK: Final = "select pg_advisory_xact_lock(key) from unnest($1::bigint[]) as key"

_SAVE: Final = f"""
insert into log.snapshots as s ({_SNAPSHOT.replace("s.", "")})
values ({", ".join(f"${n}" for n in range(1, len(StoredSnapshot._fields) + 1))})
on conflict (stream_id) do update set
    version = excluded.version, state_version = excluded.state_version, state = excluded.state, modified_on = excluded.modified_on
where s.version <= excluded.version
"""  # noqa: S608


class PostgresLog:
    """`application.ports.Log` on PostgreSQL.

    Every method but `wait` raises `Unavailable` while the server cannot be reached, and works again by itself when it is back.
    """

    def __init__(self, pool: Pool, growth: Growth) -> None:
        self._pool = pool
        self._growth = growth

    @classmethod
    async def open(cls, url: str, *, connections: int = 6) -> Self:
        """Connect to a migrated database."""
        return cls(await open_pool(url, role=APPENDER, max_size=connections, settings=_SETTINGS), Growth(url, APPENDER))

    async def close(self) -> None:
        """Give back all connections."""
        await self._growth.close()
        await close_pool(self._pool)

    async def load(self, streams: Mapping[UUID, int], *, snapshots: bool = True) -> Loaded:
        """See the port."""
        async with self._session() as session:
            return await session.load(streams, snapshots=snapshots)

    async def append(self, components: Sequence[Component]) -> Sequence[Verdict]:
        """See the port."""
        async with self._session() as session:
            return await session.append(components)

    @asynccontextmanager
    async def locked(self, streams: Collection[UUID]) -> AsyncIterator[_Session]:
        """See the port. What is appended inside is committed when the block ends without an exception."""
        async with self._session() as session, session.connection.transaction(isolation="read_committed"):
            await session.lock(streams)
            yield session

    async def read(self, after: int, limit: int, slots: Collection[int] | None = None) -> Sequence[Record]:
        """See the port."""
        with reachable():
            if slots is None:
                rows = await self._pool.fetch(_READ, after, limit)
            else:
                rows = await self._pool.fetch(_READ_SLOTS, after, limit, slots)
        return [Record._make(row) for row in rows]

    async def head(self) -> int:
        """See the port."""
        with reachable():
            position: int = await self._pool.fetchval(_HEAD)
        return position

    async def save_snapshots(self, snapshots: Sequence[StoredSnapshot]) -> None:
        """See the port."""
        # One order of streams for all processes: they cannot block each other.
        with reachable():
            await self._pool.executemany(_SAVE, sorted(snapshots, key=lambda snapshot: snapshot.stream_id))

    async def wait(self, after: int, timeout: float) -> bool:
        """See the port."""
        return await self._growth.wait(after, timeout)

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[_Session]:
        """A session on a connection of the pool; what it committed is made known after the end of its transaction."""
        with reachable():
            async with self._pool.acquire() as connection:
                session = _Session(connection)
                yield session
        if session.appended:
            self._growth.notify(session.appended)


class _Session:
    """`application.ports.LogSession` on one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.appended = 0
        """The highest position that was written in this session."""

    async def load(self, streams: Mapping[UUID, int], *, snapshots: bool = True) -> Loaded:
        rows = await self.connection.fetch(_LOAD, streams.keys(), streams.values(), snapshots)
        records = [Record._make(row[:_WIDTH]) for row in rows if row[0] is not None]
        folded = [StoredSnapshot._make(row[_WIDTH:]) for row in rows if row[0] is None]
        return Loaded({snapshot.stream_id: snapshot for snapshot in folded}, records)

    async def append(self, components: Sequence[Component]) -> list[Verdict]:
        batch = Batch(components)
        found = await self.connection.fetch(APPEND, *batch.arguments())
        verdicts = batch.verdicts(found[0])
        written = [verdict.positions[-1] for verdict in verdicts if isinstance(verdict, Committed) and verdict.positions]
        self.appended = max(self.appended, *written, 0)
        return verdicts

    async def lock(self, streams: Collection[UUID]) -> None:
        """Wait for the advisory lock of each stream, held to the end of the transaction.

        The keys are single 64-bit numbers: a space apart from the two-number keys of the append and the migrations.
        """
        keys = {int.from_bytes(blake2b(stream.bytes, digest_size=8).digest(), "big", signed=True) for stream in streams}
        await self.connection.execute(_LOCK, sorted(keys))
