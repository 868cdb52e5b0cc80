"""Users: add, change the role, deactivate, reactivate."""

from __future__ import annotations

from typing import Literal, TypedDict
from uuid import UUID

from application.access import BeyondOwnPermissions, UnknownPermission, require_grantable
from application.fields import Amount, CurrencyCode, Email, Id, Labels, Name, Phone, Url
from application.registry import Command, Reply, command
from application.unit import Scope, Unit
from domain.money import Money, TooManyDecimals
from domain.organizations.facts import Role
from domain.organizations.organization import LastOwner, Organization, UserIsDeactivated
from domain.organizations.person import Person
from domain.refusals import Conflict, NotFound
from domain.text import InvalidEmail, normalised_email


class EmailTaken(Conflict, rule="O10", pointer="/email"):
    """A user of the organization has this e-mail address already."""


USER_EMAILS = Scope("user_email", EmailTaken)
"""Normalised e-mail addresses of an organization's users (O10), each held by the user's id."""


class UserState(TypedDict):
    """What a user may do, and whether they may."""

    role: Role
    status: Literal["active", "deactivated"]


class AddUser(Command, frozen=True, kw_only=True):
    """Let someone work for the organization."""

    email: Email
    full_name: Name
    role: Role
    permissions: Labels = ()
    phone: Phone | None = None
    avatar_url: Url | None = None
    skills: Labels = ()
    hourly_rate: Amount | None = None
    currency: CurrencyCode | None = None


class ChangeUserRole(Command, frozen=True, kw_only=True):
    """Let a user do other things."""

    user_id: Id
    role: Role
    permissions: Labels = ()


class DeactivateUser(Command, frozen=True, kw_only=True):
    """Shut a user out."""

    user_id: Id


class ReactivateUser(Command, frozen=True, kw_only=True):
    """Let a user in again."""

    user_id: Id


@command(
    "POST /users",
    permission="users.manage",
    status=201,
    rules="O3 O10",
    refusals=(EmailTaken, InvalidEmail, BeyondOwnPermissions, UnknownPermission, TooManyDecimals),
    example={"email": "grace@harbour.example", "full_name": "Grace Quay", "role": "producer"},
)
def add_user(command: AddUser, unit: Unit) -> Reply[UserState]:
    """Add a user.

    `permissions` are granted beyond the role's. Nobody grants what they lack.
    """
    require_grantable(unit, command.role, command.permissions)
    organization = unit.get(Organization, unit.organization_id)
    user_id, email = unit.new_id(), normalised_email(command.email)
    unit.claim(USER_EMAILS, email, user_id)
    rate = command.hourly_rate
    organization.add_user(
        now=unit.now,
        user_id=user_id,
        person=unit.person(email),
        role=command.role,
        permissions=command.permissions,
        email=email,
        full_name=command.full_name,
        phone=command.phone,
        avatar_url=command.avatar_url,
        skills=command.skills,
        hourly_rate=None if rate is None else Money.parse(rate, command.currency or organization.default_currency),
    )
    return _reply(organization, user_id)


@command(
    "POST /users/{user_id}/roles",
    permission="users.manage",
    rules="O2 O3",
    refusals=(LastOwner, BeyondOwnPermissions, UnknownPermission, UserIsDeactivated),
    example={"role": "event_director"},
)
def change_user_role(command: ChangeUserRole, unit: Unit) -> Reply[UserState]:
    """Give a user another role.

    Neither the role taken nor the role given may reach beyond the sender's own permissions.
    """
    organization = _addressed(unit, command.user_id)
    require_grantable(unit, command.role, command.permissions)
    organization.change_role(command.user_id, role=command.role, permissions=command.permissions, now=unit.now)
    return _reply(organization, command.user_id)


@command("POST /users/{user_id}/deactivate", permission="users.manage", rules="O2 O3", refusals=(LastOwner, BeyondOwnPermissions))
def deactivate_user(command: DeactivateUser, unit: Unit) -> Reply[UserState]:
    """Deactivate a user; their keys stop working with the next request."""
    organization = _addressed(unit, command.user_id)
    organization.deactivate_user(command.user_id, now=unit.now)
    return _reply(organization, command.user_id)


@command("POST /users/{user_id}/reactivate", permission="users.manage", rules="O3", refusals=(BeyondOwnPermissions,))
def reactivate_user(command: ReactivateUser, unit: Unit) -> Reply[UserState]:
    """Reactivate a user who was not erased."""
    organization = _addressed(unit, command.user_id)
    if unit.find(Person, organization.user(command.user_id).person) is not None:
        raise NotFound(what="user", id=str(command.user_id))
    organization.reactivate_user(command.user_id, now=unit.now)
    return _reply(organization, command.user_id)


def _addressed(unit: Unit, user_id: UUID) -> Organization:
    """The organization, when the user may be changed by the sender (O3) and is at the version that was sent."""
    organization = unit.get(Organization, unit.organization_id)
    user = organization.user(user_id)
    unit.match(user.version)
    require_grantable(unit, user.role, user.permissions)
    return organization


def _reply(organization: Organization, user_id: UUID) -> Reply[UserState]:
    user = organization.users[user_id]
    return Reply(
        id=user_id,
        version=user.version,
        collection="users",
        data={"role": user.role, "status": "active" if user.active else "deactivated"},
    )
