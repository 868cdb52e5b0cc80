"""What has to be true of any database of this system, whatever happened before: asked in SQL, not of the program."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import asyncpg

from application.ports import Codec, Log
from infrastructure.postgres.pool import Connection
from projections.catalog import PROJECTIONS
from projections.schema import READ
from projections.verify import verify


class Positions(NamedTuple):
    """How far the log is, and how far the projection that is furthest behind."""

    head: int
    projected: int

    @property
    def caught_up(self) -> bool:
        """Whether every record has been applied."""
        return self.projected >= self.head


async def positions_of(connection: asyncpg.Connection[asyncpg.Record]) -> Positions:
    """Where log and projections stand."""
    row = await connection.fetchrow(
        """
        select (select coalesce(max(position), 0) from log.records),
            case when count(*) = $1 then min(scanned_to) else -1 end
        from log.projection_leases where version > 0
        """,
        len(PROJECTIONS),
    )
    assert row is not None
    return Positions(*row)


async def a1_replay_gives_the_live_rows(connection: Connection, log: Log, codec: Codec) -> None:
    """A1: every table equals what a replay from zero makes of the log."""
    for projection in PROJECTIONS:
        found = await verify(projection, connection=connection, log=log, codec=codec)
        assert found.equal, [table for table in found.tables if not table.equal]


async def a2_every_row_names_its_record(connection: Connection) -> None:
    """A2: the record that a row names is there, of the row's organization, and of the version that the row shows."""
    for table in READ.tables:
        wrong = await connection.fetch(
            f"""
            select t.id, t.log_position, t.stream_id, t.stream_version from {table} as t
            left join log.records as last on last.position = t.log_position
            left join log.records as own on own.stream_id = t.stream_id and own.version = t.stream_version
            where last.organization_id is distinct from t.organization_id
                or own.organization_id is distinct from t.organization_id
                or own.position > t.log_position
                or (last.stream_id = t.stream_id and last.version <> t.stream_version)
                or t.updated_at <> last.recorded_at
            """  # noqa: S608  # a table's own name
        )
        assert not wrong, (table, wrong)


async def a5_no_personal_text_in_the_log(connection: Connection, texts: Collection[str]) -> None:
    """A5: none of these texts stands in clear in any table of schema `log`, in whatever column, in either case."""
    tables = await connection.fetch(
        "select table_name from information_schema.tables where table_schema = 'log' and table_type = 'BASE TABLE'"
    )
    assert {"records", "commands", "unique_keys", "snapshots", "person_keys"} <= {name for (name,) in tables}
    wanted = {text.lower().encode() for text in texts}
    for (name,) in tables:
        for row in await connection.fetch(f"select * from log.{name}"):  # noqa: S608  # a table's own name
            for column, value in row.items():
                stored = bytes(value).lower() if isinstance(value, bytes | memoryview) else str(value).lower().encode()
                found = [text for text in wanted if text in stored]
                assert not found, (name, column, found)


async def a6_sequences_are_gapless(connection: Connection) -> None:
    """A6: positions run from 1 without a gap, each organization's own numbers too and in the same order, versions of a stream likewise."""
    for by in ("1", "organization_id", "stream_id"):
        number = {"1": "position", "organization_id": "organization_seq", "stream_id": "version"}[by]
        wrong = await connection.fetch(
            f"""
            select * from (
                select position, {number} as number, row_number() over (partition by {by} order by position) as expected from log.records
            ) as numbered where number <> expected limit 5
            """  # noqa: S608  # names from this function
        )
        assert not wrong, (by, wrong)


async def t8_nothing_is_oversold(connection: Connection) -> None:
    """T8: of no category and no pool more is sold and held than there is, and the counts are those of the orders."""
    for table, counted_by in (("ticket_categories", "c.id"), ("ticket_pools", "c.pool_id")):
        wrong = await connection.fetch(
            f"""
            select t.id, t.quantity_total, t.over_allocation, t.quantity_sold, t.quantity_reserved, taken.* from read.{table} as t
            left join lateral (
                select coalesce(sum(i.quantity) filter (where o.order_status = 'confirmed'), 0) as sold,
                    coalesce(sum(i.quantity) filter (where o.order_status = 'pending'), 0) as held
                from read.order_items as i join read.orders as o on o.id = i.order_id
                join read.ticket_categories as c on c.id = i.ticket_category_id
                where {counted_by} = t.id
            ) as taken on true
            where t.quantity_sold <> taken.sold or t.quantity_reserved <> taken.held
                or t.quantity_sold + t.quantity_reserved > t.quantity_total + t.over_allocation
            """  # noqa: S608  # names from this function
        )
        assert not wrong, (table, wrong)


async def t21_the_ledger_is_consistent(connection: Connection) -> None:
    """T21: a line of the ledger points at a record that exists, or at none."""
    wrong = await connection.fetch("select * from log.commands where position > (select coalesce(max(position), 0) from log.records)")
    assert not wrong
