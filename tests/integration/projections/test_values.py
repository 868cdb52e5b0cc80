"""What the runner encodes itself arrives as if the driver had encoded it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

import asyncpg
import pytest

from projections import ddl
from projections.runner.values import Connection, keep_plans, speak
from tests.unit.projections.runner.small import SMALL_METADATA

_NUMBERS = ["0", "-0", "0.00", "1", "-1", "10000", "9999.9999", "0.0001", "-0.00001", "1E+5", "1E-9", "123456789012345678901234567890.5"]
_INSTANTS = [
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1, 1, 2, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
    datetime(2026, 7, 1, 12, tzinfo=timezone(timedelta(hours=-9, minutes=-30))),
]


def _numbers() -> list[Decimal | None]:
    random = Random(7)  # noqa: S311  # values for a test
    drawn = [Decimal(random.randrange(-(10**digits), 10**digits)).scaleb(-scale) for digits in range(1, 25) for scale in range(10)]
    return [None, *map(Decimal, _NUMBERS), *drawn]


def _instants() -> list[datetime | None]:
    random = Random(7)  # noqa: S311  # values for a test
    return [None, *_INSTANTS, *(_INSTANTS[0] + timedelta(microseconds=random.randrange(-(10**16), 10**16)) for _ in range(500))]


async def _two(url: str) -> tuple[Connection, Connection]:
    """A connection as the driver makes it, and one that is fit for the runner."""
    plain, fit = await asyncpg.connect(url), await asyncpg.connect(url)
    await speak(fit)
    return plain, fit


@pytest.mark.parametrize(("type_", "values"), [("numeric(50, 10)", _numbers()), ("timestamptz", _instants())])
async def test_values_are_written_and_read_as_the_driver_does(
    database_url: str, type_: str, values: list[Decimal | None] | list[datetime | None]
) -> None:
    plain, fit = await _two(database_url)
    try:
        await plain.execute(f"create table written (by text, n int, value {type_})")
        for name, connection in (("plain", plain), ("fit", fit)):
            await connection.copy_records_to_table("written", records=((name, n, value) for n, value in enumerate(values)))
        texts = {name: await plain.fetch("select value::text from written where by = $1 order by n", name) for name in ("plain", "fit")}
        assert texts["fit"] == texts["plain"]
        read = "select value from written where by = 'plain' order by n"
        assert [str(row[0]) for row in await fit.fetch(read)] == [str(row[0]) for row in await plain.fetch(read)]
    finally:
        await plain.close()
        await fit.close()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
async def test_what_is_no_number_is_refused(database_url: str, number: str) -> None:
    plain, fit = await _two(database_url)
    try:
        await plain.execute("create table written (value numeric(18, 3))")
        with pytest.raises(ValueError, match="invalid literal"):
            await fit.copy_records_to_table("written", records=[(Decimal(number),)])
    finally:
        await plain.close()
        await fit.close()


_LOOK_UPS = """
prepare look_ups (json) as
update small.houses as t set beds = d.beds from json_to_recordset($1) as d(id uuid, beds int) where t.id = d.id
"""


async def test_kept_plans_look_rows_up_in_an_index_though_they_were_made_while_the_table_was_empty(database_url: str) -> None:
    """And they are kept: neither our statements nor the checks of foreign keys are planned again and again."""
    connection = await asyncpg.connect(database_url)
    try:
        await speak(connection)
        await ddl.create_bare(connection, SMALL_METADATA, "small")
        await ddl.complete(connection, SMALL_METADATA, "small")
        await keep_plans(connection)
        await connection.execute(_LOOK_UPS)
        for _ in range(6):  # five times PostgreSQL plans to see whether it pays
            await connection.execute("execute look_ups ('[]')")
        assert await connection.fetchval("select generic_plans from pg_prepared_statements where name = 'look_ups'")
        plan = "\n".join(row[0] for row in await connection.fetch("explain execute look_ups ('[]')"))
        assert "Index Scan using" in plan, plan
    finally:
        await connection.close()
