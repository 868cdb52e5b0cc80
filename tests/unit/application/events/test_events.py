"""Commands that create, change and delete Events (E1, E3, E4, E5, E14, O10)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from application.events.events import CreateEvent, DeleteEvent, UpdateEvent
from application.events.life_cycle import CancelEvent, CompleteEvent, ConfirmEvent, GoLive
from application.events.settlement import EventNotSettled
from application.events.venues import AddVenue
from application.slugs import SlugTaken
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import CancelOrder
from application.unit import IdTaken
from domain.events.event import CapacityFixed, DeadlineAfterEnd, Event, EventEndsBeforeStart, EventIsFinal, NowhereToGo
from domain.events.facts import EventCreated, EventDeleted, EventDetailsChanged, EventVenueReserved
from domain.events.register import EventDelisted, EventListed, EventRegisterOpened
from domain.events.venue import Venue, VenueBooked, VenueBookingReleased, VenueTooSmall
from domain.local_time import AmbiguousLocalTime, NonexistentLocalTime
from domain.money import UnknownCurrency
from domain.refusals import NotFound, Refusal, Stale
from domain.ticketing.quota import BelowCommitted
from tests.support.given import Given, fact, given, uid
from tests.support.ticketing import EVENT, ORDER, ORGANIZATION, category, place

HALL, CLUB = uid(21), uid(22)
VENUES = [AddVenue(id=HALL, name="Hall", capacity=500), AddVenue(id=CLUB, name="Club", capacity=80)]
CONFIRM = ConfirmEvent(event_id=EVENT)


def gala(**fields: Any) -> CreateEvent:
    whole: dict[str, Any] = {"id": EVENT, "name": "Gala", "starts_at": "2027-06-12T19:30", "ends_at": "2027-06-12T23:00"}
    return CreateEvent(**whole | fields)


def planned(**fields: Any) -> Given:
    return given([ORGANIZATION, *VENUES, gala(**fields)])


def change(**fields: Any) -> UpdateEvent:
    return UpdateEvent(event_id=EVENT, **fields)


def test_an_event_is_planned_in_the_organizations_zone_and_currency() -> None:
    world = given([ORGANIZATION]).when(gala())
    world.then(
        [
            fact(EventCreated, of=EVENT, name="Gala", slug="gala", timezone="Europe/Berlin", currency="EUR"),
            EventRegisterOpened,
            fact(EventListed, event_id=EVENT),
        ]
    )
    assert world.get(Event, EVENT).starts_at.isoformat() == "2027-06-12T17:30:00+00:00"
    world.when(gala(id=uid(2))).then([EventCreated, EventListed])


@pytest.mark.parametrize(
    ("fields", "refusal", "pointer"),
    [
        ({"ends_at": "2027-06-12T19:30"}, EventEndsBeforeStart, "/ends_at"),
        ({"ends_at": "2027-06-12T19:30+03:00"}, EventEndsBeforeStart, "/ends_at"),
        ({"registration_deadline": "2027-06-12T23:01"}, DeadlineAfterEnd, "/registration_deadline"),
        ({"starts_at": "2027-03-28T02:30"}, NonexistentLocalTime, "/starts_at"),
        ({"ends_at": "2027-10-31T02:30"}, AmbiguousLocalTime, "/ends_at"),
    ],
)
def test_e1_times_are_in_order_and_exist(fields: dict[str, str], refusal: type[Refusal], pointer: str) -> None:
    world = given([ORGANIZATION]).when(gala(**fields))
    world.then_refused(refusal)
    assert world.refusal is not None
    assert world.refusal.pointer == pointer


def test_e1_a_new_deadline_lies_before_the_end() -> None:
    world = planned()
    world.when(change(registration_deadline="2027-06-12T23:01")).then_refused(DeadlineAfterEnd)
    world.when(change(registration_deadline="2027-06-12T23:00")).then([EventDetailsChanged])
    world.when(change(registration_deadline=None)).then([fact(EventDetailsChanged, registration_deadline=None)])


def test_o5_the_currency_is_one_of_iso_4217() -> None:
    given([ORGANIZATION]).when(gala(currency="ABC")).then_refused(UnknownCurrency)


def test_o10_a_slug_that_was_asked_for_is_unique() -> None:
    world = planned(slug="gala")
    world.when(gala(id=uid(2), slug="gala")).then_refused(SlugTaken, key="gala")
    world.when(gala(id=uid(2), slug="ball")).succeeded()
    world.when(change(slug="ball")).then_refused(SlugTaken)
    world.when(change(slug="gala")).then([fact(EventDetailsChanged, slug="gala")])


def test_o10_a_slug_from_a_name_is_drawn_until_one_is_free() -> None:
    world = planned()
    slugs = [world.when(gala(id=uid(n))).reply.data["slug"] for n in range(2, 6)]
    assert all(slug.startswith("gala-") for slug in slugs)
    assert len({*slugs, "gala"}) == 5
    assert world.when(gala(id=uid(6), name="音楽祭")).reply.data["slug"], "a name without ASCII letters has a slug too"


def test_o10_a_slug_that_was_given_up_is_free() -> None:
    world = planned(slug="gala").when(change(slug="ball"))
    world.when(gala(id=uid(2), slug="gala")).succeeded()
    world.when(DeleteEvent(event_id=uid(2))).when(gala(id=uid(3), slug="gala")).succeeded()


def test_o1_an_id_that_is_in_use_is_refused() -> None:
    planned().when(gala(id=HALL)).then_refused(IdTaken)


def test_o1_nothing_hangs_on_what_does_not_exist() -> None:
    given([ORGANIZATION]).when(gala(venue_id=uid(99))).then_refused(NotFound, what="venue")
    planned().when(change(venue_id=EVENT)).then_refused(NotFound)


def test_e5_a_venue_is_booked_with_the_event() -> None:
    world = given([ORGANIZATION, *VENUES]).when(gala(venue_id=HALL))
    world.then(
        [
            fact(EventCreated, of=EVENT, venue_id=HALL),
            fact(EventVenueReserved, of=EVENT, venue_id=HALL),
            EventRegisterOpened,
            EventListed,
            fact(VenueBooked, of=HALL, event_id=EVENT, exclusive=True),
        ]
    )
    assert world.reply.version == 2, "the row's version counts the reservation"


def test_e4_the_capacity_is_at_most_the_venues() -> None:
    world = given([ORGANIZATION, *VENUES])
    world.when(gala(venue_id=CLUB, max_capacity=81)).then_refused(VenueTooSmall, capacity=80, persons=81)
    world.when(gala(venue_id=CLUB, max_capacity=80)).succeeded()
    world.when(change(max_capacity=81)).then_refused(VenueTooSmall)
    world.when(change(venue_id=HALL, max_capacity=81)).succeeded()
    world.when(change(venue_id=CLUB)).then_refused(VenueTooSmall)


def test_e4_without_a_capacity_of_its_own_an_event_has_its_venues() -> None:
    world = planned(venue_id=CLUB)
    assert world.get(Event, EVENT).max_capacity == 80
    world.when(change(max_capacity=None)).then([fact(EventDetailsChanged, max_capacity=80)])
    other = planned().when(change(venue_id=HALL))
    other.then([fact(EventDetailsChanged, venue_id=HALL, max_capacity=500), EventVenueReserved, VenueBooked])


def test_e4_after_planning_a_capacity_is_neither_introduced_nor_lifted() -> None:
    limited = planned(max_capacity=100, online_url="https://gala.example").when(CONFIRM)
    limited.when(change(max_capacity=None)).then_refused(CapacityFixed)
    limited.when(change(max_capacity=150)).succeeded()
    unlimited = planned(online_url="https://gala.example").when(change(max_capacity=100)).when(change(max_capacity=None)).when(CONFIRM)
    unlimited.when(change(max_capacity=100)).then_refused(CapacityFixed)
    unlimited.when(change(venue_id=HALL)).then_refused(CapacityFixed)


def sold(**fields: Any) -> Given:
    return planned(online_url="https://gala.example", **fields).when(CONFIRM, category(), OpenSales(event_id=EVENT), place())


def test_e4_a_capacity_is_never_set_below_what_is_committed() -> None:
    world = sold(max_capacity=100)
    world.when(change(max_capacity=1)).then_refused(BelowCommitted)
    world.when(change(max_capacity=2)).succeeded()


def test_another_venue_is_booked_and_the_first_released() -> None:
    world = planned(venue_id=HALL, max_capacity=50)
    world.when(change(venue_id=CLUB)).succeeded()
    assert not world.get(Venue, HALL).bookings
    assert len(world.get(Venue, CLUB).bookings) == 1
    world.when(change(venue_id=None)).succeeded()
    assert not world.get(Venue, CLUB).bookings


def test_e3_a_confirmed_event_keeps_a_place_to_go() -> None:
    world = planned(online_url="https://gala.example").when(CONFIRM)
    world.when(change(online_url=None)).then_refused(NowhereToGo)
    world.when(change(online_url="https://other.example")).succeeded()


def test_e2_in_a_final_state_nothing_moves() -> None:
    cancelled = planned().when(CancelEvent(event_id=EVENT, reason="storm"))
    cancelled.when(change(name="Ball")).then_refused(EventIsFinal, status="cancelled")
    cancelled.when(change()).then_refused(EventIsFinal)
    cancelled.when(change(venue_id=HALL)).then_refused(EventIsFinal)
    completed = planned(online_url="https://gala.example").when(CONFIRM, GoLive(event_id=EVENT), CompleteEvent(event_id=EVENT))
    completed.when(change(name="Ball")).then_refused(EventIsFinal, status="completed")


def test_what_is_left_out_stays() -> None:
    world = planned().when(change(description="Black tie"))
    assert world.events[0].name is msgspec.UNSET  # type: ignore[attr-defined]  # a field of the event
    world.when(change()).then([])


def test_a_stale_version_is_refused() -> None:
    world = planned().when(change(name="Ball"), if_match=1)
    assert world.reply.version == 2
    world.when(change(name="Prom"), if_match=1).then_refused(Stale, version=2, expected=1)
    world.when(DeleteEvent(event_id=EVENT), if_match=1).then_refused(Stale)


def test_a_deleted_event_is_gone_and_its_venue_free() -> None:
    world = planned(venue_id=HALL).when(DeleteEvent(event_id=EVENT))
    world.then([fact(EventDeleted, of=EVENT), fact(VenueBookingReleased, of=HALL), fact(EventDelisted, event_id=EVENT)])
    world.when(change(name="Ball")).then_refused(NotFound)
    world.when(gala()).then_refused(IdTaken)


def test_e14_an_event_with_orders_that_are_not_settled_is_not_deleted() -> None:
    world = sold(max_capacity=100)
    world.when(DeleteEvent(event_id=EVENT)).then_refused(EventNotSettled, committed=2)
    world.when(CancelOrder(order_id=ORDER)).when(DeleteEvent(event_id=EVENT)).succeeded()
