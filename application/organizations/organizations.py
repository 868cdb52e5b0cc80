"""Organizations: create, change, suspend, resume, delete."""

from __future__ import annotations

from typing import Any, TypedDict

from application.events.settlement import require_settled
from application.fields import CurrencyCode, Email, Id, Json, Name, Reason, Slug, TimeZoneName
from application.organizations.api_keys import issue_key
from application.organizations.users import USER_EMAILS
from application.registry import Command, Reply, command
from application.replies import IdText
from application.slugs import SlugTaken, claim_slug
from application.unit import IdTaken, Scope, UnfitId, Unit
from domain.events.register import EventRegister, event_register_id
from domain.local_time import UnknownTimeZone
from domain.money import UnknownCurrency
from domain.organizations.api_key import EVERYTHING
from domain.organizations.facts import DETAILS, OrganizationStatus, Tier
from domain.organizations.organization import Organization
from domain.patch import UNSET, UnsetType, given_fields
from domain.text import normalised_email

ORGANIZATION_SLUGS = Scope("organization_slug", SlugTaken, platform=True)
"""Slugs of organizations, unique on the whole platform (O10). One that was taken stays taken: links must not lead to another tenant."""


class CreateOrganization(Command, frozen=True, kw_only=True):
    """Begin a tenant, with its first owner and that owner's key."""

    id: Id | None = None
    name: Name
    slug: Slug | None = None
    subscription_tier: Tier = "basic"
    default_currency: CurrencyCode
    timezone: TimeZoneName = "UTC"
    settings: Json | None = None
    billing_info: Json | None = None
    owner_email: Email
    owner_name: Name


class OrganizationMade(TypedDict):
    """Where the organization is found; its first owner, and the id of the owner's key."""

    slug: Slug
    owner_id: IdText
    owner_key_id: IdText


class OrganizationState(TypedDict):
    """Where the organization is found, and where it stands."""

    slug: Slug
    status: OrganizationStatus


class UpdateOrganization(Command, frozen=True, kw_only=True):
    """Change details of the organization."""

    organization_id: Id
    name: Name | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    subscription_tier: Tier | UnsetType = UNSET
    timezone: TimeZoneName | UnsetType = UNSET
    settings: Json | UnsetType | None = UNSET
    billing_info: Json | UnsetType = UNSET


class SuspendOrganization(Command, frozen=True, kw_only=True):
    """Stop selling, publishing and spending."""

    organization_id: Id
    reason: Reason


class ResumeOrganization(Command, frozen=True, kw_only=True):
    """End a suspension."""

    organization_id: Id


class DeleteOrganization(Command, frozen=True, kw_only=True):
    """Delete the tenant."""

    organization_id: Id


@command(
    "POST /organizations",
    permission="platform",
    status=201,
    rules="O2 O5 O9 O10",
    refusals=(SlugTaken, IdTaken, UnfitId, UnknownCurrency, UnknownTimeZone),
    example={
        "name": "Harbour Stage",
        "default_currency": "EUR",
        "timezone": "Europe/Berlin",
        "owner_email": "ada@harbour.example",
        "owner_name": "Ada Harbour",
    },
    secrets=("owner_key",),
)
def create_organization(command: CreateOrganization, unit: Unit) -> Reply[OrganizationMade]:
    """Create an organization with its first owner.

    The answer shows the owner's key once, as `owner_key`. Without a slug, a free one is derived from the
    name.
    """
    organization_id = unit.resource_id(command.id)
    unit.found(organization_id)
    owner_id, email = unit.new_id(), normalised_email(command.owner_email)
    slug = claim_slug(unit, ORGANIZATION_SLUGS, command.slug, name=command.name, owner=organization_id)
    organization = Organization.create(
        id=organization_id,
        now=unit.now,
        name=command.name,
        slug=slug,
        default_currency=command.default_currency,
        timezone=command.timezone,
        subscription_tier=command.subscription_tier,
        settings=command.settings,
        **_billing(unit, command.billing_info),
    )
    unit.add(organization)
    version = organization.row_version
    unit.claim(USER_EMAILS, email, owner_id)
    organization.add_user(
        now=unit.now, user_id=owner_id, person=unit.person(email), role="owner", email=email, full_name=command.owner_name
    )
    key, text = issue_key(unit, user_id=owner_id, name="Owner", scopes=(EVERYTHING,))
    return Reply(
        id=organization_id,
        version=version,
        collection="organizations",
        data={"slug": slug, "owner_id": str(owner_id), "owner_key_id": str(key.id)},
        secrets={"owner_key": text},
    )


@command(
    "PATCH /organizations/{organization_id}",
    permission="organization.manage",
    rules="O1 O10",
    refusals=(SlugTaken, UnknownTimeZone),
    example={"name": "Harbour Stage & Sons"},
)
def update_organization(command: UpdateOrganization, unit: Unit) -> Reply[OrganizationState]:
    """Change details of the organization.

    What is left out stays. The currency is fixed (O7).
    """
    organization = unit.get(Organization, command.organization_id)
    unit.match(organization.row_version)
    changes = given_fields(command, *DETAILS)
    if "slug" in changes:
        unit.claim(ORGANIZATION_SLUGS, changes["slug"], organization.id)
    organization.change_details(now=unit.now, **changes)
    if command.billing_info is not UNSET:
        organization.change_billing(now=unit.now, **_billing(unit, command.billing_info))
    return _reply(organization)


@command(
    "POST /organizations/{organization_id}/suspend", permission="platform", rules="O4", example={"reason": "Invoices unpaid since March"}
)
def suspend_organization(command: SuspendOrganization, unit: Unit) -> Reply[OrganizationState]:
    """Suspend an organization.

    Nothing is sold, published or spent; check-in, refunds and exports still work.
    """
    organization = _of_platform(unit, command.organization_id)
    organization.suspend(now=unit.now, reason=command.reason)
    return _reply(organization)


@command("POST /organizations/{organization_id}/resume", permission="platform", rules="O4")
def resume_organization(command: ResumeOrganization, unit: Unit) -> Reply[OrganizationState]:
    """End a suspension."""
    organization = _of_platform(unit, command.organization_id)
    organization.resume(now=unit.now)
    return _reply(organization)


@command("DELETE /organizations/{organization_id}", permission="organization.delete", rules="O1 O4")
def delete_organization(command: DeleteOrganization, unit: Unit) -> Reply:
    """Delete the organization.

    Possible once the money of all its Events is settled. Every row of the read models goes; the log, the finance
    journal and issued documents stay.
    """
    organization = unit.get(Organization, command.organization_id)
    unit.match(organization.row_version)
    register = unit.find(EventRegister, event_register_id(organization.id))
    for event_id in register.events if register is not None else ():
        require_settled(unit, event_id)
    organization.delete(now=unit.now)
    return Reply(id=organization.id, version=organization.version, collection="organizations")


def _of_platform(unit: Unit, organization_id: Id) -> Organization:
    unit.found(organization_id)
    organization = unit.get(Organization, organization_id)
    unit.match(organization.row_version)
    return organization


def _billing(unit: Unit, billing_info: dict[str, Any] | None) -> dict[str, Any]:
    """Billing information may name people: it is sealed under a key of the organization's own."""
    if billing_info is None:
        return {}
    return {"billing": unit.person(f"organization:{unit.organization_id}"), "billing_info": billing_info}


def _reply(organization: Organization) -> Reply[OrganizationState]:
    return Reply(
        id=organization.id,
        version=organization.row_version,
        collection="organizations",
        data={"slug": organization.slug, "status": organization.status},
    )
