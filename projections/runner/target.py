"""The tables that a run of the runner writes: those of one schema, over one connection."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

from application.ports import Record
from projections.runner.model import Model, Shape
from projections.runner.values import Connection, document, quoted

MARK = {"updated_at": "timestamptz", "log_position": "bigint", "stream_id": "uuid", "stream_version": "int"}
"""What a record leaves on each row that it touches, with types."""


def mark(record: Record) -> dict[str, Any]:
    """The record's own mark."""
    return {
        "updated_at": record.recorded_at,
        "log_position": record.position,
        "stream_id": record.stream_id,
        "stream_version": record.version,
    }


def given(types: Mapping[str, str]) -> str:
    """A FROM item `d`: the rows of a statement's one parameter."""
    columns = ", ".join(f"{quoted(name)} {type_}" for name, type_ in types.items())
    return f"json_to_recordset($1::json) as d({columns})"


class Target:
    """Where rows go. Everything happens inside the caller's transaction."""

    def __init__(self, connection: Connection, model: Model, *, schema: str | None = None, indexed: bool = True) -> None:
        """The metadata's own schema, or another one with the same tables; not `indexed` if it has primary keys only."""
        self.connection = connection
        self.model = model
        self.schema = schema or model.schema
        self._unindexed = set() if indexed else set(model.lookups())

    def name(self, shape: Shape) -> str:
        """The table's name in SQL."""
        return f"{quoted(self.schema)}.{quoted(shape.name)}"

    async def run(self, sql: str, rows: Iterable[Mapping[str, Any]]) -> list[asyncpg.Record]:
        """Run a statement on the rows that are `given` to it."""
        return await self.connection.fetch(sql, document(rows))

    async def searchable(self, shape: Shape, column: str) -> None:
        """See to an index before rows are looked up by another column than `id`: a rebuild makes them when first needed."""
        if (shape, column) in self._unindexed:
            self._unindexed.remove((shape, column))
            await self.connection.execute(f"create index on {self.name(shape)} ({quoted(column)})")
