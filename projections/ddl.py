"""Making the schema of a projection from its metadata, in two steps, and swapping it for the live one.

First bare tables with primary keys, then, when the rows are in, constraints and indexes: so checks and indexes are built
once, over sorted data. Table definitions are written for the metadata's own schema; any other name is put in its place.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateTable, ExecutableDDLElement

from projections.runner import history, model
from projections.runner.values import DIALECT, Connection, quoted


async def create_bare(connection: Connection, metadata: sa.MetaData, schema: str) -> None:
    """Make the schema anew, with tables that have primary keys and NOT NULL, and nothing else."""
    await drop(connection, schema)
    await connection.execute(f"create schema {quoted(schema)}")
    bare = sa.MetaData(schema=metadata.schema)
    for table in metadata.tables.values():
        copy = table.to_metadata(bare)
        copy.constraints = {copy.primary_key}
        await connection.execute(_sql(CreateTable(copy, include_foreign_key_constraints=[]), metadata, schema))
    if model.keeps_row_records(metadata):
        await history.create_bare(connection, schema)


async def complete(connection: Connection, metadata: sa.MetaData, schema: str) -> None:
    """Add constraints and indexes, also those by which the runner finds rows, and gather statistics. Raises what the rows violate.

    Statistics of the columns by which rows are found, which is what plans depend on at once: the first autovacuum adds the others.
    """
    await _drop_indexes(connection, schema)
    for table in metadata.tables.values():
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            await connection.execute(_sql(CreateIndex(index), metadata, schema))
    for statement in _lookup_indexes(metadata, schema):
        await connection.execute(statement)
    for table in metadata.tables.values():
        for constraint in _in_order(table):
            await connection.execute(_sql(AddConstraint(constraint, isolate_from_table=False), metadata, schema))
    for shape in model.read(metadata).shapes:
        columns = ", ".join(map(quoted, _searched(shape)))
        await connection.execute(f"analyze {quoted(schema)}.{quoted(shape.name)} ({columns})")
    if model.keeps_row_records(metadata):
        await history.complete(connection, schema)


async def is_fit(connection: Connection, metadata: sa.MetaData) -> bool:
    """Whether the live schema has exactly the projection's tables and columns."""
    rows = await connection.fetch(
        """
        select c.relname, a.attname from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = to_regnamespace($1) and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
        """,
        quoted(str(metadata.schema)),
    )
    wanted = {(table.name, column.name) for table in metadata.tables.values() for column in table.columns}
    if model.keeps_row_records(metadata):
        wanted.update((history.TABLE, column) for column in history.COLUMNS)
    return {(row["relname"], row["attname"]) for row in rows} == wanted


async def swap(connection: Connection, live: str, successor: str) -> None:
    """Put a schema in the place of the live one, in the caller's transaction; the old one stays as `<live>_old` until the next swap.

    Whoever could read a table before can read its successor.
    """
    old = f"{live}_old"
    for grant in await _grants(connection, live, successor):
        await connection.execute(grant)
    await drop(connection, old)
    if await connection.fetchval("select to_regnamespace($1) is not null", quoted(live)):
        await connection.execute(f"alter schema {quoted(live)} rename to {quoted(old)}")
    await connection.execute(f"alter schema {quoted(successor)} rename to {quoted(live)}")


async def drop(connection: Connection, schema: str) -> None:
    """Remove a schema with all in it, if it is there."""
    await connection.execute(f"drop schema if exists {quoted(schema)} cascade")


def _sql(element: ExecutableDDLElement, metadata: sa.MetaData, schema: str) -> str:
    compiled = element.compile(dialect=DIALECT, schema_translate_map={metadata.schema: schema}, render_schema_translate=True)
    return str(compiled)


def _in_order(table: sa.Table) -> Iterator[sa.Constraint]:
    """The table's constraints besides the primary key, in the same order at every run."""
    constraints = sorted(table.constraints, key=lambda each: (type(each).__name__, str(each.name), _sql_text(each)))
    return (each for each in constraints if not isinstance(each, sa.PrimaryKeyConstraint))


def _sql_text(constraint: sa.Constraint) -> str:
    return str(AddConstraint(constraint, isolate_from_table=False).compile(dialect=DIALECT))


def _lookup_indexes(metadata: sa.MetaData, schema: str) -> Iterator[str]:
    """An index for every column by which the runner finds rows and that no index or constraint starts with."""
    for shape, column in dict.fromkeys(model.read(metadata).lookups()):
        if column not in _leading(shape.table):
            yield f"create index {quoted(f'ix_{shape.name}_{column}_lookup')} on {quoted(schema)}.{quoted(shape.name)} ({quoted(column)})"


def _leading(table: sa.Table) -> set[str]:
    groups: list[Any] = [*table.indexes, *(each for each in table.constraints if isinstance(each, sa.UniqueConstraint))]
    return {next(iter(group.columns)).name for group in groups if len(group.columns)}


def _searched(shape: model.Shape) -> list[str]:
    """The columns that stand in keys and indexes."""
    groups: list[Any] = [*shape.table.indexes, *(each for each in shape.table.constraints if not isinstance(each, sa.CheckConstraint))]
    searched = {column.name for group in groups for column in group.columns}.union(shape.subjects)
    return [name for name in shape.template if name in searched]


async def _drop_indexes(connection: Connection, schema: str) -> None:
    """Remove the indexes that deletions made for themselves while the tables were filled."""
    rows = await connection.fetch(
        """
        select format('drop index %I.%I', n.nspname, c.relname) as statement
        from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = $1 and not i.indisprimary
        """,
        schema,
    )
    for row in rows:
        await connection.execute(row["statement"])


async def _grants(connection: Connection, live: str, successor: str) -> list[str]:
    rows = await connection.fetch(
        """
        with grants as (
            select 'usage on schema ' || quote_ident($2) as what, acl.grantee, n.nspowner as owner
            from pg_namespace n, aclexplode(n.nspacl) acl
            where n.nspname = $1 and acl.privilege_type = 'USAGE'
            union all
            select format('select on %I.%I', $2, c.relname), acl.grantee, c.relowner
            from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) acl
            where n.nspname = $1 and acl.privilege_type = 'SELECT' and c.relkind = 'r'
              and to_regclass(format('%I.%I', $2, c.relname)) is not null
        )
        select format('grant %s to %s', what, case grantee when 0 then 'public' else grantee::regrole::text end) as statement
        from grants where grantee <> owner
        """,
        live,
        successor,
    )
    return [row["statement"] for row in rows]
