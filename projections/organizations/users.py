"""Table `users`: who works for an organization."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import UUID, ExcludeConstraint

from application.ports import Record
from domain.organizations.facts import Role, UserAdded, UserDeactivated, UserReactivated, UserRoleChanged
from domain.patch import given_fields
from projections.audit.status_changes import status_change
from projections.changes import Change, Insert, Set
from projections.relational import RELATIONAL
from projections.schema import INSTANT, JSON, MONEY, TEXT_LIST, choice, currency, personal, read_table

users = read_table(
    "users",
    sa.Column("person", UUID, nullable=False),
    personal("email", "person"),
    personal("full_name", "person"),
    personal("avatar_url", "person"),
    personal("phone", "person"),
    choice("role", *get_args(Role)),
    sa.Column("permissions", JSON, nullable=False),
    sa.Column("skills", TEXT_LIST, nullable=False),
    sa.Column("certifications", JSON),
    sa.Column("availability_schedule", JSON),
    sa.Column("hourly_rate", MONEY),
    currency(nullable=True),
    choice("status", "invited", "active", "deactivated"),
    sa.Column("last_login_at", INSTANT),
    # Unique, but an expression can be deferred only as an exclusion.
    ExcludeConstraint(
        (sa.column("organization_id"), "="),
        (sa.func.lower(sa.column("email")), "="),
        name="users_organization_id_lower_email_excl",
        using="btree",
        deferrable=True,
        initially="DEFERRED",
    ),
)

_AS_SAID = ("person", "email", "full_name", "avatar_url", "phone", "role")


@RELATIONAL.on(UserAdded)
def added(event: UserAdded, record: Record) -> Iterable[Change]:
    """A row for the user, active from the beginning."""
    rate = event.hourly_rate
    values = {
        **given_fields(event, *_AS_SAID),
        "permissions": list(event.permissions),
        "skills": list(event.skills),
        "hourly_rate": None if rate is None else rate.major,
        "currency": None if rate is None else rate.currency,
        "status": "active",
    }
    yield Insert(users, event.user_id, values)
    yield status_change(record, "user", event.user_id, "active")


@RELATIONAL.on(UserRoleChanged)
def role_changed(event: UserRoleChanged, _: Record) -> Iterable[Change]:
    """Another role in the row."""
    yield Set(users, event.user_id, {"role": event.role, "permissions": list(event.permissions)})


@RELATIONAL.on(UserDeactivated)
def deactivated(event: UserDeactivated, record: Record) -> Iterable[Change]:
    """The user is shut out; the row stays."""
    yield Set(users, event.user_id, {"status": "deactivated"})
    yield status_change(record, "user", event.user_id, "deactivated", was="active")


@RELATIONAL.on(UserReactivated)
def reactivated(event: UserReactivated, record: Record) -> Iterable[Change]:
    """The user is back."""
    yield Set(users, event.user_id, {"status": "active"})
    yield status_change(record, "user", event.user_id, "active", was="deactivated")
