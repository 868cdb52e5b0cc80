"""Box offices: put tickets on sale, stop selling."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from application.fields import Id
from application.registry import Command, Reply, command
from application.ticketing.offices import office_of
from application.unit import Unit
from domain.events.event import Event, EventIsFinal
from domain.organizations.organization import Organization, OrganizationIsSuspended
from domain.ticketing.box_office import HOLD_MINUTES, NothingToSell, SalesAreOpen, SalesNotOpen

HoldMinutes = Annotated[int, Meta(ge=1, le=1_440, description="How long new holds live")]


class OpenSales(Command, frozen=True, kw_only=True):
    """Put tickets on sale."""

    event_id: Id
    hold_minutes: HoldMinutes = HOLD_MINUTES


class CloseSales(Command, frozen=True, kw_only=True):
    """Stop selling tickets."""

    event_id: Id


@command(
    "POST /events/{event_id}/open-sales",
    permission="tickets.manage",
    rules="E3 O4",
    refusals=(EventIsFinal, NothingToSell, OrganizationIsSuspended, SalesAreOpen),
    example={"hold_minutes": 15},
)
def open_sales(command: OpenSales, unit: Unit) -> Reply:
    """Put tickets on sale.

    Orders come in as soon as the Event is confirmed as well. To change `hold_minutes`, close sales and open them again.
    """
    unit.get(Organization, unit.organization_id).require_active()
    event = _event(unit, command.event_id)
    event.require_open()
    office_of(unit, event).open_sales(hold_minutes=command.hold_minutes, event_ends_at=event.ends_at, now=unit.now)
    return _reply(event)


@command("POST /events/{event_id}/close-sales", permission="tickets.manage", rules="T5", refusals=(SalesNotOpen,))
def close_sales(command: CloseSales, unit: Unit) -> Reply:
    """Stop selling tickets; live holds are honoured."""
    event = _event(unit, command.event_id)
    office_of(unit, event).close_sales(now=unit.now)
    return _reply(event)


def _event(unit: Unit, event_id: Id) -> Event:
    event = unit.get(Event, event_id)
    unit.match(event.version)
    return event


def _reply(event: Event) -> Reply:
    """The Event is what was addressed; that its box office changed leaves its version as it was."""
    return Reply(id=event.id, version=event.version, collection="events")
