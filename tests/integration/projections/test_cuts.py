"""However records are cut into batches, live or in a rebuild, the rows are what the changes give one by one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from application.ports import Record
from projections import ddl
from projections.changes import Add, Change, Delete, Erase, Insert, Set
from projections.runner import model
from projections.runner.target import Target
from projections.runner.values import speak
from projections.runner.write import apply
from tests.unit.projections.runner.reference import ReferenceRows
from tests.unit.projections.runner.small import BEDS, HOUSES, KEEPERS, ORGANIZATIONS, ROOMS, SMALL_METADATA, START, SmallWorld

_ORGANIZATIONS = [UUID(int=number) for number in (1, 2)]
_PERSONS = [UUID(int=number) for number in (11, 12)]
_STREAMS = 2
_IDS = 3
_TABLES = [KEEPERS, HOUSES, ROOMS, BEDS]


class Story(NamedTuple):
    """Records with their changes, the rows that they must give, and two ways to cut them into batches."""

    entries: list[tuple[Record, list[Change]]]
    rows: ReferenceRows
    cuts: tuple[list[int], list[int]]

    def __repr__(self) -> str:
        lines = [
            f"{record.position} of {record.organization_id.int}, stream {record.stream_id.int}: "
            + ", ".join(f"{type(change).__name__} {' '.join(map(str, change))}" for change in changes)
            for record, changes in self.entries
        ]
        return "\n".join([f"cut at {self.cuts}", *lines])


@st.composite
def stories(draw: st.DrawFn) -> Story:
    world, rows = SmallWorld(), ReferenceRows()
    entries: list[tuple[Record, list[Change]]] = []

    def happen(organization: UUID, *kinds: str) -> None:
        stream = UUID(int=100 * organization.int + draw(st.integers(1, _STREAMS)))
        # The clocks of different processes disagree: later records may bear earlier times.
        record = world.happen(organization, stream=stream, at=START + timedelta(seconds=draw(st.integers(0, 9))))
        changes: list[Change] = []
        for kind in kinds:
            change = Insert(ORGANIZATIONS, organization, {}) if kind == "found" else _change(draw, rows, organization, kind)
            if change is not None:
                rows.apply(record, change)
                changes.append(change)
        entries.append((record, changes))

    for organization in _ORGANIZATIONS:
        happen(organization, "found")
    kinds = st.sampled_from(["insert"] * 8 + ["set"] * 4 + ["add"] * 2 + ["delete"] * 3 + ["erase"] + ["close"] * draw(st.integers(0, 1)))
    for _ in range(draw(st.integers(1, 25))):
        happen(draw(st.sampled_from(_ORGANIZATIONS)), *draw(st.lists(kinds, min_size=1, max_size=3)))
    cut = st.lists(st.integers(0, len(entries)), max_size=6)
    return Story(entries, rows, (draw(cut), draw(cut)))


def _change(draw: st.DrawFn, rows: ReferenceRows, organization: UUID, kind: str) -> Change | None:
    """A change that leaves every constraint satisfied, or None."""
    if kind == "erase":
        return Erase(draw(st.sampled_from(_PERSONS)))
    if kind == "close":
        return Delete(ORGANIZATIONS, organization)
    table = draw(st.sampled_from(_TABLES))
    row_id = UUID(int=1000 * organization.int + draw(st.integers(1, _IDS)))
    if kind == "delete":
        owned = any(bed["owner_id"] == row_id for bed in rows.tables["beds"].values())
        return None if table is KEEPERS and owned else Delete(table, row_id)
    if kind == "add":
        return Add(HOUSES, row_id, {"beds": draw(st.integers(0, 5)), "income": Decimal(draw(st.integers(-99, 99))).scaleb(-3)})
    if kind == "insert" and (row_id in rows.tables[table.name] or organization not in rows.tables["organizations"]):
        return None
    values = {name: draw(_value(rows, organization, table, name)) for name in model.read(SMALL_METADATA).by_table[table].own}
    return Insert(table, row_id, values) if kind == "insert" else Set(table, row_id, {n: v for n, v in values.items() if draw(st.booleans())})


def _value(rows: ReferenceRows, organization: UUID, table: sa.Table, name: str) -> st.SearchStrategy[Any]:
    column = table.columns[name]
    if column.foreign_keys:
        parents = rows.tables[next(iter(column.foreign_keys)).column.table.name].values()
        return st.sampled_from([None, *(row["id"] for row in parents if row["organization_id"] == organization)])
    values: dict[str, st.SearchStrategy[Any]] = {
        "name": st.none() if table is HOUSES else st.sampled_from(["a", "b"]),  # unique names have tests of their own
        "beds": st.integers(0, 5),
        "income": st.sampled_from([None, Decimal("0.001"), Decimal(10**14), Decimal("-1.10")]),
        "tags": st.sampled_from([None, [], ["a", 'q"\\,{}'], ["NULL"]]),
        "details": st.sampled_from([None, {"a": [1, 2.0, None, "ä\n"]}, [], "text", {"b": Decimal("1.50")}]),
        "guest": st.sampled_from([None, *_PERSONS]),
    }
    return values.get(name, st.sampled_from([None, "x", "tab\t\\N 'quote' \"double\"\n", "ü€😀"]))


def test_rows_are_those_of_the_changes_one_by_one_however_they_are_cut(database_url: str) -> None:
    with asyncio.Runner() as runner:
        connection = runner.run(_prepared(database_url))

        @settings(max_examples=150)
        @given(stories())
        def check(story: Story) -> None:
            expected = _plain(story.rows.tables)
            assert _plain(runner.run(_replayed(connection, story, "small", story.cuts[0]))) == expected
            assert _plain(runner.run(_replayed(connection, story, "bare", story.cuts[1]))) == expected

        check()
        runner.run(connection.close())


async def _prepared(database_url: str) -> asyncpg.Connection[asyncpg.Record]:
    connection = await asyncpg.connect(database_url)
    await speak(connection)
    await ddl.create_bare(connection, SMALL_METADATA, "bare")
    await ddl.create_bare(connection, SMALL_METADATA, "small")
    await ddl.complete(connection, SMALL_METADATA, "small")
    return connection


async def _replayed(
    connection: asyncpg.Connection[asyncpg.Record], story: Story, schema: str, cuts: list[int]
) -> dict[str, dict[UUID, dict[str, Any]]]:
    """The rows after the story; each batch must satisfy all constraints. Nothing stays."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        target = Target(connection, model.read(SMALL_METADATA), schema=schema, indexed=schema == "small")
        edges = sorted({0, *cuts, len(story.entries)})
        for start, end in pairwise(edges):
            await apply(target, story.entries[start:end])
            await connection.execute("set constraints all immediate")
            await connection.execute("set constraints all deferred")
        return {
            shape.name: {row["id"]: dict(row) for row in await connection.fetch(f"select * from {target.name(shape)}")}  # noqa: S608
            for shape in target.model.shapes
        }
    finally:
        await transaction.rollback()


def _plain(tables: dict[str, dict[UUID, dict[str, Any]]]) -> dict[str, dict[UUID, dict[str, Any]]]:
    """Without the differences of notation: JSON knows no decimals."""
    return {
        name: {
            row_id: {column: {"b": "1.50"} if value == {"b": Decimal("1.50")} else value for column, value in row.items()}
            for row_id, row in rows.items()
        }
        for name, rows in tables.items()
    }
