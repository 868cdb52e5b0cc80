"""Deletions and erasures with their consequences, expanded from the metadata: the same live and in a rebuild."""

# ruff: noqa: S608  # only quoted names from the metadata are put into statements, values travel as parameters

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from uuid import UUID

from application.ports import Record
from projections.changes import derived_id
from projections.runner.history import Touch, Touches
from projections.runner.model import Shape
from projections.runner.target import MARK, Target, given, mark
from projections.runner.values import quoted

Doomed = dict[Shape, dict[UUID, int]]
"""Rows to delete, each with the position of the earliest record that reaches it."""

_TOUCH = """\
updated_at = case when t.log_position < d.log_position then d.updated_at else t.updated_at end,
log_position = greatest(t.log_position, d.log_position),
stream_version = case when t.stream_id = d.stream_id then greatest(t.stream_version, d.stream_version) else t.stream_version end"""
"""A record's mark on a row that a later record of the same fold may have touched already."""

_TOUCHING = {"id": "uuid", **MARK}


async def delete(target: Target, deletes: Mapping[Shape, Mapping[UUID, Record]], touches: Touches) -> None:
    """Delete these rows and what hangs on them, let go of them where they are referred to, and leave tombstones.

    Adds to `touches` what is removed and what is let go.
    """
    causes = {record.position: record for rows in deletes.values() for record in rows.values()}
    doomed = await _doomed(target, {shape: {row_id: record.position for row_id, record in rows.items()} for shape, rows in deletes.items()})
    for shape, rows in doomed.items():
        for reference in target.model.references[shape]:
            if not reference.cascades:
                marks = ({"id": row_id, **mark(causes[position])} for row_id, position in rows.items())
                let_go = await _touch(target, reference.child, reference.column, (reference.column,), marks)
                touches.extend(reference.child, let_go)
    removed: list[tuple[Shape, UUID, Record]] = []
    for shape in reversed(target.model.shapes):
        if rows := doomed.get(shape, {}):
            sql = f"delete from {target.name(shape)} as t using {given({'id': 'uuid'})} where t.id = d.id returning t.id"
            gone = await target.run(sql, ({"id": row_id} for row_id in rows))
            for row in gone:
                touches.remove(shape, row["id"], rows[row["id"]])
                removed.append((shape, row["id"], causes[rows[row["id"]]]))
    if target.model.tombstones is not None:
        await _bury(target, target.model.tombstones, removed)
        await _clear(target, target.model.tombstones, doomed)


async def _doomed(target: Target, direct: Doomed) -> Doomed:
    """All rows that the cascades reach from these."""
    doomed: Doomed = defaultdict(dict)
    waiting = direct
    while waiting:
        reached: Doomed = defaultdict(dict)
        for shape, rows in waiting.items():
            doomed[shape].update(rows)
        for shape, rows in waiting.items():
            for reference in target.model.references[shape]:
                if reference.cascades and reference.child is not target.model.tombstones:
                    for row_id, position in await _children(target, reference.child, reference.column, rows):
                        known = doomed[reference.child].get(row_id, position + 1)
                        if position < min(known, reached[reference.child].get(row_id, known)):
                            reached[reference.child][row_id] = position
        waiting = {shape: rows for shape, rows in reached.items() if rows}
    return doomed


async def _children(target: Target, child: Shape, column: str, parents: Mapping[UUID, int]) -> list[tuple[UUID, int]]:
    await target.searchable(child, column)
    types = {"id": "uuid", "log_position": "bigint"}
    rows = await target.run(
        f"select t.id, d.log_position from {target.name(child)} as t join {given(types)} on t.{quoted(column)} = d.id",
        ({"id": row_id, "log_position": position} for row_id, position in parents.items()),
    )
    return [(row["id"], row["log_position"]) for row in rows]


async def _bury(target: Target, tombstones: Shape, removed: Iterable[tuple[Shape, UUID, Record]]) -> None:
    """A row that was deleted again after it had come back moves its tombstone."""
    rows = [
        {
            **tombstones.template,
            "id": derived_id(row_id, shape.name),
            "entity": shape.name,
            "entity_id": row_id,
            "at": record.recorded_at,
            "organization_id": record.organization_id,
            "created_at": record.recorded_at,
            **mark(record),
        }
        for shape, row_id, record in removed
        if shape is not tombstones
    ]
    columns = ", ".join(map(quoted, tombstones.template))
    renewed = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in tombstones.template if name != "id")
    await target.run(
        f"insert into {target.name(tombstones)} ({columns}) select {columns} from {given(tombstones.types)}"
        f" on conflict (id) do update set {renewed}",
        rows,
    )


async def _clear(target: Target, tombstones: Shape, doomed: Doomed) -> None:
    """Tombstones go with the organization that they belong to."""
    for shape, rows in doomed.items():
        for reference in target.model.references[shape]:
            if reference.child is tombstones and reference.cascades:
                await target.searchable(tombstones, reference.column)
                await target.run(
                    f"delete from {target.name(tombstones)} as t using {given({'id': 'uuid'})} where t.{quoted(reference.column)} = d.id",
                    ({"id": row_id} for row_id in rows),
                )


async def erase(target: Target, erases: Mapping[UUID, Record], touches: Touches) -> None:
    """Set the personal columns of these persons to NULL, mark the rows, and add them to `touches`."""
    for shape in target.model.shapes:
        for subject, columns in shape.subjects.items():
            marks = ({"id": person, **mark(record)} for person, record in erases.items())
            touches.extend(shape, await _touch(target, shape, subject, columns, marks))


async def blank(target: Target, persons: Collection[UUID]) -> None:
    """Set the personal columns of these persons to NULL and leave no mark: for rows that wait for older records."""
    for shape in target.model.shapes:
        for subject, columns in shape.subjects.items():
            await target.searchable(shape, subject)
            await target.run(
                f"update {target.name(shape)} as t set {_nulls(columns)} from {given({'id': 'uuid'})} where t.{quoted(subject)} = d.id",
                ({"id": person} for person in persons),
            )


async def _touch(target: Target, shape: Shape, column: str, emptied: Collection[str], marks: Iterable[Mapping[str, object]]) -> list[Touch]:
    """Empty columns of the rows whose `column` holds a marked id; returns which rows by which record."""
    await target.searchable(shape, column)
    found = await target.run(
        f"update {target.name(shape)} as t set {_nulls(emptied)}, {_TOUCH} from {given(_TOUCHING)}"
        f" where t.{quoted(column)} = d.id returning t.id, d.log_position",
        marks,
    )
    return [(row["id"], row["log_position"]) for row in found]


def _nulls(columns: Iterable[str]) -> str:
    return ", ".join(f"{quoted(column)} = null" for column in columns)
