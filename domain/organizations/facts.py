"""The domain events of an Organization."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import msgspec

from domain.aggregate import Created, DomainEvent
from domain.money import Money
from domain.patch import UNSET, UnsetType, given_fields
from domain.personal import Personal

if TYPE_CHECKING:
    from domain.organizations.organization import Organization

Role = Literal[
    "owner",
    "admin",
    "event_director",
    "producer",
    "marketing_manager",
    "sales_manager",
    "finance_manager",
    "coordinator",
    "member",
    "auditor",
]
Tier = Literal["basic", "pro", "enterprise"]
OrganizationStatus = Literal["active", "suspended"]

DETAILS = ("name", "slug", "subscription_tier", "timezone", "settings")
"""What an organization may change about itself; its currency is fixed (O7)."""


class User(msgspec.Struct, frozen=True, kw_only=True):
    """A member of an organization, as far as decisions depend on it."""

    person: UUID
    role: Role
    permissions: tuple[str, ...] = ()
    """Granted beyond the role's."""
    active: bool = True
    version: int
    """Of the Organization's last domain event about this user: the row's version."""


class OrganizationCreated(Created):
    """A tenant begins. Billing information is sealed under a key of the organization's own."""

    type_name = "organization.created"
    name: str
    slug: str
    default_currency: str
    timezone: str
    subscription_tier: Tier = "basic"
    settings: dict[str, Any] | None = None
    billing: UUID | None = None
    billing_info: Personal[dict[str, Any] | None, "billing"] = None

    def apply(self, aggregate: Organization) -> None:
        aggregate.row_version = self.originator_version


class OrganizationDetailsChanged(DomainEvent):
    """Details are others; those left out stay as they are."""

    type_name = "organization.details_changed"
    name: str | UnsetType = UNSET
    slug: str | UnsetType = UNSET
    subscription_tier: Tier | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    settings: dict[str, Any] | UnsetType | None = UNSET

    def apply(self, aggregate: Organization) -> None:
        for name, value in given_fields(self, "name", "slug", "timezone").items():
            setattr(aggregate, name, value)
        aggregate.row_version = self.originator_version


class OrganizationBillingChanged(DomainEvent):
    """Invoices go elsewhere."""

    type_name = "organization.billing_changed"
    billing: UUID
    billing_info: Personal[dict[str, Any] | None, "billing"] = None

    def apply(self, aggregate: Organization) -> None:
        aggregate.row_version = self.originator_version


class OrganizationSuspended(DomainEvent):
    """Nothing is sold, published or spent until it resumes (O4)."""

    type_name = "organization.suspended"
    reason: str

    def apply(self, aggregate: Organization) -> None:
        aggregate.status = "suspended"
        aggregate.row_version = self.originator_version


class OrganizationResumed(DomainEvent):
    """Business as usual."""

    type_name = "organization.resumed"

    def apply(self, aggregate: Organization) -> None:
        aggregate.status = "active"
        aggregate.row_version = self.originator_version


class OrganizationDeleted(DomainEvent):
    """The tenant is gone with all its rows; the log stays (O4)."""

    type_name = "organization.deleted"

    def apply(self, aggregate: Organization) -> None:
        aggregate.deleted = True


class UserAdded(DomainEvent):
    """Someone works for the organization from here on."""

    type_name = "organization.user_added"
    user_id: UUID
    person: UUID
    role: Role
    permissions: tuple[str, ...] = ()
    email: Personal[str | None, "person"] = None
    full_name: Personal[str | None, "person"] = None
    phone: Personal[str | None, "person"] = None
    avatar_url: Personal[str | None, "person"] = None
    skills: tuple[str, ...] = ()
    hourly_rate: Money | None = None

    def apply(self, aggregate: Organization) -> None:
        user = User(person=self.person, role=self.role, permissions=self.permissions, version=self.originator_version)
        aggregate.users = aggregate.users.set(self.user_id, user)


class UserRoleChanged(DomainEvent):
    """A user may do other things."""

    type_name = "organization.user_role_changed"
    user_id: UUID
    from_role: Role
    role: Role
    permissions: tuple[str, ...] = ()

    def apply(self, aggregate: Organization) -> None:
        _replace(aggregate, self.user_id, role=self.role, permissions=self.permissions, version=self.originator_version)


class UserDeactivated(DomainEvent):
    """A user may do nothing any more."""

    type_name = "organization.user_deactivated"
    user_id: UUID

    def apply(self, aggregate: Organization) -> None:
        _replace(aggregate, self.user_id, active=False, version=self.originator_version)


class UserReactivated(DomainEvent):
    """A user is back."""

    type_name = "organization.user_reactivated"
    user_id: UUID

    def apply(self, aggregate: Organization) -> None:
        _replace(aggregate, self.user_id, active=True, version=self.originator_version)


def _replace(organization: Organization, user_id: UUID, **changes: Any) -> None:
    user = msgspec.structs.replace(organization.users[user_id], **changes)
    organization.users = organization.users.set(user_id, user)
