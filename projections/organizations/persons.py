"""Erasure: a person's columns become NULL in every table of the relational read models."""

from __future__ import annotations

from collections.abc import Iterable

from application.ports import Record
from domain.organizations.person import PersonErased
from projections.changes import Change, Erase
from projections.relational import RELATIONAL


@RELATIONAL.on(PersonErased)
def erased(event: PersonErased, _: Record) -> Iterable[Change]:
    """Forget what was sealed under this key."""
    yield Erase(event.originator_id)
