"""A row's history: the records that touched it, what each of them did to it, and the row as it was then. Pure.

Which records touched a row the runner has kept (`row_records`); what they did is what the projectors say of them, now as then.
"""

# ruff: noqa: S608  # only names of the metadata are put into statements

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, Literal
from uuid import UUID

import msgspec
import sqlalchemy as sa

from application.ports import Record, RecordMeta
from domain.aggregate import DomainEvent
from projections.changes import Add, Change, Delete, Erase, Insert, Set
from projections.queries import View, fields, is_money
from projections.queries.render import name_of, rendered
from projections.queries.sql import Sql
from projections.relational import RELATIONAL
from projections.runner import model
from projections.runner.fold import Fold
from projections.runner.model import Model, Shape
from projections.runner.target import mark

Action = Literal["inserted", "changed", "deleted", "erased"]

_COLUMNS: Final = ", ".join(f"r.{name}" for name in Record._fields)
_META: Final = msgspec.json.Decoder(RecordMeta)


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What one record did to a row, and who, when and why."""

    position: int
    recorded_at: str
    """ISO 8601, UTC."""
    type: str
    """Of the domain event."""
    action: Action
    changes: dict[str, Any]
    """The new values of columns."""
    added: dict[str, Any]
    """What was added to the numbers in columns."""
    actor: str
    """`user:<id>`, `key:<id>`, `system:<name>` or `platform`."""
    on_behalf_of: str | None
    reason: str | None
    command: str
    command_id: UUID
    causation_id: UUID | None
    """The domain event that a policy answered, if one did."""
    correlation_id: str
    stream_id: UUID
    stream_version: int


def records_query(
    table: sa.Table, row_id: UUID, organization_id: UUID, *, after: int = 0, upto: int | None = None, limit: int | None = None
) -> Sql:
    """The records that touched a row, oldest first: the columns of `Record`.

    A row of a table whose rows never change has no entries of its own: its record is the one that it names.
    """
    parameters: list[object] = [row_id, organization_id, after]
    bounds = "h.position > $3"
    if upto is not None:
        parameters.append(upto)
        bounds += f" and h.position <= ${len(parameters)}"
    if limit is not None:
        parameters.append(limit)
    touched = f'select position from "{table.schema}".row_records where row_id = $1'
    named = f"select log_position from {name_of(table)} where id = $1"
    text = (
        f"select {_COLUMNS} from ({touched} union {named}) h join log.records r on r.position = h.position "
        f"where r.organization_id = $2 and {bounds} order by h.position{f' limit ${len(parameters)}' if limit else ''}"
    )
    return Sql(text, tuple(parameters))


def row_query(table: sa.Table, row: dict[str, Any], view: View) -> Sql:
    """A row that is in no table, shown as if it were: `body` and `version`."""
    given = f"select * from json_populate_record(null::{name_of(table)}, $1::json)"
    query = rendered(table, given, view, "t.stream_version as version")
    text = f"select convert_to(r.body::text, 'UTF8') as body, r.version from ({query}) r"
    return Sql(text, (msgspec.json.encode(row).decode(),))


def record_of(row: Mapping[str, Any]) -> Record:
    """A record from a row of `records_query`."""
    return Record(*(row[name] for name in Record._fields))


class Past:
    """A row as the records that touched it have made it so far; they are applied in order."""

    def __init__(self, table: sa.Table, row_id: UUID) -> None:
        self.table = table
        self.id = row_id
        self._shape = _model().by_table[table]
        self._fold = Fold(_model())

    @property
    def row(self) -> dict[str, Any] | None:
        """Its columns; None before it was inserted and after it was deleted."""
        return self._fold.inserts[self._shape].get(self.id)

    def apply(self, event: DomainEvent, record: Record) -> None:
        """What a record does to the row."""
        for change in effects(RELATIONAL.changes(event, record), self._shape, self.id):
            if isinstance(change, Insert | Set | Add):
                self._fold.take(change, record)
            elif self.row is not None:
                self._lose(self.row, change, record)

    def _lose(self, row: dict[str, Any], change: Delete | Erase, record: Record) -> None:
        if isinstance(change, Erase):
            emptied = [name for subject, names in self._shape.subjects.items() if row[subject] == change.subject for name in names]
        else:
            emptied = [name for name in _letting_go(self._shape, change.table) if row[name] == change.id]
            if not emptied:  # it was deleted itself, or by a cascade
                self._fold = Fold(_model())
                return
        version = record.version if row["stream_id"] == record.stream_id else row["stream_version"]
        row.update(dict.fromkeys(emptied), **{**mark(record), "stream_id": row["stream_id"], "stream_version": version})


def effects(changes: Iterable[Change], shape: Shape, row_id: UUID) -> Iterator[Change]:
    """Of what a record does, that which concerns a row that it is known to have touched."""
    for change in changes:
        if isinstance(change, Erase):
            yield change
        elif isinstance(change, Delete) and change.table is not shape.table:
            if shape in _model().downstream[_model().by_table[change.table]]:
                yield change
        elif change.table is shape.table and change.id == row_id:
            yield change


def step(table: sa.Table, row_id: UUID, event: DomainEvent, record: Record) -> Step:
    """What a record did to a row that it touched."""
    shape = _model().by_table[table]
    meta = _META.decode(record.meta)
    action: Action = "changed"
    changes: dict[str, Any] = {}
    added: dict[str, Any] = {}
    for change in effects(RELATIONAL.changes(event, record), shape, row_id):
        match change:
            case Insert(values=values):
                action = "inserted"
                changes.update(values)
            case Set(values=values):
                changes.update(values)
            case Add(values=values):
                added.update(values)
            case Delete(table=other):
                emptied = _letting_go(shape, other)
                action = "changed" if emptied else "deleted"
                changes.update(dict.fromkeys(emptied))
            case Erase():
                action = "erased"
                changes.update(dict.fromkeys(name for names in shape.subjects.values() for name in names))
    return Step(
        position=record.position,
        recorded_at=record.recorded_at.isoformat(),
        type=record.type,
        action=action,
        changes=_shown(table, changes),
        added=_shown(table, added),
        actor=meta.actor,
        on_behalf_of=meta.on_behalf_of,
        reason=meta.reason,
        command=meta.command,
        command_id=meta.command_id,
        causation_id=meta.causation_id,
        correlation_id=meta.correlation_id,
        stream_id=record.stream_id,
        stream_version=record.version,
    )


def _letting_go(shape: Shape, other: sa.Table) -> list[str]:
    """The columns that become NULL when a row of the other table that they refer to is deleted."""
    return [
        reference.column
        for reference in _model().references[_model().by_table[other]]
        if reference.child is shape and not reference.cascades
    ]


def _shown(table: sa.Table, values: dict[str, Any]) -> dict[str, Any]:
    """Values as rows show them: amounts as text, nothing secret."""
    known = fields(table)
    return {name: _text(value) if is_money(known[name].column) else value for name, value in values.items() if name in known}


def _text(amount: object) -> object:
    return None if amount is None else str(amount)


@cache
def _model() -> Model:
    return model.read(RELATIONAL.metadata)
