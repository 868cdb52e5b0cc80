"""Carrying out folds: a few set-based statements per table, whatever the number of records."""

# ruff: noqa: S608  # only quoted names from the metadata are put into statements, values travel as parameters

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from uuid import UUID

from projections.runner.cascade import delete, erase
from projections.runner.fold import Entry, Fold, Patch, folds
from projections.runner.history import Touch, remember
from projections.runner.model import Shape
from projections.runner.target import MARK, Target, given, mark
from projections.runner.values import quoted


async def apply(target: Target, entries: Iterable[Entry]) -> None:
    """Bring the rows to where these records take them. Raises what a projector or PostgreSQL raises."""
    touches: list[Touch] = []
    for fold in folds(target.model, entries):
        await _insert(target, fold)
        await _update(target, fold)
        if deletes := {shape: rows for shape, rows in fold.deletes.items() if rows}:
            await delete(target, deletes, fold.touches)
        if fold.erases:
            await erase(target, fold.erases, fold.touches)
        touches.extend(fold.touches)
    await remember(target, touches)


async def _insert(target: Target, fold: Fold) -> None:
    for shape in target.model.shapes:
        if rows := fold.inserts[shape]:
            await target.connection.copy_records_to_table(
                shape.name,
                schema_name=target.schema,
                columns=list(shape.template),
                records=map(tuple, map(dict.values, rows.values())),
            )


async def _update(target: Target, fold: Fold) -> None:
    for shape in target.model.shapes:
        for (sets, adds), patches in _alike(fold.patches[shape]).items():
            found = await _patch(target, shape, sorted(sets), sorted(adds), patches)
            fold.touches.extend(shape, ((row_id, position) for row_id in found for position in patches[row_id].positions))


def _alike(patches: Mapping[UUID, Patch]) -> dict[tuple[frozenset[str], frozenset[str]], dict[UUID, Patch]]:
    """The patches by the columns that they set and add to."""
    groups: defaultdict[tuple[frozenset[str], frozenset[str]], dict[UUID, Patch]] = defaultdict(dict)
    for row_id, patch in patches.items():
        groups[frozenset(patch.sets), frozenset(patch.adds)][row_id] = patch
    return groups


async def _patch(target: Target, shape: Shape, sets: list[str], adds: list[str], patches: dict[UUID, Patch]) -> list[UUID]:
    """Returns the rows that are there."""
    assignments = [
        *(f"{quoted(name)} = d.{quoted(name)}" for name in sets),
        *(f"{quoted(name)} = t.{quoted(name)} + d.{quoted(name)}" for name in adds),
        "updated_at = d.updated_at",
        "log_position = d.log_position",
        "stream_version = case when t.stream_id = d.stream_id then d.stream_version else t.stream_version end",
    ]
    types = {"id": "uuid", **{name: shape.types[name] for name in [*sets, *adds]}, **MARK}
    found = await target.run(
        f"update {target.name(shape)} as t set {', '.join(assignments)} from {given(types)} where t.id = d.id returning t.id",
        ({"id": row_id, **patch.sets, **patch.adds, **mark(patch.last)} for row_id, patch in patches.items()),
    )
    # Several streams may have touched the row; only the owner's version counts, whichever came last.
    others = [
        {"id": row_id, "stream_id": stream, "stream_version": version}
        for row_id, patch in patches.items()
        if len(patch.versions) > 1
        for stream, version in patch.versions.items()
    ]
    if others:
        types = {"id": "uuid", "stream_id": "uuid", "stream_version": "int"}
        await target.run(
            f"update {target.name(shape)} as t set stream_version = d.stream_version"
            f" from {given(types)} where t.id = d.id and t.stream_id = d.stream_id",
            others,
        )
    return [row["id"] for row in found]
