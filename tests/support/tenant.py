"""A tenant to test in: an organization made by the platform, its owner, and users with keys."""

from __future__ import annotations

from uuid import UUID

from application.organizations.api_keys import IssueApiKey
from application.organizations.organizations import CreateOrganization
from application.organizations.users import AddUser
from application.principal import PLATFORM, Principal
from domain.organizations.facts import Role
from tests.support.given import ORG, SYSTEM, Given, given

FOUND = CreateOrganization(
    id=ORG, name="Harbour Stage", default_currency="EUR", timezone="Europe/Berlin", owner_email="ada@harbour.example", owner_name="Ada"
)


def tenant() -> Given:
    """The organization ORG, and the system as its principal."""
    return given([FOUND], principal=PLATFORM).by(SYSTEM)


def owner_of(founded: Given) -> Principal:
    """The principal of the owner's key, directly after `FOUND`."""
    data = founded.reply.data
    return Principal(organization_id=ORG, key_id=UUID(data["owner_key_id"]), user_id=UUID(data["owner_id"]))


def member(world: Given, role: Role, *, permissions: tuple[str, ...] = (), scopes: tuple[str, ...] = ("*",)) -> Principal:
    """One more user with a key; the world's principal stays the system."""
    number = len(world.state.aggregates)
    user_id = (
        world.by(SYSTEM).when(AddUser(email=f"{role}{number}@harbour.example", full_name=role, role=role, permissions=permissions)).reply.id
    )
    key_id = world.when(IssueApiKey(name="Key", user_id=user_id, scopes=scopes)).reply.id
    return Principal(organization_id=ORG, key_id=key_id, user_id=user_id)
