"""EventRegister: which Events an organization has."""

from __future__ import annotations

from datetime import datetime
from typing import Self
from uuid import UUID

from immutables import Map

from domain.aggregate import Aggregate, Created, DomainEvent, part_id


class EventRegisterOpened(Created):
    """The organization's first Event is about to be listed."""

    type_name = "event_register.opened"


class EventListed(DomainEvent):
    """The organization has one more Event."""

    type_name = "event_register.listed"
    event_id: UUID

    def apply(self, aggregate: EventRegister) -> None:
        aggregate.events = aggregate.events.set(self.event_id, None)


class EventDelisted(DomainEvent):
    """An Event was deleted."""

    type_name = "event_register.delisted"
    event_id: UUID

    def apply(self, aggregate: EventRegister) -> None:
        aggregate.events = aggregate.events.delete(self.event_id)


class EventRegister(Aggregate):
    """The Events that are not deleted: an organization may be deleted once all of them are settled (O4)."""

    stream_type = "event_register"

    events: Map[UUID, None] = Map()

    @classmethod
    def open(cls, *, organization_id: UUID, now: datetime) -> Self:
        """The register of an organization; one per organization."""
        return cls.begin(EventRegisterOpened, id=event_register_id(organization_id), organization_id=organization_id, now=now)

    def enter(self, event_id: UUID, *, now: datetime) -> None:
        """List an Event."""
        self.trigger(EventListed, now=now, event_id=event_id)

    def strike(self, event_id: UUID, *, now: datetime) -> None:
        """Take an Event off the list."""
        self.trigger(EventDelisted, now=now, event_id=event_id)


def event_register_id(organization_id: UUID) -> UUID:
    """The stream of an organization's register."""
    return part_id(organization_id, EventRegister.stream_type)
