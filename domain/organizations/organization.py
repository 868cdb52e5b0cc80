"""Organization: a tenant, with its users."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self, get_args
from uuid import UUID

from immutables import Map

from domain.aggregate import Aggregate
from domain.local_time import zone
from domain.money import exponent
from domain.organizations.facts import (
    OrganizationBillingChanged,
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationDetailsChanged,
    OrganizationResumed,
    OrganizationStatus,
    OrganizationSuspended,
    Role,
    User,
    UserAdded,
    UserDeactivated,
    UserReactivated,
    UserRoleChanged,
)
from domain.refusals import Conflict, NotFound

USER_ROLES: tuple[Role, ...] = get_args(Role)


class OrganizationIsSuspended(Conflict, rule="O4"):
    """The organization is suspended: nothing is sold, published or spent."""


class LastOwner(Conflict, rule="O2"):
    """An organization keeps at least one active owner."""


class UserIsDeactivated(Conflict, rule="O2"):
    """The user is deactivated."""


class Organization(Aggregate):
    """A tenant (O1). It has at least one active owner at every moment (O2), also when two are removed at once."""

    stream_type = "organization"

    name: str
    slug: str
    default_currency: str
    timezone: str
    status: OrganizationStatus = "active"
    users: Map[UUID, User] = Map()
    row_version: int = 0
    """Of the last domain event about the organization itself, not about its users."""

    @classmethod
    def create(
        cls,
        *,
        id: UUID,  # noqa: A002  # the field's name
        now: datetime,
        default_currency: str,
        timezone: str,
        **fields: Any,
    ) -> Self:
        """Begin a tenant. Raises `UnknownCurrency` (O5), `UnknownTimeZone`. Its first owner has to be added with it (O2)."""
        exponent(default_currency)
        zone(timezone)
        return cls.begin(
            OrganizationCreated, id=id, organization_id=id, now=now, default_currency=default_currency, timezone=timezone, **fields
        )

    def require_active(self) -> None:
        """Raises `OrganizationIsSuspended` where something would be sold, published or spent (O4)."""
        if self.status != "active":
            raise OrganizationIsSuspended

    def user(self, user_id: UUID) -> User:
        """The user with this id. Raises `NotFound`."""
        user = self.users.get(user_id)
        if user is None:
            raise NotFound(what="user", id=str(user_id))
        return user

    def change_details(self, *, now: datetime, **changes: Any) -> None:
        """Change what is named, a field of `OrganizationDetailsChanged` each. Raises `UnknownTimeZone`."""
        if "timezone" in changes:
            zone(changes["timezone"])
        if changes:
            self.trigger(OrganizationDetailsChanged, now=now, **changes)

    def change_billing(self, *, now: datetime, billing: UUID, billing_info: dict[str, Any]) -> None:
        """Send invoices elsewhere; `billing` is the key id that `billing_info` is sealed under."""
        self.trigger(OrganizationBillingChanged, now=now, billing=billing, billing_info=billing_info)

    def suspend(self, *, now: datetime, reason: str) -> None:
        """Stop selling, publishing and spending (O4). Twice is once."""
        if self.status == "active":
            self.trigger(OrganizationSuspended, now=now, reason=reason)

    def resume(self, *, now: datetime) -> None:
        """End a suspension. Twice is once."""
        if self.status == "suspended":
            self.trigger(OrganizationResumed, now=now)

    def delete(self, *, now: datetime) -> None:
        """Forget the tenant; whether its money is settled (O4) has been asked before."""
        self.trigger(OrganizationDeleted, now=now)

    def add_user(self, *, now: datetime, **fields: Any) -> None:
        """Let someone in; `fields` are those of `UserAdded`. That the address is free (O10) is its unique key's to say."""
        self.trigger(UserAdded, now=now, **fields)

    def change_role(self, user_id: UUID, *, role: Role, permissions: tuple[str, ...], now: datetime) -> None:
        """Give a user another role. Raises `LastOwner` (O2), `UserIsDeactivated`."""
        user = self.user(user_id)
        if not user.active:
            raise UserIsDeactivated
        if (user.role, user.permissions) == (role, permissions):
            return
        if role != "owner":
            self._require_another_owner(user_id)
        self.trigger(UserRoleChanged, now=now, user_id=user_id, from_role=user.role, role=role, permissions=permissions)

    def deactivate_user(self, user_id: UUID, *, now: datetime) -> None:
        """Shut a user out; twice is once. Raises `LastOwner` (O2)."""
        if self.user(user_id).active:
            self._require_another_owner(user_id)
            self.trigger(UserDeactivated, now=now, user_id=user_id)

    def reactivate_user(self, user_id: UUID, *, now: datetime) -> None:
        """Let a user in again; twice is once."""
        if not self.user(user_id).active:
            self.trigger(UserReactivated, now=now, user_id=user_id)

    def users_of(self, person: UUID) -> list[UUID]:
        """The users that are this person."""
        return [user_id for user_id, user in self.users.items() if user.person == person]

    def _require_another_owner(self, user_id: UUID) -> None:
        owners = {id_ for id_, user in self.users.items() if user.role == "owner" and user.active}
        if owners == {user_id}:
            raise LastOwner
