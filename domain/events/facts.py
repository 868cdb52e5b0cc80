"""The domain events of an Event."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from domain.aggregate import Created, DomainEvent
from domain.patch import UNSET, UnsetType, given_fields

if TYPE_CHECKING:
    from domain.events.event import Event

EventStatus = Literal["planning", "confirmed", "postponed", "live", "completed", "cancelled"]
EventType = Literal["in_person", "virtual", "hybrid"]
Visibility = Literal["public", "private", "unlisted"]

DETAILS = (
    "name",
    "slug",
    "description",
    "event_type",
    "visibility",
    "category_id",
    "venue_id",
    "online_url",
    "max_capacity",
    "registration_deadline",
    "tags",
    "custom_fields",
    "branding",
    "social_links",
)
"""What can be changed without changing when the Event happens or which state it is in."""

_STATE = ("name", "slug", "venue_id", "online_url", "max_capacity", "registration_deadline")
"""Details that decisions depend on."""


class EventCreated(Created):
    """An Event is being planned."""

    type_name = "event.created"
    name: str
    slug: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    currency: str
    event_type: EventType = "in_person"
    visibility: Visibility = "private"
    description: str | None = None
    category_id: UUID | None = None
    venue_id: UUID | None = None
    online_url: str | None = None
    max_capacity: int | None = None
    registration_deadline: datetime | None = None
    tags: tuple[str, ...] = ()
    custom_fields: dict[str, Any] | None = None
    branding: dict[str, Any] | None = None
    social_links: dict[str, Any] | None = None
    created_by: UUID | None = None


class EventDetailsChanged(DomainEvent):
    """Details are others; those left out stay as they are."""

    type_name = "event.details_changed"
    name: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    event_type: EventType | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    description: str | UnsetType | None = UNSET
    category_id: UUID | UnsetType | None = UNSET
    venue_id: UUID | UnsetType | None = UNSET
    online_url: str | UnsetType | None = UNSET
    max_capacity: int | UnsetType | None = UNSET
    registration_deadline: datetime | UnsetType | None = UNSET
    tags: tuple[str, ...] | UnsetType = UNSET
    custom_fields: dict[str, Any] | UnsetType | None = UNSET
    branding: dict[str, Any] | UnsetType | None = UNSET
    social_links: dict[str, Any] | UnsetType | None = UNSET

    def apply(self, aggregate: Event) -> None:
        for name, value in given_fields(self, *_STATE).items():
            setattr(aggregate, name, value)


class EventConfirmed(DomainEvent):
    """The Event will happen."""

    type_name = "event.confirmed"

    def apply(self, aggregate: Event) -> None:
        aggregate.status = "confirmed"


class EventWentLive(DomainEvent):
    """The Event has begun."""

    type_name = "event.went_live"

    def apply(self, aggregate: Event) -> None:
        aggregate.status = "live"


class EventCompleted(DomainEvent):
    """The Event is over."""

    type_name = "event.completed"

    def apply(self, aggregate: Event) -> None:
        aggregate.status = "completed"


class EventPostponed(DomainEvent):
    """The Event will happen at another time, not known yet."""

    type_name = "event.postponed"
    reason: str | None = None

    def apply(self, aggregate: Event) -> None:
        aggregate.status = "postponed"


class EventRescheduled(DomainEvent):
    """The Event has new dates."""

    type_name = "event.rescheduled"
    starts_at: datetime
    ends_at: datetime
    timezone: str
    registration_deadline: datetime | None
    previous_starts_at: datetime
    previous_ends_at: datetime
    from_status: EventStatus
    status: EventStatus

    def apply(self, aggregate: Event) -> None:
        aggregate.starts_at = self.starts_at
        aggregate.ends_at = self.ends_at
        aggregate.timezone = self.timezone
        aggregate.registration_deadline = self.registration_deadline
        aggregate.status = self.status


class EventCancelled(DomainEvent):
    """The Event will not happen."""

    type_name = "event.cancelled"
    from_status: EventStatus
    reason: str

    def apply(self, aggregate: Event) -> None:
        aggregate.status = "cancelled"


class EventVenueReserved(DomainEvent):
    """A venue has a booking of this Event."""

    type_name = "event.venue_reserved"
    venue_id: UUID

    def apply(self, aggregate: Event) -> None:
        aggregate.booked_venues |= {self.venue_id}


class EventDeleted(DomainEvent):
    """The Event is gone; its rows go with it, its records stay."""

    type_name = "event.deleted"

    def apply(self, aggregate: Event) -> None:
        aggregate.deleted = True
