"""Event: a gathering, from planning to its end."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, Self
from uuid import UUID

from domain.aggregate import Aggregate
from domain.events.facts import (
    EventCancelled,
    EventCompleted,
    EventConfirmed,
    EventCreated,
    EventDeleted,
    EventDetailsChanged,
    EventPostponed,
    EventRescheduled,
    EventStatus,
    EventVenueReserved,
    EventWentLive,
)
from domain.money import exponent
from domain.refusals import Conflict, Invalid

Step = Literal["confirm", "go_live", "complete", "postpone", "cancel", "reschedule"]

STEPS: dict[Step, tuple[EventStatus, ...]] = {
    "confirm": ("planning",),
    "go_live": ("confirmed",),
    "complete": ("live",),
    "postpone": ("confirmed",),
    "reschedule": ("planning", "confirmed", "postponed"),
    "cancel": ("planning", "confirmed", "postponed", "live"),
}
"""From which states each step is possible (E2). Rescheduling a postponed Event confirms it again; otherwise the state stays."""

FINAL: tuple[EventStatus, ...] = ("completed", "cancelled")
ON_SALE: tuple[EventStatus, ...] = ("confirmed", "live")


class IllegalEventStep(Conflict, rule="E2"):
    """An Event that is {status} cannot {step}."""


class EventIsFinal(Conflict, rule="E2"):
    """The Event is {status}: nothing about it moves any more."""


class EventNotOnSale(Conflict, rule="E2"):
    """Nothing is sold for an Event that is {status}."""


class EventEndsBeforeStart(Invalid, rule="E1", pointer="/ends_at"):
    """The Event has to start before it ends."""


class DeadlineAfterEnd(Invalid, rule="E1", pointer="/registration_deadline"):
    """The registration deadline has to lie before the Event's end."""


class NowhereToGo(Conflict, rule="E3"):
    """A confirmed Event needs a venue or an online link."""


class EventInThePast(Conflict, rule="E3"):
    """A confirmed Event needs an end in the future."""


class CapacityFixed(Conflict, rule="E4"):
    """After planning, a capacity can be raised or lowered, but neither introduced nor lifted."""


class Event(Aggregate):
    """A gathering with a beginning, an end and a life cycle (E1-E3).

    Its currency is fixed from the beginning (O7). Its venue's calendar is the Venue's to keep; here stands which venues
    have bookings of this Event, so that they can be moved or released with it.
    """

    stream_type = "event"

    name: str
    slug: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    currency: str
    status: EventStatus = "planning"
    venue_id: UUID | None = None
    online_url: str | None = None
    max_capacity: int | None = None
    """Persons admitted over all categories; None: as many as the categories hold."""
    registration_deadline: datetime | None = None
    booked_venues: frozenset[UUID] = frozenset()

    @classmethod
    def create(cls, *, id: UUID, organization_id: UUID, now: datetime, currency: str, **fields: Any) -> Self:  # noqa: A002  # the field's name
        """Plan an Event. `fields` are those of `EventCreated`. Raises `EventEndsBeforeStart`, `DeadlineAfterEnd` (E1)."""
        exponent(currency)
        _require_order(fields["starts_at"], fields["ends_at"], fields.get("registration_deadline"))
        return cls.begin(EventCreated, id=id, organization_id=organization_id, now=now, currency=currency, **fields)

    @property
    def is_final(self) -> bool:
        """Completed or cancelled."""
        return self.status in FINAL

    def require_on_sale(self) -> None:
        """Raises `EventNotOnSale` unless the Event is confirmed or live."""
        if self.status not in ON_SALE:
            raise EventNotOnSale(status=self.status)

    def require_open(self) -> None:
        """Raises `EventIsFinal` for an Event that is completed or cancelled (E2)."""
        if self.is_final:
            raise EventIsFinal(status=self.status)

    def change_details(self, *, now: datetime, **changes: Any) -> None:
        """Change what is named, a field of `EventDetailsChanged` each. Raises `EventIsFinal`, `NowhereToGo`, `CapacityFixed`."""
        self.require_open()
        _require_order(self.starts_at, self.ends_at, changes.get("registration_deadline"))
        if self.status != "planning":
            self._require_place(changes.get("venue_id", self.venue_id), changes.get("online_url", self.online_url))
            if (changes.get("max_capacity", self.max_capacity) is None) != (self.max_capacity is None):
                raise CapacityFixed
        if changes:
            self.trigger(EventDetailsChanged, now=now, **changes)

    def confirm(self, *, now: datetime) -> None:
        """The Event will happen (E3). Raises `NowhereToGo`, `EventInThePast`."""
        self._require_step("confirm")
        self._require_place(self.venue_id, self.online_url)
        _require_future(self.ends_at, now)
        self.trigger(EventConfirmed, now=now)

    def go_live(self, *, now: datetime) -> None:
        """The doors open."""
        self._require_step("go_live")
        self.trigger(EventWentLive, now=now)

    def complete(self, *, now: datetime) -> None:
        """The Event is over."""
        self._require_step("complete")
        self.trigger(EventCompleted, now=now)

    def postpone(self, *, now: datetime, reason: str | None = None) -> None:
        """The Event will not happen at its time; new dates come with `reschedule`."""
        self._require_step("postpone")
        self.trigger(EventPostponed, now=now, reason=reason)

    def reschedule(self, *, now: datetime, starts_at: datetime, ends_at: datetime, timezone: str) -> None:
        """Give the Event new dates; its registration deadline keeps its distance from the start.

        A postponed Event is confirmed again. Raises `EventEndsBeforeStart` (E1), `EventInThePast` (E3).
        """
        self._require_step("reschedule")
        _require_order(starts_at, ends_at, None)
        if self.status != "planning":
            _require_future(ends_at, now)
        deadline = self.registration_deadline
        self.trigger(
            EventRescheduled,
            now=now,
            starts_at=starts_at,
            ends_at=ends_at,
            timezone=timezone,
            registration_deadline=None if deadline is None else min(deadline + (starts_at - self.starts_at), ends_at),
            previous_starts_at=self.starts_at,
            previous_ends_at=self.ends_at,
            from_status=self.status,
            status="confirmed" if self.status == "postponed" else self.status,
        )

    def cancel(self, *, now: datetime, reason: str) -> None:
        """The Event will not happen; sales stop at once (E2, E13)."""
        self._require_step("cancel")
        self.trigger(EventCancelled, now=now, from_status=self.status, reason=reason)

    def delete(self, *, now: datetime) -> None:
        """Forget the Event; whether its money is settled (E14) has been asked before."""
        self.trigger(EventDeleted, now=now)

    def note_booking(self, venue_id: UUID, *, now: datetime) -> None:
        """Remember that this venue has a booking of this Event."""
        if venue_id not in self.booked_venues:
            self.trigger(EventVenueReserved, now=now, venue_id=venue_id)

    def _require_step(self, step: Step) -> None:
        if self.status not in STEPS[step]:
            raise IllegalEventStep(status=self.status, step=step.replace("_", " "))

    def _require_place(self, venue_id: UUID | None, online_url: str | None) -> None:
        if venue_id is None and not online_url:
            raise NowhereToGo


def _require_order(starts_at: datetime, ends_at: datetime, deadline: datetime | None) -> None:
    if not starts_at < ends_at:
        raise EventEndsBeforeStart
    if deadline is not None and deadline > ends_at:
        raise DeadlineAfterEnd


def _require_future(ends_at: datetime, now: datetime) -> None:
    if not now < ends_at:
        raise EventInThePast
