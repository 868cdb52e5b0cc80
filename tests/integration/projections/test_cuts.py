"""However records are cut into batches, live or in a rebuild, the rows are what the changes give one by one."""

# ruff: noqa: S311  # stories are invented, not secrets

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from random import Random
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

ALPHA, BETA = UUID(int=1), UUID(int=2)
_ORGANIZATIONS = [ALPHA, BETA]
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


class _Author:
    """Invents records that leave every constraint satisfied, and keeps the rows that they must give."""

    def __init__(self) -> None:
        self.world = SmallWorld()
        self.rows = ReferenceRows()
        self.entries: list[tuple[Record, list[Change]]] = []
        self.gone: list[tuple[sa.Table, UUID, UUID]] = []
        """Rows that were there once, with their organizations: what comes late for them is where cuts could matter."""
        for organization in _ORGANIZATIONS:
            self._record(Random(0), organization, [lambda *_: Insert(ORGANIZATIONS, organization, {})])  # noqa: B023  # called at once
            for table in (KEEPERS, HOUSES, ROOMS, BEDS, BEDS):
                self._record(Random(organization.int), organization, [lambda *given: self._insert(table, *given)])  # noqa: B023

    def go_on(self, seed: int) -> None:
        """One more record."""
        random = Random(seed)
        kinds: list[Callable[[Random, UUID], Change | None]]
        kinds = [self._insert_any] * 5 + [self._set] * 6 + [self._add] + [self._delete] * 3 + [self._erase]
        kinds = [self._close] if random.random() < 0.02 else random.choices(kinds, k=random.randint(1, 3))
        self._record(random, random.choice(_ORGANIZATIONS), kinds)

    def _record(self, random: Random, organization: UUID, kinds: Iterable[Callable[[Random, UUID], Change | None]]) -> None:
        stream = UUID(int=100 * organization.int + random.randint(1, _STREAMS))
        # The clocks of different processes disagree: later records may bear earlier times.
        record = self.world.happen(organization, stream=stream, at=START + timedelta(seconds=random.randint(0, 9)))
        changes: list[Change] = []
        for kind in kinds:
            change = kind(random, organization)
            if change is not None:
                before = self.rows.keys()
                self.rows.apply(record, change)
                self.gone += sorted(before - self.rows.keys(), key=str)
                changes.append(change)
        self.entries.append((record, changes))

    def _insert_any(self, random: Random, organization: UUID) -> Change | None:
        return self._insert(self._row(random, organization)[0], random, organization)

    def _insert(self, table: sa.Table, random: Random, organization: UUID) -> Change | None:
        free = [row_id for row_id in _ids(organization) if row_id not in self.rows.tables[table.name]]
        if organization not in self.rows.tables["organizations"] or not free:
            return None
        return Insert(table, random.choice(free), self._values(random, organization, table))

    def _set(self, random: Random, organization: UUID) -> Change | None:
        table, row_id = self._row(random, organization)
        values = self._values(random, organization, table)
        return Set(table, row_id, dict(random.sample(sorted(values.items()), random.randint(1, len(values)))))

    def _row(self, random: Random, organization: UUID) -> tuple[sa.Table, UUID]:
        """Any row, most often one that has gone lately."""
        gone = [(table, row_id) for table, row_id, owner in self.gone[-8:] if owner == organization and table in _TABLES]
        return random.choice([*gone, *gone, (random.choice(_TABLES), random.choice(_ids(organization)))])

    def _add(self, random: Random, organization: UUID) -> Change | None:
        income = Decimal(random.randint(-99, 99)).scaleb(-3)
        return Add(HOUSES, random.choice(_ids(organization)), {"beds": random.randint(0, 5), "income": income})

    def _delete(self, random: Random, organization: UUID) -> Change | None:
        table, row_id = random.choice(_TABLES), random.choice(_ids(organization))
        owned = table is KEEPERS and any(bed["owner_id"] == row_id for bed in self.rows.tables["beds"].values())
        return None if owned else Delete(table, row_id)

    def _erase(self, random: Random, _organization: UUID) -> Change | None:
        return Erase(random.choice(_PERSONS))

    def _close(self, _random: Random, organization: UUID) -> Change | None:
        return Delete(ORGANIZATIONS, organization)

    def _values(self, random: Random, organization: UUID, table: sa.Table) -> dict[str, Any]:
        return {name: self._value(random, organization, table.columns[name]) for name in sorted(_MODEL.by_table[table].own)}

    def _value(self, random: Random, organization: UUID, column: sa.Column[Any]) -> Any:
        if not column.foreign_keys:
            return random.choice(_VALUES.get(column.name, _TEXTS))
        parents = self.rows.tables[next(iter(column.foreign_keys)).column.table.name].values()
        return random.choice([*2 * [row["id"] for row in parents if row["organization_id"] == organization], None])


def _ids(organization: UUID) -> list[UUID]:
    return [UUID(int=1000 * organization.int + number) for number in range(1, _IDS + 1)]


_MODEL = model.read(SMALL_METADATA)
_TEXTS = [None, "x", "tab\t\\N 'quote' \"double\"\n", "ü€😀"]
_VALUES: dict[str, list[Any]] = {
    "name": [None],  # unique names have a test of their own
    "beds": [0, 1, 5],
    "income": [None, Decimal("0.001"), Decimal(10**14), Decimal("-1.10")],
    "tags": [None, [], ["a", 'q"\\,{}'], ["NULL"]],
    "details": [None, {"a": [1, 2.0, None, "ä\n"]}, [], "text", {"b": "1.50"}],
    "guest": _PERSONS,
}


@st.composite
def stories(draw: st.DrawFn) -> Story:
    """Records of two organizations with a few rows each to begin with."""
    author = _Author()
    for seed in draw(st.lists(st.integers(0, 2**32), min_size=10, max_size=40)):
        author.go_on(seed)
    cut = st.lists(st.integers(0, len(author.entries)), max_size=6)
    return Story(author.entries, author.rows, (draw(cut), draw(cut)))


def test_rows_are_those_of_the_changes_one_by_one_however_they_are_cut(database_url: str) -> None:
    with asyncio.Runner() as runner:
        connection = runner.run(_prepared(database_url))

        @settings(max_examples=150)
        @given(stories())
        def check(story: Story) -> None:
            for schema, cuts in zip(("small", "bare"), story.cuts, strict=True):
                tables, row_records = runner.run(_replayed(connection, story, schema, cuts))
                assert tables == story.rows.tables
                assert row_records == sorted(story.rows.row_records)

        check()
        runner.run(connection.close())


async def test_a_row_reached_by_several_deletions_goes_by_the_earliest(database_url: str) -> None:
    world, rows = SmallWorld(), ReferenceRows()
    house, room, bed = _ids(ALPHA)
    changes: list[Change] = [
        Insert(ORGANIZATIONS, ALPHA, {}),
        Insert(HOUSES, house, {}),
        Insert(ROOMS, room, {"house_id": house}),
        Insert(BEDS, bed, {"room_id": room}),
        Delete(HOUSES, house),  # two steps away from the bed
        Delete(ROOMS, room),  # one step
    ]
    await _hold(database_url, world, rows, changes)


async def test_the_mark_of_a_later_record_stays_on_a_row_that_an_earlier_deletion_or_erasure_touches(database_url: str) -> None:
    world, rows = SmallWorld(), ReferenceRows()
    keeper, room, _ = _ids(ALPHA)
    changes: list[Change] = [
        Insert(ORGANIZATIONS, ALPHA, {}),
        Insert(KEEPERS, keeper, {}),
        Insert(ROOMS, room, {"keeper_id": keeper, "guest": _PERSONS[0], "guest_name": "a"}),
        Delete(KEEPERS, keeper),
        Set(ROOMS, room, {"title": "t"}),
        Erase(_PERSONS[0]),
        Set(ROOMS, room, {"title": "u"}),
    ]
    await _hold(database_url, world, rows, changes)


async def _hold(database_url: str, world: SmallWorld, rows: ReferenceRows, changes: list[Change]) -> None:
    """One record for each change, all in one batch."""
    entries = [(world.happen(ALPHA), [change]) for change in changes]
    for record, [change] in entries:
        rows.apply(record, change)
    connection = await _prepared(database_url)
    try:
        for schema in ("small", "bare"):
            found = await _replayed(connection, Story(entries, rows, ([], [])), schema, [])
            assert found == (rows.tables, sorted(rows.row_records))
    finally:
        await connection.close()


async def _prepared(database_url: str) -> asyncpg.Connection[asyncpg.Record]:
    connection = await asyncpg.connect(database_url)
    await speak(connection)
    await ddl.create_bare(connection, SMALL_METADATA, "bare")
    await ddl.create_bare(connection, SMALL_METADATA, "small")
    await ddl.complete(connection, SMALL_METADATA, "small")
    return connection


async def _replayed(
    connection: asyncpg.Connection[asyncpg.Record], story: Story, schema: str, cuts: list[int]
) -> tuple[dict[str, dict[UUID, dict[str, Any]]], list[tuple[UUID, int]]]:
    """The rows after the story, and which records touched them; each batch must satisfy all constraints. Nothing stays."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        target = Target(connection, _MODEL, schema=schema, indexed=schema == "small")
        edges = sorted({0, *cuts, len(story.entries)})
        for start, end in pairwise(edges):
            await apply(target, story.entries[start:end])
            await connection.execute("set constraints all immediate")
            await connection.execute("set constraints all deferred")
        tables = {
            shape.name: {row["id"]: dict(row) for row in await connection.fetch(f"select * from {target.name(shape)}")}  # noqa: S608
            for shape in target.model.shapes
        }
        touches = await connection.fetch(f"select row_id, position from {schema}.row_records order by row_id, position")  # noqa: S608
        return tables, [(row["row_id"], row["position"]) for row in touches]
    finally:
        await transaction.rollback()
