"""What the runner reads from table definitions, and which definitions it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from projections.runner import model
from projections.runner.model import CONVENTION, UnfitTable
from tests.unit.projections.runner.small import BEDS, HOUSES, KEEPERS, ORGANIZATIONS, ROOMS, SMALL_METADATA


def _reached(table: sa.Table) -> set[str]:
    small = model.read(SMALL_METADATA)
    return {shape.name for shape in small.downstream[small.by_table[table]]}


def test_deletions_reach_along_cascades_and_stop_at_what_is_set_to_null() -> None:
    assert _reached(ORGANIZATIONS) == {"houses", "keepers", "rooms", "beds", "deletions"}
    assert _reached(HOUSES) == {"rooms", "beds"}
    assert _reached(KEEPERS) == {"rooms"}
    assert _reached(BEDS) == {"beds"}


def test_erasure_finds_personal_columns_by_their_subject() -> None:
    assert model.read(SMALL_METADATA).by_table[ROOMS].subjects == {"guest": ("guest_name", "guest_phone")}


def _table(*columns: sa.Column[Any]) -> sa.MetaData:
    metadata = sa.MetaData(schema="odd")
    sa.Table("odd", metadata, *(sa.Column(name, sa.Uuid) for name in CONVENTION), *columns)
    return metadata


@pytest.mark.parametrize(
    "column",
    [
        sa.Column("a", sa.Integer, server_default="0"),
        sa.Column("a", sa.Integer, default=lambda: 0),
        sa.Column("a", sa.Numeric),
        sa.Column("a", sa.Text, info={"subject": "nobody"}),
        sa.Column("a", sa.Text, nullable=False, info={"subject": "stream_id"}),
    ],
)
def test_definitions_that_would_make_rows_depend_on_more_than_the_log_are_refused(column: sa.Column[Any]) -> None:
    with pytest.raises(UnfitTable):
        model.read(_table(column))


def test_tables_without_the_conventions_or_a_schema_are_refused() -> None:
    metadata = sa.MetaData(schema="odd")
    sa.Table("odd", metadata, sa.Column("id", sa.Uuid))
    with pytest.raises(UnfitTable):
        model.read(metadata)
    with pytest.raises(UnfitTable):
        model.read(sa.MetaData())
