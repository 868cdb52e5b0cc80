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
from projections.runner.history import Touches
from projections.runner.model import Model, Shape

Entry = tuple[Record, Sequence[Change]]
"""A record and what it does to the rows."""


class UnknownColumn(ValueError):
    """A projector named a table or a column that it may not fill."""


class Patch:
    """What happens to a row that is in the database already."""

    __slots__ = ("adds", "last", "positions", "sets", "versions")

    def __init__(self) -> None:
        self.sets: dict[str, Any] = {}
        self.adds: dict[str, Any] = {}
        self.versions: dict[UUID, int] = {}
        """By stream, the version of its last record that touched the row: only the owner's counts, and the database knows the owner."""
        self.positions: list[int] = []
        """Of the records that touched the row."""
        self.last: Record
        """The last record that touched the row."""

    def merge(self, change: Set | Add, record: Record) -> None:
        """Let one more change happen to the row."""
        if isinstance(change, Set):
            self.sets.update(change.values)
            for name in self.adds.keys() & change.values.keys():
                del self.adds[name]
        else:
            for name, number in change.values.items():
                known = self.sets if name in self.sets else self.adds
                known[name] = _sum(known.get(name, 0), number)
        self.versions[record.stream_id] = record.version
        if not self.positions or self.last is not record:
            self.positions.append(record.position)
        self.last = record


class Fold:
    """Row operations of consecutive records; at most one per row and kind."""

    __slots__ = ("deletes", "erases", "inserts", "model", "patches", "reached", "touches")

    def __init__(self, model: Model) -> None:
        self.model = model
        self.inserts: defaultdict[Shape, dict[UUID, dict[str, Any]]] = defaultdict(dict)
        self.patches: defaultdict[Shape, dict[UUID, Patch]] = defaultdict(dict)
        self.deletes: defaultdict[Shape, dict[UUID, Record]] = defaultdict(dict)
        self.erases: dict[UUID, Record] = {}
        self.reached: set[tuple[UUID, Shape]] = set()
        """Organization and table of the rows that the waiting deletions may remove or touch besides the deleted ones."""
        self.touches = Touches()
        """What is certain without the database: the rest is found as the fold is carried out."""

    def take(self, change: Change, record: Record) -> bool:
        """Fold one more change in, unless it depends on what waits here: then this fold must be carried out first.

        A new fold takes any change. Raises `UnknownColumn`, or what adding unlike values raises.
        """
        if isinstance(change, Erase):
            return self._erase(change, record)
        shape = self._shape(change.table)
        if isinstance(change, Delete):
            return self._delete(shape, change, record)
        if not change.values.keys() <= shape.own:
            msg = f"{shape.name} has no {', '.join(sorted(change.values.keys() - shape.own))} for a projector to fill"
            raise UnknownColumn(msg)
        if isinstance(change, Insert):
            return self._insert(shape, change, record)
        return self._update(shape, change, record)

    def _erase(self, change: Erase, record: Record) -> bool:
        if self.reached or change.subject in self.erases:
            return False
        self.erases[change.subject] = record
        return True

    def _delete(self, shape: Shape, change: Delete, record: Record) -> bool:
        downstream = self.model.downstream[shape]
        if self.erases and (downstream or shape.guarded):
            return False
        if self.deletes[shape].setdefault(change.id, record) is record:
            self.reached.update((record.organization_id, reached) for reached in downstream)
        return True

    def _insert(self, shape: Shape, change: Insert, record: Record) -> bool:
        rows, patches, deletes = self.inserts[shape], self.patches[shape], self.deletes[shape]
        # Hashing an id is most of what a look-up costs, so nothing is looked up where there is nothing.
        if change.id in rows or (patches and change.id in patches) or (deletes and change.id in deletes):
            return False  # what waits is about another row that had this id
        if (self.reached and (record.organization_id, shape) in self.reached) or (self.erases and shape.guarded):
            return False
        row = shape.template | change.values
        row["id"] = change.id
        row["organization_id"] = record.organization_id
        row["created_at"] = row["updated_at"] = record.recorded_at
        row["log_position"] = record.position
        row["stream_id"] = record.stream_id
        row["stream_version"] = record.version
        rows[change.id] = row
        self.touches.add(shape, change.id, record.position)
        return True

    def _update(self, shape: Shape, change: Set | Add, record: Record) -> bool:
        if self.reached and (record.organization_id, shape) in self.reached and not shape.foreign.isdisjoint(change.values):
            return False
        if self.erases and not shape.guarded.isdisjoint(change.values):
            return False
        rows, patches, deletes = self.inserts[shape], self.patches[shape], self.deletes[shape]
        if deletes and change.id in deletes:
            return True
        row = rows.get(change.id) if rows else None
        if row is not None:
            if row["log_position"] != record.position:
                self.touches.add(shape, change.id, record.position)
            _merge(row, change, record)
        else:
            patch = patches.get(change.id)
            if patch is None:
                patch = patches[change.id] = Patch()
            patch.merge(change, record)
        return True

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
            if not fold.take(change, record):
                yield fold
                fold = Fold(model)
                fold.take(change, record)
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
