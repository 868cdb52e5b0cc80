"""Rows of Events, venues and bookings."""

from __future__ import annotations

from datetime import timedelta

import projections.catalog  # noqa: F401  # every table that others refer to
from domain.events.facts import (
    EventCancelled,
    EventCompleted,
    EventConfirmed,
    EventCreated,
    EventDeleted,
    EventDetailsChanged,
    EventPostponed,
    EventRescheduled,
    EventVenueReserved,
    EventWentLive,
)
from domain.events.register import EventListed, EventRegisterOpened, event_register_id
from domain.events.venue import (
    VenueAdded,
    VenueBooked,
    VenueBookingMoved,
    VenueBookingReleased,
    VenueContactChanged,
    VenueDeactivated,
    VenueDetailsChanged,
)
from domain.organizations.facts import OrganizationCreated
from domain.organizations.person import PersonErased
from projections.audit.status_changes import status_changes
from projections.events.events import events
from projections.events.venues import venue_bookings, venues
from tests.support.given import NOW, ORG, fact, uid
from tests.support.rows import Rows, rows_of

EVENT, HALL, BOOKING, IDA = uid(1), uid(21), uid(22), uid(23)
STARTS, ENDS = NOW + timedelta(days=30), NOW + timedelta(days=30, hours=5)
DAY = timedelta(days=1)

CREATED = fact(
    EventCreated, of=EVENT, name="Gala", slug="gala", starts_at=STARTS, ends_at=ENDS, timezone="UTC", currency="EUR", tags=("a", "b")
)
ADDED = fact(VenueAdded, of=HALL, name="Hall", capacity=500, amenities=("bar",), images=("https://a.example/1.png",))
BOOKED = fact(VenueBooked, of=HALL, booking_id=BOOKING, event_id=EVENT, starts_at=STARTS, ends_at=ENDS, exclusive=True)


def world() -> Rows:
    return rows_of([fact(OrganizationCreated, name="H", slug="h", default_currency="EUR", timezone="UTC"), ADDED, CREATED, BOOKED])


def test_an_event_is_a_row() -> None:
    row = {"id": EVENT, "organization_id": ORG, "name": "Gala", "status": "planning", "event_type": "in_person", "visibility": "private"}
    world().then(events, [{**row, "starts_at": STARTS, "currency": "EUR", "tags": ["a", "b"], "stream_version": 1, "created_at": NOW}])


def test_what_is_left_out_stays() -> None:
    rows = world().when(fact(EventDetailsChanged, of=EVENT, description="Black tie", max_capacity=9))
    rows.then(events, [{"description": "Black tie", "max_capacity": 9, "name": "Gala", "tags": ["a", "b"], "stream_version": 2}])
    rows.when(fact(EventDetailsChanged, of=EVENT, description=None, tags=()))
    rows.then(events, [{"description": None, "max_capacity": 9, "tags": []}])


def test_every_record_of_an_event_moves_the_version_of_its_row() -> None:
    """`If-Match` compares the row's version with the aggregate's."""
    world().when(fact(EventVenueReserved, of=EVENT, venue_id=HALL)).then(events, [{"stream_version": 2, "name": "Gala"}])


def test_e2_the_state_is_seen_in_the_row_and_in_the_history() -> None:
    rows = world()
    new = {"starts_at": STARTS + DAY, "ends_at": ENDS + DAY, "timezone": "Asia/Tokyo", "registration_deadline": None}
    before = {"previous_starts_at": STARTS, "previous_ends_at": ENDS}
    steps = [
        (fact(EventConfirmed, of=EVENT), "confirmed"),
        (fact(EventPostponed, of=EVENT, reason="storm"), "postponed"),
        (fact(EventRescheduled, of=EVENT, **new, **before, from_status="postponed", status="confirmed"), "confirmed"),
        (fact(EventWentLive, of=EVENT), "live"),
        (fact(EventCompleted, of=EVENT), "completed"),
    ]
    for step, status in steps:
        rows.when(step).then(events, [{"status": status}])
    rows.then(events, [{"starts_at": STARTS + DAY, "ends_at": ENDS + DAY, "timezone": "Asia/Tokyo"}])
    history = [row for row in rows.tables[status_changes].values() if row["entity"] == "event"]
    assert [(row["from_status"], row["to_status"], row["reason"]) for row in history] == [
        (None, "planning", None),
        ("planning", "confirmed", None),
        ("confirmed", "postponed", "storm"),
        ("postponed", "confirmed", None),
        ("confirmed", "live", None),
        ("live", "completed", None),
    ]
    assert {row["event_id"] for row in history} == {EVENT}


def test_e2_a_rescheduling_alone_is_no_state_change() -> None:
    rows = world()
    before = len(rows.tables[status_changes])
    moved = {"starts_at": STARTS, "ends_at": ENDS + DAY, "timezone": "UTC", "registration_deadline": None}
    was = {"previous_starts_at": STARTS, "previous_ends_at": ENDS, "from_status": "planning", "status": "planning"}
    rows.when(fact(EventRescheduled, of=EVENT, **moved, **was)).then(events, [{"ends_at": ENDS + DAY}])
    assert len(rows.tables[status_changes]) == before


def test_e2_a_cancellation_says_why() -> None:
    rows = world().when(fact(EventCancelled, of=EVENT, from_status="planning", reason="storm")).then(events, [{"status": "cancelled"}])
    assert [row["reason"] for row in rows.tables[status_changes].values()][-1] == "storm"


def test_a_venue_is_a_row() -> None:
    rows = world().then(
        venues, [{"name": "Hall", "capacity": 500, "amenities": ["bar"], "images": ["https://a.example/1.png"], "is_active": True}]
    )
    rows.when(fact(VenueDetailsChanged, of=HALL, capacity=400, images=())).then(venues, [{"capacity": 400, "name": "Hall", "images": []}])
    rows.when(fact(VenueDeactivated, of=HALL)).then(venues, [{"is_active": False}])


def test_a5_a_venues_contact_is_a_person_and_erased_with_them() -> None:
    rows = world().when(fact(VenueContactChanged, of=HALL, contact=IDA, contact_name="Ida", contact_email="ida@hall.example"))
    rows.then(venues, [{"contact": IDA, "contact_info": {"name": "Ida", "email": "ida@hall.example"}}])
    rows.when(fact(PersonErased, of=IDA)).then(venues, [{"contact_info": None, "name": "Hall"}])


def test_a5_a_contact_erased_before_is_nobody_in_a_rebuild() -> None:
    world().when(fact(VenueContactChanged, of=HALL, contact=IDA)).then(venues, [{"contact": IDA, "contact_info": None}])


def test_e5_a_booking_is_a_row_while_it_lives() -> None:
    rows = world()
    rows.then(
        venue_bookings, [{"id": BOOKING, "venue_id": HALL, "event_id": EVENT, "starts_at": STARTS, "ends_at": ENDS, "exclusive": True}]
    )
    rows.when(fact(VenueBookingMoved, of=HALL, booking_id=BOOKING, starts_at=STARTS + DAY, ends_at=ENDS + DAY))
    rows.then(venue_bookings, [{"starts_at": STARTS + DAY, "ends_at": ENDS + DAY, "stream_version": 3}]).then(
        venues, [{"stream_version": 1}]
    )
    rows.when(fact(VenueBookingReleased, of=HALL, booking_id=BOOKING)).then(venue_bookings, [])


def test_an_events_rows_go_with_it_and_the_venue_stays() -> None:
    rows = world().when(fact(EventDeleted, of=EVENT)).then(events, []).then(venue_bookings, []).then(venues, [{"name": "Hall"}])
    assert all(row["event_id"] is None for row in rows.tables[status_changes].values())


def test_the_register_has_no_rows() -> None:
    register = event_register_id(ORG)
    rows = world()
    before = {table.name: len(made) for table, made in rows.tables.items()}
    rows.when(fact(EventRegisterOpened, of=register), fact(EventListed, of=register, event_id=EVENT))
    assert {table.name: len(made) for table, made in rows.tables.items()} == before
