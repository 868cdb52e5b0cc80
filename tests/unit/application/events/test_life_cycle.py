"""The state machine of Events (E2), confirming (E3), rescheduling (E1, E5)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest

from application.events.events import CreateEvent
from application.events.life_cycle import CancelEvent, CompleteEvent, ConfirmEvent, GoLive, PostponeEvent, RescheduleEvent
from application.events.venues import AddVenue, BookVenue
from application.registry import Command
from domain.events.event import Event, EventEndsBeforeStart, EventInThePast, IllegalEventStep, NowhereToGo
from domain.events.facts import EventCancelled, EventConfirmed, EventRescheduled, EventStatus
from domain.events.venue import Interval, Venue, VenueBookingMoved, VenueBookingReleased, VenueTaken
from domain.local_time import NonexistentLocalTime
from domain.refusals import NotFound, Stale
from tests.support.given import Given, fact, given, uid
from tests.support.ticketing import EVENT, ORGANIZATION

HALL, OTHER = uid(21), uid(2)
ADD_HALL = AddVenue(id=HALL, name="Hall", capacity=500)

CONFIRM = ConfirmEvent(event_id=EVENT)
GO_LIVE = GoLive(event_id=EVENT)
COMPLETE = CompleteEvent(event_id=EVENT)
POSTPONE = PostponeEvent(event_id=EVENT, reason="storm")
RESCHEDULE = RescheduleEvent(event_id=EVENT, starts_at="2027-09-04T19:30", ends_at="2027-09-04T23:30")
CANCEL = CancelEvent(event_id=EVENT, reason="storm")

PATHS: dict[EventStatus, Sequence[Command]] = {
    "planning": [],
    "confirmed": [CONFIRM],
    "live": [CONFIRM, GO_LIVE],
    "completed": [CONFIRM, GO_LIVE, COMPLETE],
    "postponed": [CONFIRM, POSTPONE],
    "cancelled": [CANCEL],
}
MOVES: dict[tuple[EventStatus, Command], EventStatus] = {
    ("planning", CONFIRM): "confirmed",
    ("planning", RESCHEDULE): "planning",
    ("planning", CANCEL): "cancelled",
    ("confirmed", GO_LIVE): "live",
    ("confirmed", POSTPONE): "postponed",
    ("confirmed", RESCHEDULE): "confirmed",
    ("confirmed", CANCEL): "cancelled",
    ("live", COMPLETE): "completed",
    ("live", CANCEL): "cancelled",
    ("postponed", RESCHEDULE): "confirmed",
    ("postponed", CANCEL): "cancelled",
}


def gala(**fields: Any) -> CreateEvent:
    whole: dict[str, Any] = {"id": EVENT, "name": "Gala", "starts_at": "2027-06-12T19:30", "ends_at": "2027-06-12T23:00"}
    return CreateEvent(**{"online_url": "https://gala.example"} | whole | fields)


def at_hall(*more: Command) -> Given:
    return given([ORGANIZATION, ADD_HALL, gala(venue_id=HALL), *more])


@pytest.mark.parametrize("status", get_args(EventStatus))
@pytest.mark.parametrize("step", [CONFIRM, GO_LIVE, COMPLETE, POSTPONE, RESCHEDULE, CANCEL], ids=lambda step: type(step).__name__)
def test_e2_only_these_moves(status: EventStatus, step: Command) -> None:
    world = given([ORGANIZATION, gala(), *PATHS[status]])
    assert world.get(Event, EVENT).status == status
    world.when(step)
    target = MOVES.get((status, step))
    if target is None:
        world.then_refused(IllegalEventStep, status=status)
        assert world.get(Event, EVENT).status == status
    else:
        assert world.succeeded().get(Event, EVENT).status == target
        assert world.reply.data["status"] == target
        assert world.reply.version == world.get(Event, EVENT).version


def test_e3_confirming_needs_somewhere_to_go() -> None:
    given([ORGANIZATION, gala(online_url=None)]).when(CONFIRM).then_refused(NowhereToGo)
    given([ORGANIZATION, ADD_HALL, gala(online_url=None, venue_id=HALL)]).when(CONFIRM).then([fact(EventConfirmed, of=EVENT)])


def test_e3_confirming_needs_an_end_in_the_future() -> None:
    world = given([ORGANIZATION, gala()])
    end = datetime(2027, 6, 12, 21, tzinfo=UTC)
    world.at(end).when(CONFIRM).then_refused(EventInThePast)
    world.at(end - timedelta(microseconds=1)).when(CONFIRM).succeeded()


def test_e3_a_postponed_event_comes_back_with_an_end_in_the_future() -> None:
    world = given([ORGANIZATION, gala(), CONFIRM, POSTPONE]).at(datetime(2028, 1, 1, tzinfo=UTC))
    world.when(RESCHEDULE).then_refused(EventInThePast)


def test_e1_new_dates_are_in_order_and_exist() -> None:
    world = given([ORGANIZATION, gala()])
    world.when(RescheduleEvent(event_id=EVENT, starts_at="2027-09-04T19:30", ends_at="2027-09-04T19:30")).then_refused(EventEndsBeforeStart)
    gap = RescheduleEvent(event_id=EVENT, starts_at="2027-03-14T02:30", ends_at="2027-03-14T23:00", timezone="America/New_York")
    world.when(gap).then_refused(NonexistentLocalTime)


def test_the_registration_deadline_keeps_its_distance_from_the_start() -> None:
    world = given([ORGANIZATION, gala(registration_deadline="2027-06-10T19:30")]).when(RESCHEDULE)
    moved = datetime(2027, 9, 2, 17, 30, tzinfo=UTC)
    world.then([fact(EventRescheduled, of=EVENT, registration_deadline=moved, from_status="planning", status="planning")])


def test_e5_the_venues_bookings_move_with_the_event() -> None:
    build_up = BookVenue(venue_id=HALL, event_id=EVENT, starts_at="2027-06-11T08:00", ends_at="2027-06-12T19:30")
    world = at_hall(build_up)
    built = world.get(Venue, HALL).bookings_of(EVENT)
    world.when(RESCHEDULE).then([EventRescheduled, VenueBookingMoved, VenueBookingMoved])
    early, own = world.get(Venue, HALL).bookings_of(EVENT).values()
    assert own.interval == Interval(datetime(2027, 9, 4, 17, 30, tzinfo=UTC), datetime(2027, 9, 4, 21, 30, tzinfo=UTC))
    assert early.ends_at == own.starts_at
    assert early.starts_at - next(iter(built.values())).starts_at == timedelta(days=84)


def test_e5_an_event_may_move_into_its_own_former_time() -> None:
    at_hall().when(RescheduleEvent(event_id=EVENT, starts_at="2027-06-12T20:00", ends_at="2027-06-13T01:00")).succeeded()


def test_e5_an_event_does_not_move_into_a_taken_venue() -> None:
    world = at_hall(gala(id=OTHER, venue_id=HALL, starts_at="2027-09-04T23:00", ends_at="2027-09-05T03:00"))
    world.when(RESCHEDULE).then_refused(VenueTaken)
    assert world.get(Event, EVENT).starts_at.month == 6, "nothing half-done"


def test_e2_cancelling_frees_the_venue() -> None:
    world = at_hall(CONFIRM).when(CANCEL)
    world.then([fact(EventCancelled, of=EVENT, from_status="confirmed", reason="storm"), fact(VenueBookingReleased, of=HALL)])
    world.when(gala(id=OTHER, venue_id=HALL)).succeeded()


def test_a_stale_version_is_refused() -> None:
    given([ORGANIZATION, gala()]).when(CONFIRM, if_match=2).then_refused(Stale, version=1, expected=2)


def test_o1_an_event_of_nobody_is_not_found() -> None:
    given([ORGANIZATION]).when(CONFIRM).then_refused(NotFound)
