"""Reading on a real server: what the statements answer, what a position means, how waiting ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from application.bus.messages import Unavailable
from application.reading import Found, ReadTooSlow
from infrastructure.postgres.pool import PROJECTOR, Pool, open_pool
from infrastructure.postgres.read_store import SESSION, PostgresReadStore
from projections.queries import Condition, Select
from projections.queries.sql import page
from projections.runner.checkpoint import PROJECTED, register, slot_of

ORGANIZATION = UUID(int=0xA)
OTHER = UUID(int=0xB)
CREATED = datetime(2027, 6, 12, 19, 30, 0, 123456, tzinfo=UTC)

_metadata = sa.MetaData(schema="read")


def _table(name: str, *columns: sa.Column[Any]) -> sa.Table:
    own = (sa.Column("id", sa.Uuid, primary_key=True), sa.Column("organization_id", sa.Uuid, nullable=False))
    last = (sa.Column("created_at", sa.TIMESTAMP(timezone=True)), sa.Column("stream_version", sa.Integer))
    return sa.Table(name, _metadata, *own, *columns, *last)


ORGANIZATIONS = _table("organizations", sa.Column("default_currency", sa.CHAR(3)))
EVENTS = _table("events", sa.Column("currency", sa.CHAR(3)))
VENUES = _table(
    "venues",
    sa.Column("fee", sa.Numeric(18, 3)),
    sa.Column("currency", sa.CHAR(3)),
    sa.Column("share", sa.Numeric(7, 4)),
    sa.Column("tags", ARRAY(sa.Text)),
    sa.Column("address", JSONB),
)
API_KEYS = _table("api_keys", sa.Column("hash", sa.Text))
CODES = _table("discount_codes", sa.Column("event_id", sa.Uuid), sa.Column("min_order_amount", sa.Numeric(18, 3)))
PLAIN = _table("plain", sa.Column("amount", sa.Numeric(18, 3)))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(database_url, role=PROJECTOR, max_size=4, settings=SESSION)
    async with pool:
        for table in _metadata.sorted_tables:
            await pool.execute(str(sa.schema.CreateTable(table).compile(dialect=sa.dialects.postgresql.dialect())))  # type: ignore[no-untyped-call]
        async with pool.acquire() as connection:
            await register(connection, "relational")
        yield pool


@pytest.fixture
def store(pool: Pool) -> PostgresReadStore:
    return PostgresReadStore(pool, "relational")


async def insert(pool: Pool, table: sa.Table, number: int, **values: object) -> None:
    row = {"id": UUID(int=number), "organization_id": ORGANIZATION, "created_at": CREATED, "stream_version": number} | values
    marks = ", ".join(f"${n}" for n in range(1, len(row) + 1))
    await pool.execute(f"insert into read.{table.name} ({', '.join(row)}) values ({marks})", *row.values())  # noqa: S608


async def read(
    store: PostgresReadStore,
    table: sa.Table,
    *,
    organization: UUID = ORGANIZATION,
    limit: int = 50,
    after: tuple[object, ...] | None = None,
) -> Found:
    return await store.fetch(organization, *page(Select(table, (Condition("organization_id", "eq", organization),), limit, after=after)))


def bodies(found: Found) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = msgspec.json.decode(b"[%b]" % found.rows[0]["data"])
    return rows


async def project(pool: Pool, position: int) -> None:
    """As the runner does it."""
    await pool.execute("update log.projection_leases set scanned_to = $1 where projection = 'relational'", position)
    await pool.execute("select pg_notify($1, $2)", PROJECTED, f"relational {position}")


async def test_o9_the_hash_of_a_key_is_not_shown(pool: Pool, store: PostgresReadStore) -> None:
    await insert(pool, API_KEYS, 1, hash="5ebe22")
    found = await read(store, API_KEYS)
    assert len(bodies(found)) == 1
    assert b"5ebe22" not in found.rows[0]["data"]


async def test_a_row_is_json(pool: Pool, store: PostgresReadStore) -> None:
    await insert(pool, VENUES, 1, fee=120, currency="EUR", share=12, tags=["a", "b"], address='{"city": "Köln"}')
    found = await read(store, VENUES)
    assert bodies(found) == [
        {
            "id": str(UUID(int=1)),
            "organization_id": str(ORGANIZATION),
            "fee": "120.00",
            "currency": "EUR",
            "share": 12.0,
            "tags": ["a", "b"],
            "address": {"city": "Köln"},
            "created_at": "2027-06-12T19:30:00.123456+00:00",
            "stream_version": 1,
        }
    ]


@pytest.mark.parametrize(
    ("currency", "amount", "text"),
    [
        ("EUR", "120", "120.00"),
        ("JPY", "500", "500"),
        ("KWD", "1.25", "1.250"),
        ("EUR", "-0.05", "-0.05"),
        ("JPY", "12.5", "12.5"),
        (None, "1", "1.00"),
    ],
)
async def test_o5_amounts_have_their_currencys_decimals(
    pool: Pool, store: PostgresReadStore, currency: str | None, amount: str, text: str
) -> None:
    await insert(pool, VENUES, 1, fee=Decimal(amount), currency=currency)
    assert bodies(await read(store, VENUES))[0]["fee"] == text


async def test_o5_amounts_without_a_currency_beside_them_have_their_events_or_their_organizations(
    pool: Pool, store: PostgresReadStore
) -> None:
    await insert(pool, ORGANIZATIONS, ORGANIZATION.int, default_currency="JPY")
    await insert(pool, EVENTS, 7, currency="KWD")
    await insert(pool, CODES, 1, event_id=UUID(int=7), min_order_amount=5)
    await insert(pool, PLAIN, 1, amount=5)
    assert bodies(await read(store, CODES))[0]["min_order_amount"] == "5.000"
    assert bodies(await read(store, PLAIN))[0]["amount"] == "5"


async def test_an_amount_that_is_not_there_is_null(pool: Pool, store: PostgresReadStore) -> None:
    await insert(pool, VENUES, 1, fee=None, currency="EUR")
    assert bodies(await read(store, VENUES))[0]["fee"] is None


async def test_pages_go_on_after_the_last_rows_keys(pool: Pool, store: PostgresReadStore) -> None:
    for number in range(1, 6):
        await insert(pool, VENUES, number)
    first = await read(store, VENUES, limit=2)
    created_at, row_id = msgspec.json.decode(first.rows[0]["last"], type=tuple[datetime, UUID])
    second = await read(store, VENUES, limit=9, after=(created_at, row_id))
    assert [row["stream_version"] for row in (*bodies(first), *bodies(second))] == [5, 4, 3, 2, 1]
    assert second.rows[0]["last"] is None


async def test_o1_only_the_organizations_own_rows_are_read(pool: Pool, store: PostgresReadStore) -> None:
    await insert(pool, VENUES, 1, organization_id=OTHER)
    assert bodies(await read(store, VENUES)) == []
    assert len(bodies(await read(store, VENUES, organization=OTHER))) == 1


async def test_the_position_is_the_greater_of_slot_and_lease_also_without_rows(pool: Pool, store: PostgresReadStore) -> None:
    assert (await read(store, VENUES)).position == 0
    await pool.execute("update log.projections set position = 7 where projection = 'relational' and slot = $1", slot_of(ORGANIZATION))
    assert (await read(store, VENUES)).position == 7
    await project(pool, 9)
    assert (await read(store, VENUES)).position == 9


async def test_a_parked_organization_stands_still_before_its_record(pool: Pool, store: PostgresReadStore) -> None:
    await project(pool, 9)
    await pool.execute(
        "insert into log.parked (projection, organization_id, position, error) values ('relational', $1, 5, 'x')", ORGANIZATION
    )
    assert (await read(store, VENUES)).position == 4
    assert (await read(store, VENUES, organization=OTHER)).position == 9
    assert not await store.wait(ORGANIZATION, 5, 0.2)


async def test_whoever_waits_hears_at_once_and_all_share_one_connection(
    pool: Pool, store: PostgresReadStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.postgres.read_store._LOOK_AGAIN", 30)
    waits = [asyncio.create_task(store.wait(organization, 5, 10)) for organization in (ORGANIZATION, OTHER) for _ in range(50)]
    await asyncio.sleep(0.2)
    assert not any(wait.done() for wait in waits)
    assert pool.get_size() - pool.get_idle_size() <= 1
    started = time.perf_counter()
    await project(pool, 5)
    assert all(await asyncio.gather(*waits))
    assert time.perf_counter() - started < 2
    await project(pool, 6)  # ends the watch


async def test_a_notification_that_was_lost_delays_but_does_not_stop(pool: Pool, store: PostgresReadStore) -> None:
    wait = asyncio.create_task(store.wait(ORGANIZATION, 5, 10))
    await asyncio.sleep(0.2)
    await pool.execute("update log.projection_leases set scanned_to = 5")
    assert await asyncio.wait_for(wait, 2)


async def test_waiting_ends_with_the_time(store: PostgresReadStore) -> None:
    started = time.perf_counter()
    assert not await store.wait(ORGANIZATION, 5, 0.2)
    assert 0.15 < time.perf_counter() - started < 2


async def test_nobody_keeps_a_connection_once_nobody_waits(pool: Pool, store: PostgresReadStore) -> None:
    await project(pool, 5)
    for _ in range(3):
        assert await store.wait(ORGANIZATION, 5, 2)
        await asyncio.sleep(0.3)
        assert pool.get_size() == pool.get_idle_size()


async def test_before_the_tables_are_made_reads_are_unavailable(database_url: str) -> None:
    async with await open_pool(database_url, role=PROJECTOR) as pool:
        with pytest.raises(Unavailable):
            await read(PostgresReadStore(pool, "relational"), VENUES)


async def test_a_lost_server_is_unavailable_for_readers_and_for_those_who_wait(pool: Pool, store: PostgresReadStore) -> None:
    wait = asyncio.create_task(store.wait(ORGANIZATION, 5, 10))
    await asyncio.sleep(0.2)
    pool.terminate()
    with pytest.raises(Unavailable):
        await read(store, VENUES)
    with pytest.raises(Unavailable):
        await wait


async def test_a_query_that_takes_too_long_is_refused_and_the_store_goes_on(database_url: str) -> None:
    async with await open_pool(database_url, role=PROJECTOR, settings={**SESSION, "statement_timeout": "50ms"}) as pool:
        with pytest.raises(ReadTooSlow, match="10 seconds"):
            await PostgresReadStore(pool, "relational").fetch(ORGANIZATION, "select pg_sleep(3)", ())
        assert (await PostgresReadStore(pool, "relational").fetch(ORGANIZATION, "select 1 as one", ())).rows[0]["one"] == 1
