"""The documented schema as PostgreSQL gets it, at a first start and in a rebuild alike."""

from __future__ import annotations

from uuid import UUID

import projections.catalog  # noqa: F401  # every table of the schema
from projections.ddl import complete, create_bare
from projections.queries import IN_LOG_ORDER, Condition, Select
from projections.queries.sql import page
from projections.relational import RELATIONAL
from projections.runner.values import Connection, Pool

OWN = (Condition("organization_id", "eq", UUID(int=1)),)


async def test_the_newest_rows_of_an_organization_are_read_in_order_from_an_index(pool: Pool) -> None:
    """In every table of the schema: a page costs what its rows cost, not what the organization's rows cost."""
    async with pool.acquire() as connection:
        await _prepare(connection)
        for table in RELATIONAL.metadata.tables.values():
            await _reads(connection, Select(table, OWN, 50), f"ix_{table.name}_listed")


async def test_what_has_changed_since_a_position_is_read_in_order_from_an_index(pool: Pool) -> None:
    """In every table: following the changes costs what has changed."""
    since = (*OWN, Condition("log_position", "gt", 7))
    async with pool.acquire() as connection:
        await _prepare(connection)
        for table in RELATIONAL.metadata.tables.values():
            await _reads(connection, Select(table, since, 50, IN_LOG_ORDER), f"ix_{table.name}_changed")


async def test_the_rows_that_refer_to_one_thing_are_read_in_order_from_an_index(pool: Pool) -> None:
    """By every reference of every table: the orders of an Event, the items of an order."""
    async with pool.acquire() as connection:
        await _prepare(connection)
        for table in RELATIONAL.metadata.tables.values():
            # In an empty table any index is as good; these two are not meant.
            await connection.execute(f'drop index read."ix_{table.name}_listed", read."ix_{table.name}_changed"')
            for column in table.columns:
                if column.foreign_keys and column.name != "organization_id":
                    where = (*OWN, Condition(column.name, "eq", UUID(int=2)))
                    await _reads(connection, Select(table, where, 50), f"ix_{table.name}_{column.name}")


async def _prepare(connection: Connection) -> None:
    await create_bare(connection, RELATIONAL.metadata, "read")
    await complete(connection, RELATIONAL.metadata, "read")
    await connection.execute("set enable_seqscan = off; set enable_bitmapscan = off; set plan_cache_mode = force_generic_plan")


async def _reads(connection: Connection, select: Select, index: str) -> None:
    """The page comes out of this index, in its order."""
    statement = page(select)
    plan = "\n".join(row[0] for row in await connection.fetch(f"explain {statement.text}", *statement.parameters))
    assert f"using {index}" in plan, plan
    found = plan.partition("Limit")[2]
    assert "Sort" not in found, plan
