"""The vocabulary of projectors: what a record does to the rows of the read models.

A projector is a pure function `(event, record) -> Iterable[Change]`. It names only the values that the event brings;
the runner adds organization, provenance and timestamps, and expands cascades and erasure from the tables' metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from hashlib import sha1
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import sqlalchemy as sa

from application.ports import Record
from domain.aggregate import DomainEvent


class Insert(NamedTuple):
    """A new row. The record's stream becomes its owner: `stream_version` follows that stream's records only."""

    table: sa.Table
    id: UUID
    values: dict[str, Any]


class Set(NamedTuple):
    """New values in a row; nothing where the row is missing."""

    table: sa.Table
    id: UUID
    values: dict[str, Any]


class Add(NamedTuple):
    """Numbers added to a row's columns; nothing where the row is missing."""

    table: sa.Table
    id: UUID
    values: dict[str, Any]


class Delete(NamedTuple):
    """Remove a row, and by the metadata's cascades what hangs on it; each removed row leaves a tombstone in `deletions`."""

    table: sa.Table
    id: UUID


class Erase(NamedTuple):
    """Set every personal column of the person with this key id to NULL, in every table of the projection."""

    subject: UUID


Change = Insert | Set | Add | Delete | Erase


def derived_id(owner: UUID, name: str) -> UUID:
    """The id of a row that has none of its own, by its natural key: `uuid.uuid5`, which takes twice as long about it."""
    return UUID(bytes=sha1(owner.bytes + name.encode(), usedforsecurity=False).digest()[:16], version=5)


E_ = TypeVar("E_", bound=DomainEvent)
Projector = Callable[[Any, Record], Iterable[Change]]


class Projection:
    """A subscriber with tables of its own: its name, its schema version, its metadata and its projectors by event type."""

    def __init__(self, name: str, *, version: int, metadata: sa.MetaData) -> None:
        self.name = name
        self.version = version
        self.metadata = metadata
        self.projectors: dict[str, list[Projector]] = {}

    def on(self, event_type: type[E_]) -> Callable[[Callable[[E_, Record], Iterable[Change]]], Callable[[E_, Record], Iterable[Change]]]:
        """Register the decorated pure function for an event type; several may be registered for one type."""

        def register(projector: Callable[[E_, Record], Iterable[Change]]) -> Callable[[E_, Record], Iterable[Change]]:
            self.projectors.setdefault(event_type.type_name, []).append(projector)
            return projector

        return register

    def changes(self, event: DomainEvent, record: Record) -> list[Change]:
        """All that this record does to this projection's rows."""
        return [change for projector in self.projectors.get(record.type, ()) for change in projector(event, record)]
