"""What quotas count, added to the rows of the categories and pools that they belong to."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from application.ports import Record
from domain.ticketing.quota import QuotaConfirmed, QuotaGivenBack, QuotaKind, QuotaOverAllocated, QuotaReleased, QuotaReserved
from projections.changes import Add, Change
from projections.relational import RELATIONAL
from projections.ticketing.ticket_categories import ticket_categories
from projections.ticketing.ticket_pools import ticket_pools

Counted = QuotaReserved | QuotaConfirmed | QuotaReleased | QuotaGivenBack | QuotaOverAllocated

_TABLES: dict[QuotaKind, sa.Table] = {"category": ticket_categories, "pool": ticket_pools}
"""Where each kind of quota is counted; the persons of an Event stand in no row."""


@RELATIONAL.on(QuotaReserved)
def reserved(event: QuotaReserved, _: Record) -> Iterable[Change]:
    """More is held."""
    return _add(event, quantity_reserved=event.quantity)


@RELATIONAL.on(QuotaConfirmed)
def confirmed(event: QuotaConfirmed, _: Record) -> Iterable[Change]:
    """What was held is sold."""
    return _add(event, quantity_reserved=-event.quantity, quantity_sold=event.quantity)


@RELATIONAL.on(QuotaReleased)
def released(event: QuotaReleased, _: Record) -> Iterable[Change]:
    """Less is held."""
    return _add(event, quantity_reserved=-event.quantity)


@RELATIONAL.on(QuotaGivenBack)
def given_back(event: QuotaGivenBack, _: Record) -> Iterable[Change]:
    """Less is sold."""
    return _add(event, quantity_sold=-event.quantity)


@RELATIONAL.on(QuotaOverAllocated)
def over_allocated(event: QuotaOverAllocated, _: Record) -> Iterable[Change]:
    """More than the total may be taken."""
    return _add(event, over_allocation=event.quantity)


def _add(event: Counted, **numbers: int) -> Iterable[Change]:
    table = _TABLES.get(event.kind)
    if table is not None:
        yield Add(table, event.of, numbers)
