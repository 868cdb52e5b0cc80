"""An Event with tickets on sale: the history that most tests of ticketing begin with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from application.registry import Command
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import LineRequest, PlaceOrder
from application.ticketing.ticket_categories import AddTicketCategory
from domain.events.facts import EventConfirmed, EventCreated
from domain.organizations.facts import OrganizationCreated
from domain.ticketing.quota import Quota, quota_id
from tests.support.given import NOW, Fact, Given, fact, given, uid

EVENT, STALLS, BALCONY, POOL, ORDER, OTHER_ORDER = (uid(n) for n in range(1, 7))
STARTS, ENDS = NOW + timedelta(days=30), NOW + timedelta(days=30, hours=5)
HOLD = timedelta(minutes=15)

ORGANIZATION = fact(OrganizationCreated, name="Lyra", slug="lyra", default_currency="EUR", timezone="Europe/Berlin")


def planned(**fields: Any) -> list[Fact | Command]:
    """An organization with an Event that is being planned."""
    whole = {"name": "Gala", "slug": "gala", "starts_at": STARTS, "ends_at": ENDS, "timezone": "Europe/Berlin", "currency": "EUR"}
    return [ORGANIZATION, fact(EventCreated, of=EVENT, **whole | fields)]


def confirmed(**fields: Any) -> list[Fact | Command]:
    """An organization with a confirmed Event."""
    return [*planned(**fields), fact(EventConfirmed, of=EVENT)]


def category(id: UUID = STALLS, **fields: Any) -> AddTicketCategory:  # noqa: A002  # the field's name
    """A paid category of 100 seats at 45.00, unless `fields` say otherwise."""
    whole: dict[str, Any] = {"name": "Stalls", "price": "45.00", "quantity_total": 100}
    return AddTicketCategory(event_id=EVENT, id=id, **whole | fields)


def free(id: UUID = STALLS, **fields: Any) -> AddTicketCategory:  # noqa: A002
    """A free category of 100 seats, unless `fields` say otherwise."""
    return category(id, **{"ticket_type": "free", "price": "0"} | fields)


def on_sale(*offered: Command, **event: Any) -> Given:
    """A confirmed Event that sells what is offered: by default, `category()`."""
    return given([*confirmed(**event), *(offered or [category()]), OpenSales(event_id=EVENT)])


def place(order: UUID | None = ORDER, *, of: dict[UUID, int] | None = None, **fields: Any) -> PlaceOrder:
    """An order of two seats in the stalls, or of what `of` says."""
    lines = tuple(LineRequest(ticket_category_id=id_, quantity=quantity) for id_, quantity in (of or {STALLS: 2}).items())
    return PlaceOrder(event_id=EVENT, id=order, lines=lines, **fields)


def counts(history: Given, of: UUID = STALLS) -> tuple[int, int, int]:
    """(sold, reserved, available) of a quota."""
    quota = history.get(Quota, quota_id(of))
    return quota.sold, quota.reserved, quota.available
