"""Venues: add, change, deactivate, book, release."""

from __future__ import annotations

from uuid import UUID

import msgspec

from application.events.calendar import own_booking_id
from application.fields import Capacity, Email, Id, Json, Label, Labels, Name, Phone, Time, TimeZoneName, Urls
from application.registry import Command, Reply, command
from application.unit import IdTaken, UnfitId, Unit
from domain.events.event import Event, EventIsFinal
from domain.events.venue import DETAILS, BookingEndsBeforeStart, Interval, Venue, VenueIsInactive, VenueTaken, VenueTooSmall
from domain.local_time import AmbiguousLocalTime, NonexistentLocalTime, NotATime, UnknownTimeZone, instant
from domain.organizations.organization import Organization
from domain.patch import UNSET, UnsetType, given_fields
from domain.refusals import Conflict
from domain.text import normalised_email


class BookingFollowsEvent(Conflict, rule="E5"):
    """This is the Event's own booking: it goes with the Event, or when the Event changes its venue."""


class ContactInfo(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom to ask."""

    name: Name | None = None
    email: Email | None = None
    phone: Phone | None = None


class AddVenue(Command, frozen=True, kw_only=True):
    """Add a place where Events can happen."""

    id: Id | None = None
    name: Name
    capacity: Capacity
    venue_type: Label | None = None
    address: Json | None = None
    amenities: Labels = ()
    contact_info: ContactInfo | None = None
    pricing: Json | None = None
    availability_calendar: Json | None = None
    images: Urls = ()


class UpdateVenue(Command, frozen=True, kw_only=True):
    """Change details of a venue."""

    venue_id: Id
    name: Name | UnsetType = UNSET
    capacity: Capacity | UnsetType = UNSET
    venue_type: Label | UnsetType | None = UNSET
    address: Json | UnsetType | None = UNSET
    amenities: Labels | UnsetType = UNSET
    contact_info: ContactInfo | UnsetType = UNSET
    pricing: Json | UnsetType | None = UNSET
    availability_calendar: Json | UnsetType | None = UNSET
    images: Urls | UnsetType = UNSET


class DeactivateVenue(Command, frozen=True, kw_only=True):
    """Take no more bookings."""

    venue_id: Id


class BookVenue(Command, frozen=True, kw_only=True):
    """Use a venue, for an Event or for something else."""

    venue_id: Id
    event_id: Id | None = None
    starts_at: Time
    ends_at: Time
    timezone: TimeZoneName | None = None
    """By default the Event's, else the organization's."""
    exclusive: bool = True


class ReleaseBooking(Command, frozen=True, kw_only=True):
    """Free a venue."""

    venue_id: Id
    booking_id: Id


@command(
    "POST /venues",
    permission="venues.manage",
    status=201,
    refusals=(IdTaken, UnfitId),
    example={"name": "Old Customs House", "capacity": 1500, "venue_type": "hall"},
)
def add_venue(command: AddVenue, unit: Unit) -> Reply:
    """Add a venue."""
    venue = Venue.add(
        id=unit.resource_id(command.id), organization_id=unit.organization_id, now=unit.now, **given_fields(command, *DETAILS)
    )
    unit.add(venue)
    if command.contact_info is not None:
        _change_contact(unit, venue, command.contact_info)
    return _reply(venue)


@command(
    "PATCH /venues/{venue_id}",
    permission="venues.manage",
    rules="E4 O1",
    refusals=(VenueTooSmall,),
    example={"capacity": 1400},
)
def update_venue(command: UpdateVenue, unit: Unit) -> Reply:
    """Change details of a venue.

    What is left out stays. The capacity is never set below that of an Event which is still to come.
    """
    venue = _addressed(unit, command.venue_id)
    venue.change_details(now=unit.now, **given_fields(command, *DETAILS))
    if command.capacity is not UNSET:
        for event_id in {booking.event_id for booking in venue.bookings.values() if booking.event_id is not None}:
            event = unit.find(Event, event_id)
            if event is not None and event.venue_id == venue.id and not event.is_final:
                venue.require_room(event.max_capacity)
    if command.contact_info is not UNSET:
        _change_contact(unit, venue, command.contact_info)
    return _reply(venue)


@command("POST /venues/{venue_id}/deactivate", permission="venues.manage")
def deactivate_venue(command: DeactivateVenue, unit: Unit) -> Reply:
    """Deactivate a venue; bookings that stand are honoured."""
    venue = _addressed(unit, command.venue_id)
    venue.deactivate(now=unit.now)
    return _reply(venue)


@command(
    "POST /venues/{venue_id}/bookings",
    permission="venues.manage",
    status=201,
    rules="E1 E5",
    refusals=(
        VenueTaken,
        VenueIsInactive,
        BookingEndsBeforeStart,
        EventIsFinal,
        UnknownTimeZone,
        NotATime,
        NonexistentLocalTime,
        AmbiguousLocalTime,
    ),
    example={"starts_at": "2027-06-11T08:00", "ends_at": "2027-06-12T19:30", "exclusive": True},
)
def book_venue(command: BookVenue, unit: Unit) -> Reply:
    """Book a venue.

    Of two bookings that overlap, an exclusive one is the only one; bookings that touch are both fine. A booking for
    an Event moves when the Event is rescheduled and ends when it is cancelled or deleted.
    """
    venue = unit.get(Venue, command.venue_id)
    event = unit.get(Event, command.event_id) if command.event_id is not None else None
    timezone = command.timezone or (event or unit.get(Organization, unit.organization_id)).timezone
    when = Interval(instant(command.starts_at, timezone, "/starts_at"), instant(command.ends_at, timezone, "/ends_at"))
    booking_id = unit.new_id()
    venue.book(booking_id, when, exclusive=command.exclusive, event_id=command.event_id, now=unit.now)
    if event is not None:
        event.require_open()
        event.note_booking(venue.id, now=unit.now)
    return Reply(id=booking_id, version=venue.booking(booking_id).version, collection="venue_bookings")


@command("DELETE /venues/{venue_id}/bookings/{booking_id}", permission="venues.manage", rules="E5", refusals=(BookingFollowsEvent,))
def release_booking(command: ReleaseBooking, unit: Unit) -> Reply:
    """Free the venue of a booking."""
    venue = unit.get(Venue, command.venue_id)
    booking = venue.booking(command.booking_id)
    unit.match(booking.version)
    if booking.event_id is not None and command.booking_id == own_booking_id(booking.event_id, venue.id):
        raise BookingFollowsEvent
    venue.release(command.booking_id, now=unit.now)
    return Reply(id=command.booking_id, version=venue.version, collection="venue_bookings")


def _change_contact(unit: Unit, venue: Venue, contact: ContactInfo) -> None:
    """Whoever has an address is that person everywhere; without one, a person known by this venue only."""
    email = None if contact.email is None else normalised_email(contact.email)
    person = unit.person(email or f"venue:{venue.id}")
    venue.change_contact(now=unit.now, contact=person, name=contact.name, email=email, phone=contact.phone)


def _addressed(unit: Unit, venue_id: UUID) -> Venue:
    venue = unit.get(Venue, venue_id)
    unit.match(venue.row_version)
    return venue


def _reply(venue: Venue) -> Reply:
    return Reply(id=venue.id, version=venue.row_version, collection="venues")
