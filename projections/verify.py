"""A1: replaying the log gives the rows that are there, equal as COPY text of every table ordered by id."""

# ruff: noqa: S608  # only quoted names from the metadata are put into statements, values travel as parameters

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Final, NamedTuple
from uuid import UUID

from application.ports import Codec, Log, Record
from projections import ddl
from projections.changes import Projection
from projections.rebuild import BATCH, Progress, tell_nobody
from projections.runner import history, model
from projections.runner.checkpoint import slot_of
from projections.runner.model import Model, Shape
from projections.runner.project import Source
from projections.runner.target import Target
from projections.runner.values import Connection, quoted, speak
from projections.runner.write import apply

_EXAMPLES: Final = 10


class Comparison(NamedTuple):
    """One table, live against replayed."""

    table: str
    rows: int
    replayed_rows: int
    sha256: str
    """Of the live table's COPY text, ordered by id."""
    equal: bool
    differing: tuple[UUID, ...]
    """The first ids that differ or are on one side only."""


class Verification(NamedTuple):
    """What a replay says of a projection's tables."""

    position: int
    """Up to where the rows were compared."""
    tables: tuple[Comparison, ...]

    @property
    def equal(self) -> bool:
        """Whether every table is."""
        return all(table.equal for table in self.tables)


class _Horizon(NamedTuple):
    """What the live rows contained at the moment of the snapshot."""

    slots: dict[int, int]
    parked: dict[UUID, int]

    def contains(self, record: Record) -> bool:
        waits_from = self.parked.get(record.organization_id, record.position + 1)
        return record.position <= self.slots[slot_of(record.organization_id)] and record.position < waits_from


async def verify(
    projection: Projection, *, connection: Connection, log: Log, codec: Codec, progress: Progress | None = None
) -> Verification:
    """Replay beside the live tables and compare, all in one snapshot, while the live worker goes on. Leaves nothing behind.

    Persons whose erasure is in the log but not yet in the snapshot can no longer be read by a replay: their personal
    columns are left out on both sides. The connection must admit statements of any length.
    """
    await speak(connection)
    async with _discarded(connection):
        horizon = await _horizon(connection, projection.name)
        schema = f"{model.read(projection.metadata).schema}_verify_{await connection.fetchval('select pg_backend_pid()')}"
        target = Target(connection, model.read(projection.metadata), schema=schema, indexed=False)
        await ddl.create_bare(connection, projection.metadata, schema)
        position = max(horizon.slots.values(), default=0)
        erased = await _replay(Source(projection, log, codec), target, horizon, position, progress or tell_nobody)
        tables = [await _compare(target, compared) for compared in _compared(target.model, erased)]
        return Verification(position, tuple(tables))


@asynccontextmanager
async def _discarded(connection: Connection) -> AsyncIterator[None]:
    """One snapshot for everything inside; nothing of it stays."""
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()


async def _horizon(connection: Connection, projection: str) -> _Horizon:
    slots = await connection.fetch(
        """
        select s.slot, greatest(s.position, l.scanned_to) as position
        from log.projections s join log.projection_leases l using (projection) where projection = $1
        """,
        projection,
    )
    parked = await connection.fetch("select organization_id, position from log.parked where projection = $1", projection)
    return _Horizon({row["slot"]: row["position"] for row in slots}, {row["organization_id"]: row["position"] for row in parked})


async def _replay(source: Source, target: Target, horizon: _Horizon, upto: int, progress: Progress) -> set[UUID]:
    """Fill the tables with what the live ones should contain; returns the persons who are erased by records beyond."""
    erased: set[UUID] = set()
    async for records in source.batches(0, upto, BATCH):
        await apply(target, source.entries([record for record in records if horizon.contains(record)]))
        erased |= source.erased([record for record in records if not horizon.contains(record)])
        progress(records[-1].position, upto)
    # Asked for only now: an erasure that kept the replay from reading a person is in the log by this time.
    async for records in source.batches(upto, await source.log.head(), BATCH):
        erased |= source.erased(records)
    return erased


class _Compared(NamedTuple):
    """What of a table is compared, in which order."""

    table: str
    columns: Sequence[str]
    key: Sequence[str]
    """What orders the lines; its first column is the id."""


def _compared(model: Model, erased: Collection[UUID]) -> Iterator[_Compared]:
    for shape in model.shapes:
        yield _Compared(shape.name, _columns(shape, erased), ("id",))
    if model.row_records:
        yield _Compared(history.TABLE, history.COLUMNS, history.COLUMNS)


async def _compare(target: Target, compared: _Compared) -> Comparison:
    live, replayed = (f"{quoted(schema)}.{quoted(compared.table)}" for schema in (target.model.schema, target.schema))
    lines = f"select {', '.join(compared.columns)} from {{}} order by {', '.join(compared.key)}"
    rows, digest = await _copied(target.connection, lines.format(live))
    replayed_rows, replayed_digest = await _copied(target.connection, lines.format(replayed))
    equal = digest == replayed_digest
    differing = () if equal else await _differing(target, live, replayed, compared)
    return Comparison(compared.table, rows, replayed_rows, digest, equal, differing)


def _columns(shape: Shape, erased: Collection[UUID]) -> list[str]:
    """The columns by name; personal ones without what belongs to the erased."""
    columns = {name: quoted(name) for name in shape.template}
    if erased:
        persons = ", ".join(f"'{person}'" for person in sorted(erased))
        for subject, personal in shape.subjects.items():
            for name in personal:
                columns[name] = f"case when {quoted(subject)} in ({persons}) then null else {quoted(name)} end"
    return list(columns.values())


async def _copied(connection: Connection, query: str) -> tuple[int, str]:
    """Number of lines and SHA-256 of a query's COPY text."""
    lines, digest = 0, sha256()

    async def take(data: bytes) -> None:
        nonlocal lines
        lines += data.count(b"\n")
        digest.update(data)

    await connection.copy_from_query(query, output=take)
    return lines, digest.hexdigest()


async def _differing(target: Target, live: str, replayed: str, compared: _Compared) -> tuple[UUID, ...]:
    line = f"{compared.key[0]} as id, row({', '.join(compared.columns)})::text as line"
    rows = await target.connection.fetch(
        f"select distinct coalesce(a.id, b.id) as id from (select {line} from {live}) as a full join (select {line} from {replayed}) as b"
        f" on a.id = b.id and a.line = b.line where a.id is null or b.id is null order by id limit {_EXAMPLES}"
    )
    return tuple(row["id"] for row in rows)
