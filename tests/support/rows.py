"""given / when / then for projectors: the change vocabulary applied to rows that are dicts.

    rows_of([fact(EventCreated, of=EVENT, ...)]).when(fact(EventConfirmed, of=EVENT)).then(events, [{"status": "confirmed"}])

History may also be the domain events that commands decided (`take`).

A row has to fit its table: known columns, no NULL where none may be, choices among those that the column admits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Self
from uuid import UUID

import sqlalchemy as sa

from application.ports import Record
from domain.aggregate import DomainEvent
from projections.changes import Change, Delete, Erase, Insert, Projection, Set
from projections.relational import RELATIONAL
from projections.runner.model import CONVENTION
from tests.support.given import NOW, ORG, Fact

Row = dict[str, Any]


class Rows:
    """The tables of a projection, as dicts."""

    def __init__(self, projection: Projection) -> None:
        self.projection = projection
        self.tables: dict[sa.Table, dict[UUID, Row]] = {table: {} for table in projection.metadata.tables.values()}
        self._streams: list[UUID] = []
        """Of every record so far."""

    def when(self, *facts: Fact, actor: str = "system:test", at: datetime = NOW) -> Self:
        """These records come next."""
        for fact in facts:
            stream = ORG if fact.of is None else fact.of
            self.take([fact.event(1 + self._streams.count(stream), at, ORG)], actor=actor)
        return self

    def take(self, events: Iterable[DomainEvent], *, actor: str = "system:test") -> Self:
        """The records of these domain events come next."""
        for event in events:
            self._streams.append(event.originator_id)
            record = _record(event, len(self._streams), actor)
            for change in self.projection.changes(event, record):
                self._apply(change, record)
        return self

    def then(self, table: sa.Table, expected: Sequence[Row]) -> Self:
        """The table has exactly these rows, in the order in which they were made, with at least these values."""
        shown = [
            {name: row[name] for name in (expected[n] if n < len(expected) else row)} for n, row in enumerate(self.tables[table].values())
        ]
        assert shown == list(expected)
        return self

    def _apply(self, change: Change, record: Record) -> None:
        if isinstance(change, Erase):
            self._erase(change.subject)
        elif isinstance(change, Delete):
            self._delete(change.table, change.id)
        elif isinstance(change, Insert):
            assert change.id not in self.tables[change.table], "two rows with one id"
            made = {column.name: _default(column) for column in change.table.columns} | change.values
            made |= {"id": change.id, "organization_id": record.organization_id, "log_position": record.position}
            made |= {"stream_id": record.stream_id, "stream_version": record.version}
            made |= {"created_at": record.recorded_at, "updated_at": record.recorded_at}
            self.tables[change.table][change.id] = made
            _check(change.table, change.values, made)
        elif (row := self.tables[change.table].get(change.id)) is not None:
            row |= change.values if isinstance(change, Set) else {name: row[name] + n for name, n in change.values.items()}
            row |= {"updated_at": record.recorded_at, "log_position": record.position}
            if row["stream_id"] == record.stream_id:
                row["stream_version"] = record.version
            _check(change.table, change.values, row)

    def _delete(self, table: sa.Table, row_id: UUID) -> None:
        if self.tables[table].pop(row_id, None) is None:
            return
        for child, rows in self.tables.items():
            for column in child.columns:
                if any(key.column.table is table for key in column.foreign_keys):
                    for hanging in [each for each, row in rows.items() if row[column.name] == row_id]:
                        self._let_go(child, hanging, column)

    def _let_go(self, child: sa.Table, row_id: UUID, column: sa.Column[Any]) -> None:
        if column.info["on_delete"] == "cascade":
            self._delete(child, row_id)
        elif column.info["on_delete"] == "set null":
            self.tables[child][row_id][column.name] = None

    def _erase(self, subject: UUID) -> None:
        for table, rows in self.tables.items():
            for column in table.columns:
                who = column.info.get("subject")
                for row in rows.values():
                    if who is not None and row[who] == subject:
                        row[column.name] = None


def rows_of(facts: Iterable[Fact], projection: Projection = RELATIONAL) -> Rows:
    """The tables after these records."""
    return Rows(projection).when(*facts)


def _record(event: DomainEvent, position: int, actor: str) -> Record:
    """The event as the log would hold it, without its data."""
    return Record(
        position=position,
        organization_id=ORG,
        organization_seq=position,
        event_id=UUID(int=position),
        stream_id=event.originator_id,
        stream_type=event.type_name.partition(".")[0],
        version=event.originator_version,
        type=event.type_name,
        type_version=event.class_version,
        data=b"",
        meta=f'{{"actor":"{actor}"}}'.encode(),
        recorded_at=event.timestamp,
        leaf_hash=b"",
    )


def _default(column: sa.Column[Any]) -> object:
    return column.default.arg if isinstance(column.default, sa.ColumnDefault) else None


def _check(table: sa.Table, values: Row, row: Row) -> None:
    unknown = values.keys() - {column.name for column in table.columns}.difference(CONVENTION)
    assert not unknown, f"{table.name} has no {unknown} for a projector to fill"
    for column in table.columns:
        value = row[column.name]
        assert value is not None or column.nullable, f"{table.name}.{column.name} is NULL"
        assert value is None or value in column.info.get("values", (value,)), f"{table.name}.{column.name} cannot be {value}"
