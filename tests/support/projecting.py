"""Rows without a database: what a projection makes of domain events, folded by the runner's own fold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from application.ports import Record
from domain.aggregate import DomainEvent
from projections.changes import Projection
from projections.runner.fold import Fold
from projections.runner.model import read
from tests.support.given import ORG

Rows = dict[str, dict[UUID, dict[str, Any]]]
"""Rows by table and id."""


def records(events: Iterable[DomainEvent], actor: str = "system:test") -> list[tuple[DomainEvent, Record]]:
    """The events as the log would hold them, positions from 1 on; their data is left out."""
    meta = f'{{"actor":"{actor}"}}'.encode()
    return [
        (
            event,
            Record(
                position=position,
                organization_id=ORG,
                organization_seq=position,
                event_id=UUID(int=position),
                stream_id=event.originator_id,
                stream_type=event.type_name.partition(".")[0],
                version=event.originator_version,
                type=event.type_name,
                type_version=event.class_version,
                data=b"",
                meta=meta,
                recorded_at=event.timestamp,
                leaf_hash=b"",
            ),
        )
        for position, event in enumerate(events, 1)
    ]


def project(projection: Projection, events: Iterable[DomainEvent]) -> Rows:
    """The rows that the events leave behind, without those that hang on a deleted one."""
    fold = Fold(read(projection.metadata))
    for event, record in records(events):
        for change in projection.changes(event, record):
            fold.add(change, record)
    return {
        shape.name: {id_: row for id_, row in rows.items() if id_ not in fold.deletes.get(shape, ())}
        for shape, rows in fold.inserts.items()
    }
