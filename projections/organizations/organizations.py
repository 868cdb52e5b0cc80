"""Table `organizations`: the tenants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID

from application.ports import Record
from domain.organizations.facts import (
    DETAILS,
    OrganizationBillingChanged,
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationDetailsChanged,
    OrganizationResumed,
    OrganizationSuspended,
    Tier,
)
from domain.patch import given_fields
from projections.audit.status_changes import status_change
from projections.changes import Change, Delete, Insert, Set
from projections.relational import RELATIONAL
from projections.schema import JSON, choice, currency, personal, read_table, unique

organizations = read_table(
    "organizations",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("slug", sa.Text, nullable=False),
    choice("subscription_tier", *get_args(Tier)),
    currency("default_currency"),
    sa.Column("timezone", sa.Text, nullable=False),
    sa.Column("settings", JSON),
    sa.Column("billing", UUID),
    personal("billing_info", "billing", JSON),
    choice("status", "active", "suspended", "deleted"),
    unique("slug"),
    tenant=False,
)


@RELATIONAL.on(OrganizationCreated)
def created(event: OrganizationCreated, record: Record) -> Iterable[Change]:
    """A row for the tenant."""
    values = given_fields(event, *DETAILS, "default_currency", "billing", "billing_info")
    yield Insert(organizations, event.originator_id, {**values, "status": "active"})
    yield status_change(record, "organization", event.originator_id, "active")


@RELATIONAL.on(OrganizationDetailsChanged)
def details_changed(event: OrganizationDetailsChanged, _: Record) -> Iterable[Change]:
    """Other details in the row."""
    yield Set(organizations, event.originator_id, given_fields(event, *DETAILS))


@RELATIONAL.on(OrganizationBillingChanged)
def billing_changed(event: OrganizationBillingChanged, _: Record) -> Iterable[Change]:
    """Other billing information in the row."""
    yield Set(organizations, event.originator_id, given_fields(event, "billing", "billing_info"))


@RELATIONAL.on(OrganizationSuspended)
def suspended(event: OrganizationSuspended, record: Record) -> Iterable[Change]:
    """The tenant is suspended."""
    yield Set(organizations, event.originator_id, {"status": "suspended"})
    yield status_change(record, "organization", event.originator_id, "suspended", was="active", reason=event.reason)


@RELATIONAL.on(OrganizationResumed)
def resumed(event: OrganizationResumed, record: Record) -> Iterable[Change]:
    """The tenant is active again."""
    yield Set(organizations, event.originator_id, {"status": "active"})
    yield status_change(record, "organization", event.originator_id, "active", was="suspended")


@RELATIONAL.on(OrganizationDeleted)
def deleted(event: OrganizationDeleted, _: Record) -> Iterable[Change]:
    """The row goes, and by the cascades every row of the tenant."""
    yield Delete(organizations, event.originator_id)
