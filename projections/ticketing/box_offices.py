"""Box offices have no table of their own: that they open and close stands in `status_changes`."""

from __future__ import annotations

from collections.abc import Iterable

from application.ports import Record
from domain.ticketing.box_office import SalesClosed, SalesOpened
from projections.audit.status_changes import status_change
from projections.changes import Change
from projections.relational import RELATIONAL


@RELATIONAL.on(SalesOpened)
def sales_opened(event: SalesOpened, record: Record) -> Iterable[Change]:
    """Tickets are on sale."""
    yield status_change(record, "box_office", record.stream_id, "open", was="closed", event_id=event.event_id)


@RELATIONAL.on(SalesClosed)
def sales_closed(event: SalesClosed, record: Record) -> Iterable[Change]:
    """Tickets are not on sale any more."""
    yield status_change(record, "box_office", record.stream_id, "closed", was="open", event_id=event.event_id)
