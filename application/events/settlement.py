"""Whether an Event's money is settled: what has to hold before it may be deleted (E14, O4)."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from application.unit import Unit
from domain.refusals import Conflict
from domain.ticketing.box_office import BoxOffice, box_office_id
from domain.ticketing.quota import Quota, quota_id


class EventNotSettled(Conflict, rule="E14"):
    """Tickets of the Event are sold or held ({committed}): cancel and settle their orders first."""


def require_settled(unit: Unit, event_id: UUID) -> None:
    """Raises `EventNotSettled` while a place of the Event is sold or held."""
    committed = sum(quota.committed for quota in _quotas(unit, event_id))
    if committed:
        raise EventNotSettled(event_id=str(event_id), committed=committed)


def _quotas(unit: Unit, event_id: UUID) -> Iterator[Quota]:
    """The quotas that count the Event's orders: one per category and pool."""
    office = unit.find(BoxOffice, box_office_id(event_id))
    if office is None:
        return
    for of in (*office.categories, *office.pools):
        quota = unit.find(Quota, quota_id(of))
        if quota is not None:
            yield quota
