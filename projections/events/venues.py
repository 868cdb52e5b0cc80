"""Tables `venues` and `venue_bookings`: places and their calendars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from application.ports import Record
from domain.events.venue import (
    DETAILS,
    VenueAdded,
    VenueBooked,
    VenueBookingMoved,
    VenueBookingReleased,
    VenueContactChanged,
    VenueDeactivated,
    VenueDetailsChanged,
)
from domain.patch import given_fields
from projections.audit.status_changes import status_change
from projections.changes import Change, Delete, Insert, Set
from projections.relational import RELATIONAL
from projections.schema import INSTANT, JSON, TEXT_LIST, personal, read_table, reference

venues = read_table(
    "venues",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("address", JSON),
    sa.Column("capacity", sa.Integer, sa.CheckConstraint("capacity > 0"), nullable=False),
    sa.Column("venue_type", sa.Text),
    sa.Column("amenities", JSON, nullable=False),
    sa.Column("contact", UUID),
    personal("contact_info", "contact", JSON),
    sa.Column("pricing", JSON),
    sa.Column("availability_calendar", JSON),
    sa.Column("images", TEXT_LIST, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False, default=True),
)

venue_bookings = read_table(
    "venue_bookings",
    reference("venue_id", "venues", nullable=False),
    reference("event_id", "events", on_delete="cascade"),
    sa.Column("starts_at", INSTANT, nullable=False),
    sa.Column("ends_at", INSTANT, nullable=False),
    sa.Column("exclusive", sa.Boolean, nullable=False),
    sa.CheckConstraint("starts_at < ends_at"),
)


@RELATIONAL.on(VenueAdded)
def added(event: VenueAdded, record: Record) -> Iterable[Change]:
    """A row for the venue."""
    yield Insert(venues, event.originator_id, _details(event))
    yield status_change(record, "venue", event.originator_id, "active")


@RELATIONAL.on(VenueDetailsChanged)
def details_changed(event: VenueDetailsChanged, _: Record) -> Iterable[Change]:
    """Other details in the row."""
    yield Set(venues, event.originator_id, _details(event))


@RELATIONAL.on(VenueContactChanged)
def contact_changed(event: VenueContactChanged, _: Record) -> Iterable[Change]:
    """Another contact in the row; nobody, if that person was erased since."""
    said = {"name": event.contact_name, "email": event.contact_email, "phone": event.contact_phone}
    known = {name: text for name, text in said.items() if text is not None}
    yield Set(venues, event.originator_id, {"contact": event.contact, "contact_info": known or None})


@RELATIONAL.on(VenueDeactivated)
def deactivated(event: VenueDeactivated, record: Record) -> Iterable[Change]:
    """No new bookings."""
    yield Set(venues, event.originator_id, {"is_active": False})
    yield status_change(record, "venue", event.originator_id, "inactive", was="active")


@RELATIONAL.on(VenueBooked)
def booked(event: VenueBooked, _: Record) -> Iterable[Change]:
    """A row for the booking."""
    values = given_fields(event, "event_id", "starts_at", "ends_at", "exclusive")
    yield Insert(venue_bookings, event.booking_id, {**values, "venue_id": event.originator_id})


@RELATIONAL.on(VenueBookingMoved)
def booking_moved(event: VenueBookingMoved, _: Record) -> Iterable[Change]:
    """Another time in the row."""
    yield Set(venue_bookings, event.booking_id, given_fields(event, "starts_at", "ends_at"))


@RELATIONAL.on(VenueBookingReleased)
def booking_released(event: VenueBookingReleased, _: Record) -> Iterable[Change]:
    """The booking's row goes."""
    yield Delete(venue_bookings, event.booking_id)


def _details(event: VenueAdded | VenueDetailsChanged) -> dict[str, Any]:
    values = given_fields(event, *DETAILS)
    return values | {name: list(values[name]) for name in ("amenities", "images") if name in values}
