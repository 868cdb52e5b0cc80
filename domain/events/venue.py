"""Venue: a place with a capacity and a calendar of bookings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple, Self
from uuid import UUID

import msgspec
from immutables import Map

from domain.aggregate import Aggregate, Created, DomainEvent
from domain.patch import UNSET, UnsetType, given_fields
from domain.personal import Personal
from domain.refusals import Conflict, Invalid, NotFound

DETAILS = ("name", "capacity", "venue_type", "address", "amenities", "pricing", "availability_calendar", "images")
"""What can be changed about a venue, besides whom to contact."""


class VenueTaken(Conflict, rule="E5"):
    """The venue is booked from {starts_at} until {ends_at} already."""


class VenueIsInactive(Conflict, rule="E5"):
    """The venue is not available any more."""


class BookingEndsBeforeStart(Invalid, rule="E1", pointer="/ends_at"):
    """The booking has to start before it ends."""


class VenueTooSmall(Conflict, rule="E4"):
    """The venue holds {capacity} persons, not {persons}."""


class Interval(NamedTuple):
    """Half-open: `[starts_at, ends_at)`, so intervals that touch do not overlap."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: Interval) -> bool:
        """Whether there is an instant in both."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """The venue is in use, for an Event or for something else."""

    event_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    exclusive: bool
    version: int
    """Of the Venue's last domain event about this booking: the row's version."""

    @property
    def interval(self) -> Interval:
        """When."""
        return Interval(self.starts_at, self.ends_at)


class VenueAdded(Created):
    """There is a place where Events can happen."""

    type_name = "venue.added"
    name: str
    capacity: int
    venue_type: str | None = None
    address: dict[str, Any] | None = None
    amenities: tuple[str, ...] = ()
    pricing: dict[str, Any] | None = None
    availability_calendar: dict[str, Any] | None = None
    images: tuple[str, ...] = ()

    def apply(self, aggregate: Venue) -> None:
        aggregate.row_version = self.originator_version


class VenueDetailsChanged(DomainEvent):
    """Details are others; those left out stay as they are."""

    type_name = "venue.details_changed"
    name: str | UnsetType = UNSET
    capacity: int | UnsetType = UNSET
    venue_type: str | UnsetType | None = UNSET
    address: dict[str, Any] | UnsetType | None = UNSET
    amenities: tuple[str, ...] | UnsetType = UNSET
    pricing: dict[str, Any] | UnsetType | None = UNSET
    availability_calendar: dict[str, Any] | UnsetType | None = UNSET
    images: tuple[str, ...] | UnsetType = UNSET

    def apply(self, aggregate: Venue) -> None:
        for name, value in given_fields(self, "name", "capacity").items():
            setattr(aggregate, name, value)
        aggregate.row_version = self.originator_version


class VenueContactChanged(DomainEvent):
    """Somebody (else) answers for the venue."""

    type_name = "venue.contact_changed"
    contact: UUID
    contact_name: Personal[str | None, "contact"] = None
    contact_email: Personal[str | None, "contact"] = None
    contact_phone: Personal[str | None, "contact"] = None

    def apply(self, aggregate: Venue) -> None:
        aggregate.row_version = self.originator_version


class VenueDeactivated(DomainEvent):
    """No new bookings; those that stand are honoured."""

    type_name = "venue.deactivated"

    def apply(self, aggregate: Venue) -> None:
        aggregate.is_active = False
        aggregate.row_version = self.originator_version


class VenueBooked(DomainEvent):
    """The venue is in use."""

    type_name = "venue.booked"
    booking_id: UUID
    event_id: UUID | None
    starts_at: datetime
    ends_at: datetime
    exclusive: bool

    def apply(self, aggregate: Venue) -> None:
        booking = Booking(
            event_id=self.event_id,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            exclusive=self.exclusive,
            version=self.originator_version,
        )
        aggregate.bookings = aggregate.bookings.set(self.booking_id, booking)


class VenueBookingMoved(DomainEvent):
    """The venue is in use at another time."""

    type_name = "venue.booking_moved"
    booking_id: UUID
    starts_at: datetime
    ends_at: datetime

    def apply(self, aggregate: Venue) -> None:
        booking = msgspec.structs.replace(
            aggregate.bookings[self.booking_id], starts_at=self.starts_at, ends_at=self.ends_at, version=self.originator_version
        )
        aggregate.bookings = aggregate.bookings.set(self.booking_id, booking)


class VenueBookingReleased(DomainEvent):
    """The venue is free again."""

    type_name = "venue.booking_released"
    booking_id: UUID

    def apply(self, aggregate: Venue) -> None:
        aggregate.bookings = aggregate.bookings.delete(self.booking_id)


class Venue(Aggregate):
    """A place. Of two bookings that overlap, at most one is exclusive, and then there is only one (E5)."""

    stream_type = "venue"

    name: str
    capacity: int
    is_active: bool = True
    bookings: Map[UUID, Booking] = Map()
    row_version: int = 0
    """Of the last domain event about the venue itself, not about its bookings."""

    @classmethod
    def add(cls, *, id: UUID, organization_id: UUID, now: datetime, **fields: Any) -> Self:  # noqa: A002  # the field's name
        """A new venue; `fields` are those of `VenueAdded`."""
        return cls.begin(VenueAdded, id=id, organization_id=organization_id, now=now, **fields)

    def change_details(self, *, now: datetime, **changes: Any) -> None:
        """Change what is named, one of `DETAILS` each."""
        if changes:
            self.trigger(VenueDetailsChanged, now=now, **changes)

    def change_contact(self, *, now: datetime, contact: UUID, name: str | None, email: str | None, phone: str | None) -> None:
        """Somebody (else) answers for the venue; `contact` is the person's key id."""
        self.trigger(VenueContactChanged, now=now, contact=contact, contact_name=name, contact_email=email, contact_phone=phone)

    def deactivate(self, *, now: datetime) -> None:
        """Take no more bookings. Twice is once."""
        if self.is_active:
            self.trigger(VenueDeactivated, now=now)

    def require_room(self, persons: int | None) -> None:
        """Raises `VenueTooSmall` for an Event that admits more persons than the venue holds (E4)."""
        if persons is not None and persons > self.capacity:
            raise VenueTooSmall(capacity=self.capacity, persons=persons)

    def booking(self, booking_id: UUID) -> Booking:
        """The live booking with this id. Raises `NotFound`."""
        booking = self.bookings.get(booking_id)
        if booking is None:
            raise NotFound(what="booking", id=str(booking_id))
        return booking

    def bookings_of(self, event_id: UUID) -> dict[UUID, Booking]:
        """The live bookings of an Event, the earliest first."""
        own = [(booking_id, booking) for booking_id, booking in self.bookings.items() if booking.event_id == event_id]
        return dict(sorted(own, key=lambda item: (item[1].interval, item[0])))

    def book(self, booking_id: UUID, when: Interval, *, exclusive: bool, event_id: UUID | None, now: datetime) -> None:
        """Use the venue (E5). Raises `VenueTaken`, `VenueIsInactive`, `BookingEndsBeforeStart`."""
        if not self.is_active:
            raise VenueIsInactive
        _require_order(when)
        self._require_free(when, exclusive=exclusive, among=self.bookings)
        self.trigger(
            VenueBooked,
            now=now,
            booking_id=booking_id,
            event_id=event_id,
            starts_at=when.starts_at,
            ends_at=when.ends_at,
            exclusive=exclusive,
        )

    def move(self, moves: Mapping[UUID, Interval], *, now: datetime) -> None:
        """Move bookings at once, all or none: where they end up counts, not the order (E5). Raises `VenueTaken`."""
        standing = self.bookings
        for booking_id in moves:
            standing = standing.delete(booking_id)
        for booking_id, when in moves.items():
            _require_order(when)
            booking = self.bookings[booking_id]
            self._require_free(when, exclusive=booking.exclusive, among=standing)
            moved = msgspec.structs.replace(booking, starts_at=when.starts_at, ends_at=when.ends_at)
            standing = standing.set(booking_id, moved)
        for booking_id, when in moves.items():
            if self.bookings[booking_id].interval != when:
                self.trigger(VenueBookingMoved, now=now, booking_id=booking_id, starts_at=when.starts_at, ends_at=when.ends_at)

    def release(self, booking_id: UUID, *, now: datetime) -> None:
        """Free the venue. Raises `NotFound`."""
        self.booking(booking_id)
        self.trigger(VenueBookingReleased, now=now, booking_id=booking_id)

    def _require_free(self, when: Interval, *, exclusive: bool, among: Map[UUID, Booking]) -> None:
        for booking in among.values():
            if (exclusive or booking.exclusive) and booking.interval.overlaps(when):
                raise VenueTaken(starts_at=booking.starts_at.isoformat(), ends_at=booking.ends_at.isoformat())


def _require_order(when: Interval) -> None:
    if not when.starts_at < when.ends_at:
        raise BookingEndsBeforeStart
