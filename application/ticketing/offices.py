"""The box office of an Event, which comes into being with its first category or pool."""

from __future__ import annotations

from application.unit import Unit
from domain.events.event import Event
from domain.ticketing.box_office import BoxOffice, box_office_id


def office_of(unit: Unit, event: Event) -> BoxOffice:
    """The Event's box office, opened in the Event's currency if there is none yet."""
    office = unit.find(BoxOffice, box_office_id(event.id))
    if office is None:
        office = BoxOffice.open(organization_id=unit.organization_id, event_id=event.id, currency=event.currency, now=unit.now)
        unit.add(office)
    return office
