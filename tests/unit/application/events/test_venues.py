"""Venues and their calendars (E4, E5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from application.events.calendar import own_booking_id
from application.events.events import CreateEvent
from application.events.life_cycle import CancelEvent, CompleteEvent, ConfirmEvent, GoLive
from application.events.venues import (
    AddVenue,
    BookingFollowsEvent,
    BookVenue,
    ContactInfo,
    DeactivateVenue,
    ReleaseBooking,
    UpdateVenue,
)
from application.principal import system
from domain.events.event import EventIsFinal
from domain.events.facts import EventVenueReserved
from domain.events.venue import (
    BookingEndsBeforeStart,
    Interval,
    Venue,
    VenueAdded,
    VenueBooked,
    VenueBookingReleased,
    VenueContactChanged,
    VenueDeactivated,
    VenueDetailsChanged,
    VenueIsInactive,
    VenueTaken,
    VenueTooSmall,
)
from domain.refusals import NotFound, Stale
from tests.support.given import NOW, ORG, fact, given, uid
from tests.support.ticketing import EVENT, ORGANIZATION

HALL = uid(21)
ADD_HALL = AddVenue(id=HALL, name="Hall", capacity=500)


def book(starts: str, ends: str, **fields: Any) -> BookVenue:
    """A booking on one day, in UTC."""
    return BookVenue(venue_id=HALL, starts_at=f"2027-06-12T{starts}Z", ends_at=f"2027-06-12T{ends}Z", **fields)


def gala(**fields: Any) -> CreateEvent:
    whole: dict[str, Any] = {"id": EVENT, "name": "Gala", "starts_at": "2027-06-12T19:30", "ends_at": "2027-06-12T23:00", "venue_id": HALL}
    return CreateEvent(**whole | fields)


@pytest.mark.parametrize(
    ("first", "second", "fine"),
    [
        (True, True, False),
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ],
)
def test_e5_an_exclusive_booking_is_the_only_one(first: bool, second: bool, fine: bool) -> None:  # a truth table
    world = given([ORGANIZATION, ADD_HALL, book("10:00", "12:00", exclusive=first)]).when(book("11:00", "13:00", exclusive=second))
    if fine:
        world.then([fact(VenueBooked, of=HALL, exclusive=False)])
    else:
        world.then_refused(VenueTaken, starts_at="2027-06-12T10:00:00+00:00", ends_at="2027-06-12T12:00:00+00:00")


@pytest.mark.parametrize(("starts", "ends"), [("08:00", "10:00"), ("12:00", "14:00")])
def test_e5_bookings_that_touch_are_both_fine(starts: str, ends: str) -> None:
    given([ORGANIZATION, ADD_HALL, book("10:00", "12:00")]).when(book(starts, ends)).succeeded()


@pytest.mark.parametrize(
    ("starts", "ends"), [("09:00", "10:01"), ("11:59", "13:00"), ("10:30", "11:00"), ("09:00", "13:00"), ("10:00", "12:00")]
)
def test_e5_of_two_that_overlap_the_second_is_refused(starts: str, ends: str) -> None:
    given([ORGANIZATION, ADD_HALL, book("10:00", "12:00")]).when(book(starts, ends)).then_refused(VenueTaken)


def test_e5_two_events_do_not_share_an_exclusive_venue() -> None:
    given([ORGANIZATION, ADD_HALL, gala()]).when(gala(id=uid(2), name="Ball")).then_refused(VenueTaken)


hours = st.integers(0, 12)
bookings = st.tuples(hours, st.integers(1, 6), st.booleans())


@hypothesis_given(st.lists(bookings, max_size=12))
def test_e5_whatever_is_booked_an_exclusive_booking_is_alone(wishes: list[tuple[int, int, bool]]) -> None:
    venue = Venue.add(id=HALL, organization_id=ORG, now=NOW, name="Hall", capacity=1)
    for n, (start, length, exclusive) in enumerate(wishes):
        when = Interval(NOW + timedelta(hours=start), NOW + timedelta(hours=start + length))
        free = not any(b.interval.overlaps(when) and (exclusive or b.exclusive) for b in venue.bookings.values())
        try:
            venue.book(uid(n), when, exclusive=exclusive, event_id=None, now=NOW)
        except VenueTaken:
            assert not free
        else:
            assert free
    taken = list(venue.bookings.values())
    for n, one in enumerate(taken):
        for other in taken[n + 1 :]:
            apart = one.ends_at <= other.starts_at or other.ends_at <= one.starts_at
            assert apart or not (one.exclusive or other.exclusive)


def test_e5_bookings_move_all_or_none_in_whatever_order() -> None:
    venue = Venue.add(id=HALL, organization_id=ORG, now=NOW, name="Hall", capacity=1)

    def at(hour: int) -> Interval:
        return Interval(NOW + timedelta(hours=hour), NOW + timedelta(hours=hour + 1))

    for n in range(3):
        venue.book(uid(n), at(n), exclusive=True, event_id=None, now=NOW)
    venue.move({uid(0): at(1), uid(1): at(0)}, now=NOW)
    assert (venue.bookings[uid(0)].interval, venue.bookings[uid(1)].interval) == (at(1), at(0))
    with pytest.raises(VenueTaken):
        venue.move({uid(0): at(5), uid(1): at(2)}, now=NOW)
    assert venue.bookings[uid(0)].interval == at(1)
    with pytest.raises(VenueTaken):
        venue.move({uid(0): at(7), uid(1): at(7)}, now=NOW)


def test_e1_a_booking_starts_before_it_ends() -> None:
    given([ORGANIZATION, ADD_HALL]).when(book("12:00", "12:00")).then_refused(BookingEndsBeforeStart)


def test_a_local_time_is_read_in_the_events_zone() -> None:
    world = given([ORGANIZATION, ADD_HALL, gala(timezone="Asia/Tokyo")])
    world.when(BookVenue(venue_id=HALL, event_id=EVENT, starts_at="2027-06-12T08:00", ends_at="2027-06-12T10:00"))
    world.then([fact(VenueBooked, of=HALL, starts_at=datetime(2027, 6, 11, 23, tzinfo=UTC))])


def test_a_booking_for_an_event_is_remembered_by_it() -> None:
    world = given([ORGANIZATION, ADD_HALL, gala(venue_id=None)])
    world.when(book("08:00", "10:00", event_id=EVENT)).then(
        [fact(VenueBooked, of=HALL, event_id=EVENT), fact(EventVenueReserved, of=EVENT)]
    )
    world.when(CancelEvent(event_id=EVENT, reason="storm")).succeeded()
    assert not world.get(Venue, HALL).bookings
    world.when(book("08:00", "10:00", event_id=EVENT)).then_refused(EventIsFinal)


def test_a_booking_is_released_but_not_the_events_own() -> None:
    world = given([ORGANIZATION, ADD_HALL, gala()])
    world.when(ReleaseBooking(venue_id=HALL, booking_id=own_booking_id(EVENT, HALL))).then_refused(BookingFollowsEvent)
    booking = world.when(book("08:00", "10:00")).reply
    assert isinstance(booking.id, UUID)
    release = ReleaseBooking(venue_id=HALL, booking_id=booking.id)
    world.when(release, if_match=booking.version + 1).then_refused(Stale)
    world.when(release, if_match=booking.version).then([fact(VenueBookingReleased, of=HALL, booking_id=booking.id)])
    world.when(release).then_refused(NotFound)


def test_a_deactivated_venue_takes_no_bookings_and_keeps_those_that_stand() -> None:
    world = given([ORGANIZATION, ADD_HALL, gala()]).when(DeactivateVenue(venue_id=HALL))
    world.then([VenueDeactivated])
    world.when(DeactivateVenue(venue_id=HALL)).then([])
    world.when(book("08:00", "10:00")).then_refused(VenueIsInactive)
    assert len(world.get(Venue, HALL).bookings) == 1


def test_e4_a_venue_does_not_shrink_below_an_event_to_come() -> None:
    world = given([ORGANIZATION, ADD_HALL, gala(max_capacity=200)])
    world.when(UpdateVenue(venue_id=HALL, capacity=199)).then_refused(VenueTooSmall, capacity=199, persons=200)
    world.when(UpdateVenue(venue_id=HALL, capacity=200)).then([fact(VenueDetailsChanged, capacity=200)])
    world.when(ConfirmEvent(event_id=EVENT), GoLive(event_id=EVENT), CompleteEvent(event_id=EVENT)).succeeded()
    world.when(UpdateVenue(venue_id=HALL, capacity=10)).succeeded()


def test_a5_the_contact_is_a_person() -> None:
    contact = ContactInfo(name="Ida", email="Ida@Hall.example", phone="+49 30 1")
    world = given([ORGANIZATION]).when(AddVenue(id=HALL, name="Hall", capacity=500, contact_info=contact))
    ida = world.state.person_key(ORG, "ida@hall.example")
    world.then([VenueAdded, fact(VenueContactChanged, contact=ida, contact_name="Ida", contact_email="ida@hall.example")])
    world.when(UpdateVenue(venue_id=HALL, contact_info=ContactInfo(name="Somebody")))
    world.then([fact(VenueContactChanged, contact=world.state.person_key(ORG, f"venue:{HALL}"), contact_name="Somebody")])


def test_a_venues_version_does_not_count_its_bookings() -> None:
    world = given([ORGANIZATION, ADD_HALL, book("08:00", "10:00")])
    world.when(UpdateVenue(venue_id=HALL, name="Great Hall"), if_match=1).succeeded()
    world.when(UpdateVenue(venue_id=HALL, name="Small Hall"), if_match=1).then_refused(Stale, version=3, expected=1)


def test_o1_a_venue_of_others_is_not_found() -> None:
    world = given([ORGANIZATION, ADD_HALL]).by(system("test", uid(77)))
    world.when(UpdateVenue(venue_id=HALL, name="Mine")).then_refused(NotFound)
