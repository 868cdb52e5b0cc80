"""What an Event has in the calendars of venues: booked, moved and released with the Event."""

from __future__ import annotations

from uuid import UUID

from application.unit import Unit
from domain.aggregate import part_id
from domain.events.event import Event
from domain.events.venue import Interval, Venue


def own_booking_id(event_id: UUID, venue_id: UUID) -> UUID:
    """The booking of the Event itself at its venue; there may be others of it, for building up or elsewhere."""
    return part_id(event_id, f"booking:{venue_id}")


def book_venue(unit: Unit, event: Event, venue: Venue, *, exclusive: bool) -> None:
    """Book the venue for the Event's whole time. Raises `VenueTaken` (E5), `VenueIsInactive`."""
    when = Interval(event.starts_at, event.ends_at)
    venue.book(own_booking_id(event.id, venue.id), when, exclusive=exclusive, event_id=event.id, now=unit.now)
    event.note_booking(venue.id, now=unit.now)


def leave_venue(unit: Unit, event: Event, venue: Venue) -> None:
    """Release the Event's own booking."""
    venue.release(own_booking_id(event.id, venue.id), now=unit.now)


def move_bookings(unit: Unit, event: Event, before: Interval) -> None:
    """After a rescheduling: the Event's own bookings take its new time, others of it keep their distance from its start.

    Raises `VenueTaken` (E5).
    """
    shift = event.starts_at - before.starts_at
    for venue in _booked_venues(unit, event):
        own = own_booking_id(event.id, venue.id)
        moves = {
            booking_id: Interval(event.starts_at, event.ends_at)
            if booking_id == own
            else Interval(booking.starts_at + shift, booking.ends_at + shift)
            for booking_id, booking in venue.bookings_of(event.id).items()
        }
        venue.move(moves, now=unit.now)


def release_bookings(unit: Unit, event: Event) -> None:
    """Release every booking of the Event, at every venue."""
    for venue in _booked_venues(unit, event):
        for booking_id in venue.bookings_of(event.id):
            venue.release(booking_id, now=unit.now)


def _booked_venues(unit: Unit, event: Event) -> list[Venue]:
    return [unit.get(Venue, venue_id) for venue_id in sorted(event.booked_venues)]
