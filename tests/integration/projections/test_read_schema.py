"""The documented schema as PostgreSQL gets it, at a first start and in a rebuild alike."""

from __future__ import annotations

from uuid import UUID

import projections.catalog  # noqa: F401  # every table of the schema
from projections.ddl import complete, create_bare
from projections.queries import Condition, Select, sql
from projections.relational import RELATIONAL
from projections.runner.values import Pool

OWN = (Condition("organization_id", "=", UUID(int=1)),)


async def test_the_newest_rows_of_an_organization_are_read_in_order_from_an_index(pool: Pool) -> None:
    """In every table of the schema: a page costs what its rows cost, not what the organization's rows cost."""
    async with pool.acquire() as connection:
        await create_bare(connection, RELATIONAL.metadata, "read")
        await complete(connection, RELATIONAL.metadata, "read")
        await connection.execute("set enable_seqscan = off; set enable_bitmapscan = off; set plan_cache_mode = force_generic_plan")
        for table in RELATIONAL.metadata.tables.values():
            page = sql(Select(table, OWN, 50))
            plan = "\n".join(row[0] for row in await connection.fetch(f"explain {page.text}", *page.parameters))
            assert f"using ix_{table.name}_listed" in plan, plan
            assert "Sort" not in plan, plan
