"""The catalogue: what it shows of commands and record types."""

from __future__ import annotations

import msgspec
import pytest

from infrastructure.codec.catalog import Catalog, FieldEntry, catalog, print_catalog
from tests.unit.codec import sample
from tests.unit.codec.sample import RING


def _catalog() -> Catalog:
    return catalog({"ring_the_bell": RING}, sample.EVENTS)


def test_a_command_shows_its_route_permission_rules_and_refusals() -> None:
    (entry,) = _catalog().commands
    assert (entry.name, entry.route, entry.permission) == ("ring_the_bell", "POST /choirs/{choir_id}/bell", "bell.ring")
    assert (entry.rules, entry.refusals, entry.summary) == (("O1",), ("bell_broken",), "Ring the bell")


def test_a_record_type_shows_its_fields_and_which_are_personal() -> None:
    entry = next(record for record in _catalog().records if record.type == "sample_choir.founded")
    assert (entry.version, entry.summary) == (1, "A choir begins.")
    assert entry.fields == (
        FieldEntry("name", "str", None),
        FieldEntry("founded_on", "date", None),
        FieldEntry("leader", "UUID | None", None),
        FieldEntry("leader_email", "str | None", "leader"),
    )


def test_as_json_it_is_one_object_per_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_catalog(json=True, shown=_catalog())
    kinds = [msgspec.json.decode(line)["kind"] for line in capsys.readouterr().out.splitlines()]
    assert kinds == ["command", *["record"] * len(sample.EVENTS)]


def test_to_read_it_is_two_tables(capsys: pytest.CaptureFixture[str]) -> None:
    print_catalog(json=False, shown=_catalog())
    out = capsys.readouterr().out
    assert "ring_the_bell" in out
    assert "sample_choir.rested" in out
