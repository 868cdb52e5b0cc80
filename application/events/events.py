"""Events: create, change, delete."""

from __future__ import annotations

from typing import Annotated, Any, TypedDict
from uuid import UUID

from msgspec import Meta

from application.events.calendar import book_venue, leave_venue, release_bookings
from application.events.settlement import EventNotSettled, require_settled
from application.fields import Capacity, CurrencyCode, Id, Json, Labels, LongText, Name, Slug, Time, TimeZoneName, Url
from application.registry import Command, Reply, command
from application.slugs import SlugTaken, claim_slug
from application.ticketing.stock import resize_capacity
from application.unit import IdTaken, Scope, UnfitId, Unit
from domain.events.event import CapacityFixed, DeadlineAfterEnd, Event, EventEndsBeforeStart, EventIsFinal, NowhereToGo
from domain.events.facts import DETAILS, EventStatus, EventType, Visibility
from domain.events.register import EventRegister, event_register_id
from domain.events.venue import Venue, VenueIsInactive, VenueTaken, VenueTooSmall
from domain.local_time import AmbiguousLocalTime, NonexistentLocalTime, NotATime, UnknownTimeZone, instant
from domain.money import UnknownCurrency
from domain.organizations.organization import Organization
from domain.patch import UNSET, UnsetType, given_fields
from domain.ticketing.quota import BelowCommitted

EVENT_SLUGS = Scope("event_slug", SlugTaken)
"""Slugs of an organization's Events (O10)."""

WRONG_TIMES = (UnknownTimeZone, NotATime, NonexistentLocalTime, AmbiguousLocalTime, EventEndsBeforeStart, DeadlineAfterEnd)


class EventState(TypedDict):
    """Where an Event is found, and where it stands."""

    slug: Slug
    status: Annotated[EventStatus, Meta(examples=["planning"])]


class CreateEvent(Command, frozen=True, kw_only=True):
    """Plan an Event."""

    id: Id | None = None
    name: Name
    slug: Slug | None = None
    starts_at: Time
    ends_at: Time
    timezone: TimeZoneName | None = None
    """By default the organization's, like the currency."""
    currency: CurrencyCode | None = None
    event_type: EventType = "in_person"
    visibility: Visibility = "private"
    description: LongText | None = None
    category_id: Id | None = None
    venue_id: Id | None = None
    venue_exclusive: bool = True
    online_url: Url | None = None
    max_capacity: Capacity | None = None
    """Persons; by default the venue's capacity."""
    registration_deadline: Time | None = None
    tags: Labels = ()
    custom_fields: Json | None = None
    branding: Json | None = None
    social_links: Json | None = None


class UpdateEvent(Command, frozen=True, kw_only=True):
    """Change details of an Event."""

    event_id: Id
    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    event_type: EventType | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    description: LongText | UnsetType | None = UNSET
    category_id: Id | UnsetType | None = UNSET
    venue_id: Id | UnsetType | None = UNSET
    venue_exclusive: bool = True
    """Of the booking that another venue needs."""
    online_url: Url | UnsetType | None = UNSET
    max_capacity: Capacity | UnsetType | None = UNSET
    registration_deadline: Time | UnsetType | None = UNSET
    tags: Labels | UnsetType = UNSET
    custom_fields: Json | UnsetType | None = UNSET
    branding: Json | UnsetType | None = UNSET
    social_links: Json | UnsetType | None = UNSET


class DeleteEvent(Command, frozen=True, kw_only=True):
    """Delete an Event."""

    event_id: Id


@command(
    "POST /events",
    permission="events.create",
    status=201,
    rules="E1 E4 E5 O5 O10",
    refusals=(*WRONG_TIMES, UnknownCurrency, SlugTaken, IdTaken, UnfitId, VenueTaken, VenueIsInactive, VenueTooSmall),
    example={
        "name": "Harbour Lights 2027",
        "starts_at": "2027-06-12T19:30",
        "ends_at": "2027-06-13T02:00",
        "timezone": "Europe/Berlin",
        "currency": "EUR",
        "max_capacity": 1200,
    },
)
def create_event(command: CreateEvent, unit: Unit) -> Reply[EventState]:
    """Plan an Event.

    A venue is booked in the same step. Without a slug, a free one is derived from the name.
    """
    organization = unit.get(Organization, unit.organization_id)
    event_id = unit.resource_id(command.id)
    venue = unit.get(Venue, command.venue_id) if command.venue_id is not None else None
    capacity = command.max_capacity
    if venue is not None:
        capacity = capacity or venue.capacity
        venue.require_room(capacity)
    timezone, deadline = command.timezone or organization.timezone, command.registration_deadline
    details = given_fields(command, *DETAILS) | {
        "slug": claim_slug(unit, EVENT_SLUGS, command.slug, name=command.name, owner=event_id),
        "max_capacity": capacity,
        "registration_deadline": None if deadline is None else instant(deadline, timezone, "/registration_deadline"),
    }
    event = Event.create(
        id=event_id,
        organization_id=unit.organization_id,
        now=unit.now,
        starts_at=instant(command.starts_at, timezone, "/starts_at"),
        ends_at=instant(command.ends_at, timezone, "/ends_at"),
        timezone=timezone,
        currency=command.currency or organization.default_currency,
        created_by=unit.principal.user_id,
        **details,
    )
    unit.add(event)
    _register(unit).enter(event.id, now=unit.now)
    if venue is not None:
        book_venue(unit, event, venue, exclusive=command.venue_exclusive)
    return event_reply(event)


@command(
    "PATCH /events/{event_id}",
    permission="events.manage",
    rules="E1 E2 E3 E4 E5 O1 O10",
    refusals=(
        *WRONG_TIMES,
        EventIsFinal,
        NowhereToGo,
        CapacityFixed,
        BelowCommitted,
        SlugTaken,
        VenueTaken,
        VenueIsInactive,
        VenueTooSmall,
    ),
    example={"name": "Harbour Lights", "visibility": "public"},
)
def update_event(command: UpdateEvent, unit: Unit) -> Reply[EventState]:
    """Change details of an Event.

    What is left out stays. Dates change with `reschedule`; the currency is fixed (O7).
    """
    event = unit.get(Event, command.event_id)
    unit.match(event.version)
    changes = given_fields(command, *DETAILS)
    deadline = changes.get("registration_deadline")
    if deadline is not None:
        changes["registration_deadline"] = instant(deadline, event.timezone, "/registration_deadline")
    slug = changes.get("slug", event.slug)
    if slug != event.slug:
        unit.release(EVENT_SLUGS, event.slug, event.id)
        unit.claim(EVENT_SLUGS, slug, event.id)
    changes |= _room(unit, event, changes)
    former = event.venue_id
    event.change_details(now=unit.now, **changes)
    if event.venue_id != former:
        _move_house(unit, event, former, exclusive=command.venue_exclusive)
    return event_reply(event)


@command("DELETE /events/{event_id}", permission="events.delete", rules="E14 O4", refusals=(EventNotSettled,))
def delete_event(command: DeleteEvent, unit: Unit) -> Reply:
    """Delete an Event of which no place is sold or held.

    All its rows go, its records stay; its slug and venue are free again.
    """
    event = unit.get(Event, command.event_id)
    unit.match(event.version)
    require_settled(unit, event.id)
    release_bookings(unit, event)
    event.delete(now=unit.now)
    _register(unit).strike(event.id, now=unit.now)
    unit.release(EVENT_SLUGS, event.slug, event.id)
    return Reply(id=event.id, version=event.version, collection="events")


def event_reply(event: Event) -> Reply[EventState]:
    """The answer of every command on an Event."""
    return Reply(id=event.id, version=event.version, collection="events", data={"slug": event.slug, "status": event.status})


def _room(unit: Unit, event: Event, changes: dict[str, Any]) -> dict[str, Any]:
    """The capacity after these changes: it fits the venue, whose it is when the Event has none, and what is committed (E4)."""
    if not changes.keys() & {"venue_id", "max_capacity"}:
        return {}
    venue_id, capacity = changes.get("venue_id", event.venue_id), changes.get("max_capacity", event.max_capacity)
    if venue_id is not None:
        venue = unit.get(Venue, venue_id)
        capacity = capacity or venue.capacity
        venue.require_room(capacity)
    resize_capacity(unit, event.id, capacity)
    return {"max_capacity": capacity}


def _move_house(unit: Unit, event: Event, former: UUID | None, *, exclusive: bool) -> None:
    if former is not None:
        leave_venue(unit, event, unit.get(Venue, former))
    if event.venue_id is not None:
        book_venue(unit, event, unit.get(Venue, event.venue_id), exclusive=exclusive)


def _register(unit: Unit) -> EventRegister:
    register = unit.find(EventRegister, event_register_id(unit.organization_id))
    if register is None:
        register = EventRegister.open(organization_id=unit.organization_id, now=unit.now)
        unit.add(register)
    return register
