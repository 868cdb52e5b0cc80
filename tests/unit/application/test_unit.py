"""What a unit of work takes for granted, and has the log compare."""

from __future__ import annotations

from application.unit import Unit
from domain.aggregate import part_id
from tests.support.given import NOW, SYSTEM, MemoryState, uid

SENT = uid(1)


def test_o1_that_an_id_from_outside_is_free_is_a_precondition() -> None:
    """Two commands that send the same id at the same time do not both get it."""
    unit = Unit(now=NOW, principal=SYSTEM, command_id=uid(2), state=MemoryState())
    assert unit.resource_id(SENT, "quota") == SENT
    assert unit.reads == {SENT: 0, part_id(SENT, "quota"): 0}


def test_an_id_that_is_made_here_needs_no_look_at_the_log() -> None:
    unit = Unit(now=NOW, principal=SYSTEM, command_id=uid(2), state=MemoryState())
    assert unit.resource_id(None, "quota").version == 7
    assert not unit.reads
