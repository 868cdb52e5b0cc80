"""The SQL function `log.leaf` and its Python twin build the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.ports import Record
from infrastructure.postgres.leaf import leaf, leaf_hash
from infrastructure.postgres.log import PostgresLog
from tests.support.records import OTHER_ORGANIZATION, component, record, unit

_INT4 = st.integers(1, 2**31 - 1)
_INT8 = st.integers(1, 2**63 - 1)
_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
_TIME = st.datetimes(datetime(1970, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  # bounds are naive by contract
_BYTES = st.binary(max_size=300)

RECORDS = st.builds(
    Record, _INT8, st.uuids(), _INT8, st.uuids(), st.uuids(), _TEXT, _INT4, _TEXT, _INT4, _BYTES, _BYTES, _TIME, st.just(b"")
)


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(RECORDS)
def test_sql_and_python_build_the_same_leaf(connection: psycopg.Connection, made: Record) -> None:
    sql = """select log.leaf(%s::bigint, %s, %s::bigint, %s, %s, %s::text, %s::int, %s::text, %s::int, %s, %s, %s)"""
    values = (*made[:9], made.recorded_at, made.data, made.meta)
    row = connection.execute(sql, values).fetchone()
    assert row is not None
    assert bytes(row[0]) == leaf(made)


async def test_the_append_stores_the_hash_of_the_leaf(database_url: str) -> None:
    log = await PostgresLog.open(database_url)
    first, second = record(OTHER_ORGANIZATION), record(OTHER_ORGANIZATION, 2, data='{"ü":2}'.encode())
    await log.append([component(unit(first, second, record(second.event_id, organization=OTHER_ORGANIZATION)))])
    records = await log.read(0, 10)
    await log.close()
    assert [each.leaf_hash for each in records] == [leaf_hash(leaf(each)) for each in records]
    assert len({each.leaf_hash for each in records}) == 3
