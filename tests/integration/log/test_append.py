"""How the append sends and looks up what it is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import chain, product
from uuid import uuid4

import asyncpg

from application.ports import NewRecord
from infrastructure.postgres.batch import APPEND, Batch
from infrastructure.postgres.log import PostgresLog
from tests.support.records import ORGANIZATION, OTHER_ORGANIZATION, claim, component, entry, record, unit

TIMES = (
    datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2026, 3, 1, 9, 30, 0, 123_457, tzinfo=timezone(timedelta(hours=2))),
    datetime(2199, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
)
METAS = (b'{"actor":"user:1"}', b'{"actor":"user:2"}')
_ENTRIES = "select sum(idx_tup_read)::bigint from pg_stat_user_indexes where schemaname = 'log'"


async def test_neighbours_keep_their_own_organization_meta_and_time(database_url: str) -> None:
    log = await PostgresLog.open(database_url)
    given = [
        record(uuid4(), organization=organization)._replace(meta=meta, recorded_at=time, type=f"order.{kind}", type_version=kind)
        for organization, meta, time, kind in product((ORGANIZATION, OTHER_ORGANIZATION), METAS, TIMES, (1, 2))
    ]
    sent = [[each._replace(stream_id=uuid4()) for each in order] for order in (given, given[::-1], given[::5] + given[1::5])]
    await log.append([component(unit(*sent[0]), unit(*sent[1])), component(unit(*sent[2]))])
    stored = await log.read(0, 1000)
    await log.close()
    assert [NewRecord(*(getattr(each, field) for field in NewRecord._fields)) for each in stored] == [*chain(*sent)]


async def test_a_plan_from_when_the_tables_were_small_reads_no_more_as_they_grow(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("vacuum analyze log.records, log.commands, log.unique_keys")
    first = await _index_entries_read(connection, components=2)
    await _index_entries_read(connection, components=500)
    last = await _index_entries_read(connection, components=2)
    await connection.close()
    assert last <= first + 10


async def _index_entries_read(connection: asyncpg.Connection[asyncpg.Record], *, components: int) -> int:
    """By appending that many components of one keyed record with a unique key."""
    streams = [uuid4() for _ in range(components)]
    batch = Batch([component(unit(record(each), ledger=entry(each.bytes), claims=[claim(each.bytes, each)])) for each in streams])
    before = await connection.fetchval(_ENTRIES)
    assert len(batch.verdicts((await connection.fetch(APPEND, *batch.arguments()))[0])) == components
    await connection.execute("select pg_stat_force_next_flush()")
    return int(await connection.fetchval(_ENTRIES) - before)
