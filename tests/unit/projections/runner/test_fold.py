"""Changes of many records become few row operations, and never the wrong ones."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import repeat
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from projections.changes import Add, Change, Delete, Erase, Insert, Set
from projections.runner import model
from projections.runner.fold import Fold, UnknownColumn, folds
from projections.runner.model import CONVENTION
from tests.unit.projections.runner.small import BEDS, HOUSES, KEEPERS, ROOMS, SMALL_METADATA, START, SmallWorld

ORGANIZATION, OTHER_ORGANIZATION, STREAM, OTHER_STREAM = (UUID(int=number) for number in range(1, 5))
ROW, OTHER_ROW, PERSON = (UUID(int=number) for number in range(10, 13))
MODEL = model.read(SMALL_METADATA)


def _folded(*changes: Change, organizations: Sequence[UUID] = (), streams: Sequence[UUID] = ()) -> list[Fold]:
    """Each change a record of its own, of the given organization and stream."""
    world = SmallWorld()
    entries = [
        (world.happen(organization, stream=stream), [change])
        for change, organization, stream in zip(changes, organizations or repeat(ORGANIZATION), streams or repeat(STREAM), strict=False)
    ]
    return list(folds(MODEL, entries))


def _inserted(fold: Fold, table: sa.Table = HOUSES) -> dict[str, Any]:
    return fold.inserts[MODEL.by_table[table]][ROW]


def test_a_new_row_bears_the_marks_of_its_record() -> None:
    [fold] = _folded(Insert(HOUSES, ROW, {"name": "h"}))
    second = START.replace(second=1)
    marks = {"created_at": second, "updated_at": second, "log_position": 1, "stream_id": STREAM, "stream_version": 1}
    assert _inserted(fold) == {"id": ROW, "organization_id": ORGANIZATION, "name": "h", "beds": 0, "income": None} | marks


def test_values_set_and_added_later_are_merged_into_the_new_row() -> None:
    [fold] = _folded(Insert(HOUSES, ROW, {"beds": 1}), Set(HOUSES, ROW, {"income": Decimal(5)}), Add(HOUSES, ROW, {"beds": 2, "income": 1}))
    row = _inserted(fold)
    assert (row["beds"], row["income"], row["log_position"], row["stream_version"]) == (3, 6, 3, 3)
    assert row["created_at"] == START.replace(second=1)
    assert row["updated_at"] == START.replace(second=3)


def test_a_record_of_another_stream_leaves_the_row_version_alone() -> None:
    [fold] = _folded(Insert(HOUSES, ROW, {}), Add(HOUSES, ROW, {"beds": 1}), streams=[STREAM, OTHER_STREAM])
    assert (_inserted(fold)["stream_version"], _inserted(fold)["log_position"]) == (1, 2)


def test_many_additions_to_one_row_are_one_operation() -> None:
    [fold] = _folded(*[Add(HOUSES, ROW, {"beds": number}) for number in range(5)])
    patch = fold.patches[MODEL.by_table[HOUSES]][ROW]
    assert (patch.sets, patch.adds, patch.last.position) == ({}, {"beds": 10}, 5)


@pytest.mark.parametrize(
    ("changes", "sets", "adds"),
    [
        ([Add(HOUSES, ROW, {"beds": 1}), Set(HOUSES, ROW, {"beds": 7})], {"beds": 7}, {}),
        ([Set(HOUSES, ROW, {"beds": 7}), Add(HOUSES, ROW, {"beds": 1})], {"beds": 8}, {}),
        ([Set(HOUSES, ROW, {"income": None}), Add(HOUSES, ROW, {"income": 1})], {"income": None}, {}),
        ([Set(HOUSES, ROW, {"name": "a"}), Add(HOUSES, ROW, {"beds": 1})], {"name": "a"}, {"beds": 1}),
    ],
)
def test_sets_and_additions_keep_their_order(changes: list[Change], sets: dict[str, Any], adds: dict[str, Any]) -> None:
    [fold] = _folded(*changes)
    patch = fold.patches[MODEL.by_table[HOUSES]][ROW]
    assert (patch.sets, patch.adds) == (sets, adds)


def test_what_comes_after_the_deletion_of_a_row_does_nothing() -> None:
    [fold] = _folded(Delete(BEDS, ROW), Set(BEDS, ROW, {"from": "a"}))
    assert not fold.patches[MODEL.by_table[BEDS]]


@pytest.mark.parametrize(
    "changes",
    [
        [Delete(KEEPERS, ROW), Insert(KEEPERS, ROW, {})],
        [Insert(KEEPERS, ROW, {}), Insert(KEEPERS, ROW, {})],
        [Set(KEEPERS, ROW, {"name": "a"}), Insert(KEEPERS, ROW, {})],
        [Delete(HOUSES, ROW), Set(ROOMS, ROW, {"house_id": OTHER_ROW})],
        [Delete(HOUSES, ROW), Set(BEDS, ROW, {"room_id": OTHER_ROW})],
        [Delete(HOUSES, ROW), Insert(ROOMS, ROW, {})],
        [Delete(HOUSES, ROW), Erase(PERSON)],
        [Erase(PERSON), Delete(HOUSES, ROW)],
        [Erase(PERSON), Insert(ROOMS, ROW, {"guest": PERSON})],
        [Erase(PERSON), Set(ROOMS, ROW, {"guest_name": "a"})],
        [Erase(PERSON), Erase(PERSON)],
    ],
)
def test_a_change_that_depends_on_a_waiting_deletion_or_erasure_starts_a_new_fold(changes: list[Change]) -> None:
    assert len(_folded(*changes)) == 2


def test_a_deletion_waits_for_an_erasure_that_touches_the_row_before() -> None:
    metadata = sa.MetaData(schema="odd")
    personal = sa.Column("name", sa.Text, info={"subject": "stream_id"})
    table = sa.Table("odd", metadata, *(sa.Column(name, sa.Uuid) for name in CONVENTION), personal)
    record = SmallWorld().happen(ORGANIZATION)
    assert len(list(folds(model.read(metadata), [(record, [Erase(PERSON), Delete(table, ROW)])]))) == 2


@pytest.mark.parametrize(
    "changes",
    [
        [Delete(HOUSES, ROW), Set(ROOMS, ROW, {"title": "a"}), Add(HOUSES, OTHER_ROW, {"beds": 1}), Delete(KEEPERS, ROW)],
        [Erase(PERSON), Set(ROOMS, ROW, {"title": "a"}), Insert(HOUSES, ROW, {}), Erase(OTHER_ROW)],
    ],
)
def test_other_changes_stay_in_one_fold(changes: list[Change]) -> None:
    assert len(_folded(*changes)) == 1


def test_deletions_hold_up_no_other_organization() -> None:
    changes: list[Change] = [Delete(HOUSES, ROW), Insert(ROOMS, ROW, {})]
    assert len(_folded(*changes, organizations=[ORGANIZATION, OTHER_ORGANIZATION])) == 1


@pytest.mark.parametrize("values", [{"colour": "red"}, {"id": ROW}, {"log_position": 1}])
def test_a_projector_fills_only_the_columns_that_are_its_own(values: dict[str, Any]) -> None:
    with pytest.raises(UnknownColumn):
        _folded(Insert(HOUSES, ROW, values))


def test_a_table_of_another_projection_is_refused() -> None:
    foreign = sa.Table("foreign", sa.MetaData(), sa.Column("id", sa.Uuid))
    with pytest.raises(UnknownColumn):
        _folded(Delete(foreign, ROW))
