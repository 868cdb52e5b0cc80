"""Rows of organizations, users and API keys."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import projections.catalog  # noqa: F401  # every table that others refer to
from domain.money import Money
from domain.organizations.api_key import ApiKeyIssued, ApiKeyRevoked
from domain.organizations.facts import (
    OrganizationBillingChanged,
    OrganizationCreated,
    OrganizationDeleted,
    OrganizationDetailsChanged,
    OrganizationResumed,
    OrganizationSuspended,
    UserAdded,
    UserDeactivated,
    UserReactivated,
    UserRoleChanged,
)
from domain.organizations.person import PersonErased
from projections.audit.status_changes import status_changes
from projections.organizations.api_keys import api_keys
from projections.organizations.organizations import organizations
from projections.organizations.users import users
from tests.support.given import NOW, ORG, fact, uid
from tests.support.rows import rows_of

GRACE, GRACE_PERSON, BILLING, KEY = uid(31), uid(32), uid(33), uid(34)
CREATED = fact(
    OrganizationCreated, name="Harbour", slug="harbour", default_currency="EUR", timezone="UTC", billing=BILLING, billing_info={"vat": "1"}
)
ADDED = fact(
    UserAdded,
    user_id=GRACE,
    person=GRACE_PERSON,
    role="producer",
    permissions=("persons.erase",),
    email="grace@harbour.example",
    full_name="Grace Quay",
    phone="1",
    avatar_url="https://a.example/g.png",
    skills=("sound",),
    hourly_rate=Money(4550, "EUR"),
)
ISSUED = fact(ApiKeyIssued, of=KEY, name="Door", prefix="sbk_x", sha256="ff", scopes=("data.read",), user_id=GRACE, created_by=GRACE)


def test_an_organization_is_a_row() -> None:
    row = {"id": ORG, "name": "Harbour", "slug": "harbour", "subscription_tier": "basic", "default_currency": "EUR", "status": "active"}
    rows_of([CREATED]).then(organizations, [{**row, "billing_info": {"vat": "1"}, "created_at": NOW, "stream_version": 1}])


def test_what_is_left_out_stays() -> None:
    rows = rows_of([CREATED]).when(fact(OrganizationDetailsChanged, name="Quay", settings={"a": 1}))
    rows.then(organizations, [{"name": "Quay", "slug": "harbour", "settings": {"a": 1}, "stream_version": 2}])
    rows.when(fact(OrganizationBillingChanged, billing=BILLING, billing_info={"vat": "2"}))
    rows.then(organizations, [{"billing_info": {"vat": "2"}, "name": "Quay"}])


def test_a_suspension_is_seen_in_the_row_and_in_the_history() -> None:
    rows = rows_of([CREATED]).when(fact(OrganizationSuspended, reason="unpaid")).then(organizations, [{"status": "suspended"}])
    rows.when(fact(OrganizationResumed)).then(organizations, [{"status": "active"}])
    rows.then(
        status_changes,
        [
            {"entity": "organization", "entity_id": ORG, "from_status": None, "to_status": "active"},
            {"from_status": "active", "to_status": "suspended", "reason": "unpaid", "at": NOW},
            {"from_status": "suspended", "to_status": "active"},
        ],
    )


def test_a_user_is_a_row_with_money_in_major_units() -> None:
    rows_of([CREATED, ADDED]).then(
        users,
        [
            {
                "id": GRACE,
                "organization_id": ORG,
                "person": GRACE_PERSON,
                "email": "grace@harbour.example",
                "full_name": "Grace Quay",
                "role": "producer",
                "permissions": ["persons.erase"],
                "skills": ["sound"],
                "hourly_rate": Decimal("45.50"),
                "currency": "EUR",
                "status": "active",
                "stream_version": 2,
            }
        ],
    )


def test_a_users_row_follows_the_user() -> None:
    rows = rows_of([CREATED, ADDED]).when(fact(UserRoleChanged, user_id=GRACE, from_role="producer", role="member"))
    rows.then(users, [{"role": "member", "permissions": [], "stream_version": 3}])
    rows.when(fact(UserDeactivated, user_id=GRACE)).then(users, [{"status": "deactivated", "role": "member"}])
    rows.when(fact(UserReactivated, user_id=GRACE)).then(users, [{"status": "active"}])
    rows.then(organizations, [{"stream_version": 1}])


def test_a5_an_erased_person_is_null_and_the_facts_stay() -> None:
    rows = rows_of([CREATED, ADDED]).when(fact(PersonErased, of=GRACE_PERSON))
    rows.then(users, [{"email": None, "full_name": None, "phone": None, "avatar_url": None, "role": "producer", "skills": ["sound"]}])
    rows.then(organizations, [{"billing_info": {"vat": "1"}}])


def test_o9_a_key_is_a_row_without_its_secret() -> None:
    rows = rows_of([CREATED, ADDED, ISSUED])
    rows.then(api_keys, [{"name": "Door", "prefix": "sbk_x", "hash": "ff", "scopes": ["data.read"], "user_id": GRACE, "revoked_at": None}])
    later = NOW + timedelta(hours=1)
    rows.when(fact(ApiKeyRevoked, of=KEY), at=later).then(api_keys, [{"revoked_at": later, "updated_at": later, "stream_version": 2}])


def test_a_state_change_names_the_user_who_made_it() -> None:
    rows = rows_of([CREATED, ADDED]).when(fact(UserDeactivated, user_id=GRACE), actor=f"user:{GRACE}")
    rows.then(status_changes, [{"actor_id": None}, {"actor_id": None}, {"entity": "user", "entity_id": GRACE, "actor_id": GRACE}])


def test_o4_with_an_organization_every_row_goes() -> None:
    rows = rows_of([CREATED, ADDED, ISSUED]).when(fact(OrganizationDeleted))
    assert not any(rows.tables.values())
