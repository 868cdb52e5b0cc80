"""Table `events`: the gatherings."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from application.ports import Record
from domain.events.facts import (
    DETAILS,
    EventCancelled,
    EventCompleted,
    EventConfirmed,
    EventCreated,
    EventDeleted,
    EventDetailsChanged,
    EventPostponed,
    EventRescheduled,
    EventStatus,
    EventType,
    EventVenueReserved,
    EventWentLive,
    Visibility,
)
from domain.patch import given_fields
from projections.audit.status_changes import status_change
from projections.changes import Change, Delete, Insert, Set
from projections.relational import RELATIONAL
from projections.schema import INSTANT, JSON, TEXT_LIST, choice, currency, read_table, reference, unique

events = read_table(
    "events",
    sa.Column("category_id", UUID),
    reference("venue_id", "venues"),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("slug", sa.Text, nullable=False),
    sa.Column("description", sa.Text),
    choice("event_type", *get_args(EventType)),
    choice("status", *get_args(EventStatus)),
    sa.Column("creation_progress", JSON),
    choice("visibility", *get_args(Visibility)),
    sa.Column("starts_at", INSTANT, nullable=False),
    sa.Column("ends_at", INSTANT, nullable=False),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("max_capacity", sa.Integer),
    sa.Column("registration_deadline", INSTANT),
    sa.Column("online_url", sa.Text),
    sa.Column("tags", TEXT_LIST, nullable=False),
    sa.Column("custom_fields", JSON),
    sa.Column("branding", JSON),
    sa.Column("social_links", JSON),
    currency(),
    reference("created_by", "users", on_delete="set null"),
    unique("organization_id", "slug"),
    sa.CheckConstraint("starts_at < ends_at"),
)


@RELATIONAL.on(EventCreated)
def created(event: EventCreated, record: Record) -> Iterable[Change]:
    """A row for the Event."""
    values = given_fields(event, "starts_at", "ends_at", "timezone", "currency", "created_by") | _details(event)
    yield Insert(events, event.originator_id, {**values, "status": "planning"})
    yield _moved(event, record, "planning", was=None)


@RELATIONAL.on(EventDetailsChanged)
def details_changed(event: EventDetailsChanged, _: Record) -> Iterable[Change]:
    """Other details in the row."""
    yield Set(events, event.originator_id, _details(event))


@RELATIONAL.on(EventVenueReserved)
def venue_reserved(event: EventVenueReserved, _: Record) -> Iterable[Change]:
    """Nothing but the row's version: the booking stands in `venue_bookings`."""
    yield Set(events, event.originator_id, {})


@RELATIONAL.on(EventConfirmed)
def confirmed(event: EventConfirmed, record: Record) -> Iterable[Change]:
    """From planning to confirmed."""
    yield Set(events, event.originator_id, {"status": "confirmed"})
    yield _moved(event, record, "confirmed", was="planning")


@RELATIONAL.on(EventWentLive)
def went_live(event: EventWentLive, record: Record) -> Iterable[Change]:
    """From confirmed to live."""
    yield Set(events, event.originator_id, {"status": "live"})
    yield _moved(event, record, "live", was="confirmed")


@RELATIONAL.on(EventCompleted)
def completed(event: EventCompleted, record: Record) -> Iterable[Change]:
    """From live to completed."""
    yield Set(events, event.originator_id, {"status": "completed"})
    yield _moved(event, record, "completed", was="live")


@RELATIONAL.on(EventPostponed)
def postponed(event: EventPostponed, record: Record) -> Iterable[Change]:
    """From confirmed to postponed."""
    yield Set(events, event.originator_id, {"status": "postponed"})
    yield _moved(event, record, "postponed", was="confirmed", reason=event.reason)


@RELATIONAL.on(EventRescheduled)
def rescheduled(event: EventRescheduled, record: Record) -> Iterable[Change]:
    """New dates; a postponed Event is confirmed again."""
    values = given_fields(event, "starts_at", "ends_at", "timezone", "registration_deadline", "status")
    yield Set(events, event.originator_id, values)
    if event.status != event.from_status:
        yield _moved(event, record, event.status, was=event.from_status)


@RELATIONAL.on(EventCancelled)
def cancelled(event: EventCancelled, record: Record) -> Iterable[Change]:
    """Cancelled, from any state that is not final."""
    yield Set(events, event.originator_id, {"status": "cancelled"})
    yield _moved(event, record, "cancelled", was=event.from_status, reason=event.reason)


@RELATIONAL.on(EventDeleted)
def deleted(event: EventDeleted, _: Record) -> Iterable[Change]:
    """The row goes, and by the cascades every row of the Event."""
    yield Delete(events, event.originator_id)


def _details(event: EventCreated | EventDetailsChanged) -> dict[str, Any]:
    values = given_fields(event, *DETAILS)
    return values | ({"tags": list(values["tags"])} if "tags" in values else {})


Moving = EventCreated | EventConfirmed | EventWentLive | EventCompleted | EventPostponed | EventRescheduled | EventCancelled


def _moved(event: Moving, record: Record, to: EventStatus, *, was: EventStatus | None, reason: str | None = None) -> Insert:
    event_id = event.originator_id
    return status_change(record, "event", event_id, to, was=was, event_id=event_id, reason=reason)
