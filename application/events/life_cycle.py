"""The life of an Event: confirm, go live, complete, postpone, reschedule, cancel."""

from __future__ import annotations

from uuid import UUID

from application.events.calendar import move_bookings, release_bookings
from application.events.events import WRONG_TIMES, EventState, event_reply
from application.fields import Id, Reason, Time, TimeZoneName
from application.registry import Command, Reply, command
from application.unit import Unit
from domain.events.event import Event, EventInThePast, IllegalEventStep, NowhereToGo
from domain.events.venue import Interval, VenueTaken
from domain.local_time import instant
from domain.organizations.organization import Organization, OrganizationIsSuspended


class ConfirmEvent(Command, frozen=True, kw_only=True):
    """Say that the Event will happen."""

    event_id: Id


class GoLive(Command, frozen=True, kw_only=True):
    """Open the doors."""

    event_id: Id


class CompleteEvent(Command, frozen=True, kw_only=True):
    """Say that the Event is over."""

    event_id: Id


class PostponeEvent(Command, frozen=True, kw_only=True):
    """Say that the Event will happen at another time."""

    event_id: Id
    reason: Reason | None = None


class RescheduleEvent(Command, frozen=True, kw_only=True):
    """Give the Event new dates."""

    event_id: Id
    starts_at: Time
    ends_at: Time
    timezone: TimeZoneName | None = None


class CancelEvent(Command, frozen=True, kw_only=True):
    """Say that the Event will not happen."""

    event_id: Id
    reason: Reason


@command(
    "POST /events/{event_id}/confirm",
    permission="events.manage",
    rules="E2 E3 O4",
    refusals=(IllegalEventStep, NowhereToGo, EventInThePast, OrganizationIsSuspended),
)
def confirm_event(command: ConfirmEvent, unit: Unit) -> Reply[EventState]:
    """Confirm an Event in planning.

    It needs a venue or an online link, and an end in the future.
    """
    event = _addressed(unit, command.event_id)
    unit.get(Organization, unit.organization_id).require_active()
    event.confirm(now=unit.now)
    return event_reply(event)


@command("POST /events/{event_id}/go-live", permission="events.manage", rules="E2 O4", refusals=(IllegalEventStep, OrganizationIsSuspended))
def go_live(command: GoLive, unit: Unit) -> Reply[EventState]:
    """Begin a confirmed Event."""
    event = _addressed(unit, command.event_id)
    unit.get(Organization, unit.organization_id).require_active()
    event.go_live(now=unit.now)
    return event_reply(event)


@command("POST /events/{event_id}/complete", permission="events.manage", rules="E2", refusals=(IllegalEventStep,))
def complete_event(command: CompleteEvent, unit: Unit) -> Reply[EventState]:
    """End a live Event, for good."""
    event = _addressed(unit, command.event_id)
    event.complete(now=unit.now)
    return event_reply(event)


@command(
    "POST /events/{event_id}/postpone",
    permission="events.manage",
    rules="E2",
    refusals=(IllegalEventStep,),
    example={"reason": "Storm warning"},
)
def postpone_event(command: PostponeEvent, unit: Unit) -> Reply[EventState]:
    """Postpone a confirmed Event.

    Nothing is sold until it is rescheduled; its venue stays booked until then.
    """
    event = _addressed(unit, command.event_id)
    event.postpone(now=unit.now, reason=command.reason)
    return event_reply(event)


@command(
    "POST /events/{event_id}/reschedule",
    permission="events.manage",
    rules="E1 E2 E3 E5",
    refusals=(IllegalEventStep, EventInThePast, VenueTaken, *WRONG_TIMES),
    example={"starts_at": "2027-09-04T19:30", "ends_at": "2027-09-05T02:00"},
)
def reschedule_event(command: RescheduleEvent, unit: Unit) -> Reply[EventState]:
    """Give an Event new dates.

    Its bookings of venues move with it, or the step is refused. A postponed Event is confirmed again.
    """
    event = _addressed(unit, command.event_id)
    before = Interval(event.starts_at, event.ends_at)
    timezone = command.timezone or event.timezone
    event.reschedule(
        now=unit.now,
        starts_at=instant(command.starts_at, timezone, "/starts_at"),
        ends_at=instant(command.ends_at, timezone, "/ends_at"),
        timezone=timezone,
    )
    move_bookings(unit, event, before)
    return event_reply(event)


@command(
    "POST /events/{event_id}/cancel",
    permission="events.cancel",
    rules="E2 E13",
    refusals=(IllegalEventStep,),
    example={"reason": "The headliner fell ill"},
)
def cancel_event(command: CancelEvent, unit: Unit) -> Reply[EventState]:
    """Cancel an Event that is not final.

    Sales stop at once, its bookings of venues are released.
    """
    event = _addressed(unit, command.event_id)
    event.cancel(now=unit.now, reason=command.reason)
    release_bookings(unit, event)
    return event_reply(event)


def _addressed(unit: Unit, event_id: UUID) -> Event:
    event = unit.get(Event, event_id)
    unit.match(event.version)
    return event
