"""Folding changes per row: what many records do to the tables, in as few row operations as possible.

A fold is carried out in a fixed order: new rows, updates, deletions, erasures. That gives what the changes give one by
one as long as no change depends on a deletion or an erasure that waits in the same fold; `folds` starts a new fold
before such a change. So the rows never tell how the records were cut into batches.

Numbers that are added must be exact in their column's scale: PostgreSQL rounds once per fold.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from application.ports import Record
from projections.changes import Add, Change, Delete, Erase, Insert, Set
from projections.runner.model import Model, Shape

Entry = tuple[Record, Sequence[Change]]
"""A record and what it does to the rows."""


class UnknownColumn(ValueError):
    """A projector named a table or a column that it may not fill."""


class Patch:
    """What happens to a row that is in the database already."""

    __slots__ = ("adds", "last", "sets", "versions")

    def __init__(self) -> None:
        self.sets: dict[str, Any] = {}
        self.adds: dict[str, Any] = {}
        self.versions: dict[UUID, int] = {}
        """By stream, the version of its last record that touched the row: only the owner's counts, and the database knows the owner."""
        self.last: Record
        """The last record that touched the row."""


class Fold:
    """Row operations of consecutive records; at most one per row and kind."""

    __slots__ = ("deletes", "erases", "inserts", "model", "patches", "reached")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.inserts: defaultdict[Shape, dict[UUID, dict[str, Any]]] = defaultdict(dict)
        self.patches: defaultdict[Shape, dict[UUID, Patch]] = defaultdict(dict)
        self.deletes: defaultdict[Shape, dict[UUID, Record]] = defaultdict(dict)
        self.erases: dict[UUID, Record] = {}
        self.reached: set[tuple[UUID, Shape]] = set()
        """Organization and table of the rows that the waiting deletions may remove or touch besides the deleted ones."""

    def admits(self, change: Change, record: Record) -> bool:
        """Whether the change may join this fold. If not, this fold must be carried out first."""
        if isinstance(change, Erase):
            return not self.reached and change.subject not in self.erases
        shape = self._shape(change.table)
        if isinstance(change, Insert) and self._holds(shape, change.id):
            return False
        if not self.reached and not self.erases:
            return True
        if isinstance(change, Delete):
            return not (self.erases and self.model.downstream[shape])
        empties, cascades = bool(self.erases), (record.organization_id, shape) in self.reached
        if isinstance(change, Insert):
            return not cascades and not (empties and shape.guarded)
        return not (cascades and not shape.foreign.isdisjoint(change.values)) and not (empties and not shape.guarded.isdisjoint(change.values))

    def _holds(self, shape: Shape, row_id: UUID) -> bool:
        """Whether something is to happen to a row of this id already. When that row comes anew, it is another one."""
        return row_id in self.inserts[shape] or row_id in self.patches[shape] or row_id in self.deletes[shape]

    def add(self, change: Change, record: Record) -> None:
        """Fold one more change in; raises `UnknownColumn`, or what adding unlike values raises."""
        if isinstance(change, Erase):
            self.erases[change.subject] = record
            return
        shape = self._shape(change.table)
        if isinstance(change, Delete):
            self._delete(shape, change.id, record)
            return
        if not change.values.keys() <= shape.own:
            msg = f"{shape.name} has no {', '.join(sorted(change.values.keys() - shape.own))} for a projector to fill"
            raise UnknownColumn(msg)
        if isinstance(change, Insert):
            self._insert(shape, change, record)
        elif change.id not in self.deletes[shape]:
            row = self.inserts[shape].get(change.id)
            if row is None:
                self._patch(shape, change, record)
            else:
                _merge(row, change, record)

    def _insert(self, shape: Shape, change: Insert, record: Record) -> None:
        row = shape.template.copy()
        row.update(change.values)
        row["id"] = change.id
        row["organization_id"] = record.organization_id
        row["created_at"] = row["updated_at"] = record.recorded_at
        row["log_position"] = record.position
        row["stream_id"] = record.stream_id
        row["stream_version"] = record.version
        self.inserts[shape][change.id] = row

    def _patch(self, shape: Shape, change: Set | Add, record: Record) -> None:
        patch = self.patches[shape].get(change.id)
        if patch is None:
            patch = self.patches[shape][change.id] = Patch()
        if isinstance(change, Set):
            patch.sets.update(change.values)
            for name in patch.adds.keys() & change.values.keys():
                del patch.adds[name]
        else:
            for name, number in change.values.items():
                known = patch.sets if name in patch.sets else patch.adds
                known[name] = _sum(known.get(name, 0), number)
        patch.versions[record.stream_id] = record.version
        patch.last = record

    def _delete(self, shape: Shape, row_id: UUID, record: Record) -> None:
        if self.deletes[shape].setdefault(row_id, record) is record:
            self.reached.update((record.organization_id, reached) for reached in self.model.downstream[shape])

    def _shape(self, table: sa.Table) -> Shape:
        try:
            return self.model.by_table[table]
        except KeyError:
            msg = f"{table} is no table of this projection"
            raise UnknownColumn(msg) from None


def folds(model: Model, entries: Iterable[Entry]) -> Iterator[Fold]:
    """The entries as folds, to be carried out one after the other."""
    fold = Fold(model)
    for record, changes in entries:
        for change in changes:
            if not fold.admits(change, record):
                yield fold
                fold = Fold(model)
            fold.add(change, record)
    yield fold


def _merge(row: dict[str, Any], change: Set | Add, record: Record) -> None:
    """Bring a change into a row that is about to be inserted."""
    if isinstance(change, Set):
        row.update(change.values)
    else:
        for name, number in change.values.items():
            row[name] = _sum(row[name], number)
    row["updated_at"] = record.recorded_at
    row["log_position"] = record.position
    if row["stream_id"] == record.stream_id:
        row["stream_version"] = record.version


def _sum(number: Any, more: Any) -> Any:
    """As SQL adds: NULL and anything is NULL."""
    return None if number is None or more is None else number + more
