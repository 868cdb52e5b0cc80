"""The vocabulary of projectors."""

from __future__ import annotations

from uuid import UUID, uuid5

from projections.changes import derived_id


def test_a_row_without_an_id_of_its_own_gets_the_uuid5_of_its_natural_key() -> None:
    owner = UUID("01a20a1b-0e15-7fbe-89fb-49badacc0637")
    assert derived_id(owner, "1:0 é") == uuid5(owner, "1:0 é")
