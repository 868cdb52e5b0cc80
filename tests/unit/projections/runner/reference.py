"""What changes mean, one by one, over rows in dictionaries: the model that the runner is held to."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

import sqlalchemy as sa

from application.ports import Record
from projections.changes import Add, Change, Delete, Erase, Insert, Set
from tests.unit.projections.runner.small import DELETIONS, SMALL_METADATA

Row = dict[str, Any]


class ReferenceRows:
    """All rows of the small projection, and which records touched them."""

    def __init__(self) -> None:
        self.row_records: set[tuple[UUID, int]] = set()
        self.tables: dict[str, dict[UUID, Row]] = {table.name: {} for table in SMALL_METADATA.sorted_tables}

    def keys(self) -> set[tuple[sa.Table, UUID, UUID]]:
        """Table, id and organization of every row."""
        return {
            (table, row_id, row["organization_id"])
            for table in SMALL_METADATA.sorted_tables
            for row_id, row in self.tables[table.name].items()
        }

    def apply(self, record: Record, change: Change) -> None:
        if isinstance(change, Insert):
            self._insert(record, change.table, change.id, change.values)
        elif isinstance(change, Set):
            if row := self.tables[change.table.name].get(change.id):
                row.update(change.values)
                self._touch(row, record)
        elif isinstance(change, Add):
            if row := self.tables[change.table.name].get(change.id):
                row.update({name: None if row[name] is None else row[name] + number for name, number in change.values.items()})
                self._touch(row, record)
        elif isinstance(change, Delete):
            self._delete(record, change.table, change.id)
        else:
            self._erase(record, change)

    def _insert(self, record: Record, table: sa.Table, row_id: UUID, values: Row) -> None:
        defaults = {column.name: column.default.arg if isinstance(column.default, sa.ColumnDefault) else None for column in table.columns}
        row = defaults | values | {"id": row_id, "organization_id": record.organization_id, "created_at": record.recorded_at}
        row |= {"stream_id": record.stream_id, "stream_version": record.version}
        if table is DELETIONS:
            _mark(row, record)
        else:
            self._touch(row, record)
        self.tables[table.name][row_id] = row

    def _delete(self, record: Record, table: sa.Table, row_id: UUID) -> None:
        if self.tables[table.name].pop(row_id, None) is None:
            return
        if table is not DELETIONS:
            self.row_records.add((row_id, record.position))
            entity = {"entity": table.name, "entity_id": row_id, "at": record.recorded_at}
            self._insert(record, DELETIONS, uuid5(row_id, table.name), entity)
        # Tombstones last: those of an organization go with it.
        for child in sorted(SMALL_METADATA.sorted_tables, key=lambda child: child is DELETIONS):
            for column in child.columns:
                if any(key.column.table is table for key in column.foreign_keys):
                    self._let_go(record, child, column, row_id)

    def _let_go(self, record: Record, child: sa.Table, column: sa.Column[Any], parent_id: UUID) -> None:
        for row in [row for row in self.tables[child.name].values() if row[column.name] == parent_id]:
            if column.info["on_delete"] == "cascade":
                self._delete(record, child, row["id"])
            elif column.info["on_delete"] == "set null":
                row[column.name] = None
                self._touch(row, record)

    def _erase(self, record: Record, change: Erase) -> None:
        for table in SMALL_METADATA.sorted_tables:
            subjects = {column.info["subject"] for column in table.columns if "subject" in column.info}
            for row in self.tables[table.name].values():
                for subject in subjects:
                    if row[subject] == change.subject:
                        row.update({column.name: None for column in table.columns if column.info.get("subject") == subject})
                        self._touch(row, record)

    def _touch(self, row: Row, record: Record) -> None:
        _mark(row, record)
        self.row_records.add((row["id"], record.position))


def _mark(row: Row, record: Record) -> None:
    row["updated_at"] = record.recorded_at
    row["log_position"] = record.position
    if row["stream_id"] == record.stream_id:
        row["stream_version"] = record.version
