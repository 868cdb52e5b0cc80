"""What the runner reads from a projection's metadata: columns, references with what happens on delete, personal columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from projections.runner.values import sql_type

CONVENTION = ("id", "organization_id", "created_at", "updated_at", "log_position", "stream_id", "stream_version")
"""Columns of every table that the runner fills; a projector never names them."""


class UnfitTable(TypeError):
    """A table's definition asks for something that the runner does not do."""


@dataclass(frozen=True, eq=False)
class Shape:
    """One table as the runner sees it. Equal only to itself."""

    table: sa.Table
    name: str
    template: dict[str, Any]
    """A row without values: every column, in order, with its default."""
    own: frozenset[str]
    """The columns that projectors fill."""
    types: dict[str, str]
    subjects: dict[str, tuple[str, ...]]
    """By subject column, the personal columns of that person."""
    foreign: frozenset[str]
    """The columns that refer to rows which may be deleted with consequences."""
    guarded: frozenset[str]
    """The columns that decide what an erasure finds and empties."""
    history: bool
    """Whether it is kept which records touched a row (see `history`)."""


@dataclass(frozen=True)
class Reference:
    """A foreign key that does something when the row it refers to is deleted."""

    child: Shape
    column: str
    cascades: bool
    """Else it is set to NULL."""


@dataclass(frozen=True)
class Model:
    """All tables of a projection, parents before children."""

    schema: str
    shapes: tuple[Shape, ...]
    by_table: dict[sa.Table, Shape]
    references: dict[Shape, tuple[Reference, ...]]
    """By the table referred to."""
    tombstones: Shape | None
    """The table `deletions`, if the projection has one."""
    downstream: dict[Shape, frozenset[Shape]] = field(repr=False)
    """The tables whose rows the deletion of a row may remove or touch."""
    row_records: bool
    """Whether the projection keeps which records touched which rows (see `history`)."""

    def lookups(self) -> Iterator[tuple[Shape, str]]:
        """The columns, other than `id`, by which the runner finds rows: each needs an index."""
        for references in self.references.values():
            for reference in references:
                yield reference.child, reference.column
        for shape in self.shapes:
            for subject in shape.subjects:
                if subject != "id":
                    yield shape, subject


def read(metadata: sa.MetaData) -> Model:
    """The model of a projection's tables; `UnfitTable` where a definition breaks the conventions."""
    if metadata.schema is None:
        msg = "a projection's tables stand in a schema of their own: MetaData(schema=...)"
        raise UnfitTable(msg)
    shapes = tuple(_shape(table) for table in metadata.sorted_tables)
    by_table = {shape.table: shape for shape in shapes}
    references = {shape: tuple(_references(shape, shapes)) for shape in shapes}
    return Model(
        schema=metadata.schema,
        shapes=shapes,
        by_table=by_table,
        references=references,
        tombstones=next((shape for shape in shapes if shape.name == "deletions"), None),
        downstream={shape: _downstream(shape, references) for shape in shapes},
        row_records=keeps_row_records(metadata),
    )


def keeps_row_records(metadata: sa.MetaData) -> bool:
    """Whether the projection keeps which records touched which rows."""
    return bool(metadata.info.get("row_records", False))


def _shape(table: sa.Table) -> Shape:
    names = [str(column.name) for column in table.columns]
    if missing := set(CONVENTION).difference(names):
        msg = f"{table} lacks {', '.join(sorted(missing))}"
        raise UnfitTable(msg)
    types = {str(column.name): sql_type(column) for column in table.columns}
    if "NUMERIC" in types.values():
        msg = f"{table} has a number without a fixed scale: equal numbers would not look the same"
        raise UnfitTable(msg)
    subjects: dict[str, list[str]] = {}
    for column in table.columns:
        if (subject := column.info.get("subject")) is not None:
            if subject not in table.columns or not column.nullable:
                msg = f"{column} is personal: it must admit NULL, and {subject} must be a column beside it"
                raise UnfitTable(msg)
            subjects.setdefault(subject, []).append(str(column.name))
    return Shape(
        table=table,
        name=str(table.name),
        template={str(column.name): _default(column) for column in table.columns},
        own=frozenset(names).difference(CONVENTION),
        types=types,
        subjects={subject: tuple(columns) for subject, columns in subjects.items()},
        foreign=frozenset(str(key.parent.name) for key in table.foreign_keys if _acts(key)),
        guarded=frozenset(subjects).union(*subjects.values()),
        history=keeps_row_records(table.metadata) and table.info.get("history", True),
    )


def _default(column: sa.Column[Any]) -> object:
    """The value of a column that an Insert does not name. Rows travel by COPY, so the server gives no defaults."""
    if column.server_default is not None:
        msg = f"{column} has a server default: rows must be the same in a rebuild, give it default=<value>"
        raise UnfitTable(msg)
    if column.default is None:
        return None
    if not isinstance(column.default, sa.ColumnDefault) or not column.default.is_scalar:
        msg = f"{column} has a computed default: only the record may bring values"
        raise UnfitTable(msg)
    return column.default.arg


def _acts(key: sa.ForeignKey) -> bool:
    return bool(key.parent.info.get("on_delete", "no action") != "no action")


def _references(parent: Shape, shapes: Iterable[Shape]) -> Iterator[Reference]:
    for child in shapes:
        for key in child.table.foreign_keys:
            if key.column.table is parent.table and _acts(key):
                if key.column.name != "id":
                    msg = f"{key.parent} refers to {key.column}: what happens on delete follows ids only"
                    raise UnfitTable(msg)
                yield Reference(child, str(key.parent.name), cascades=key.parent.info["on_delete"] == "cascade")


def _downstream(shape: Shape, references: dict[Shape, tuple[Reference, ...]]) -> frozenset[Shape]:
    found: set[Shape] = set()
    removed = {shape}
    waiting = [shape]
    while waiting:
        for reference in references[waiting.pop()]:
            found.add(reference.child)
            if reference.cascades and reference.child not in removed:
                removed.add(reference.child)
                waiting.append(reference.child)
    return frozenset(found)
