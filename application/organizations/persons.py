"""Persons: erase somebody's data."""

from __future__ import annotations

from application.access import BeyondOwnPermissions, require_grantable
from application.fields import Email
from application.organizations.users import USER_EMAILS
from application.registry import Command, Reply, command
from application.unit import Unit
from domain.organizations.organization import LastOwner, Organization
from domain.organizations.person import Person
from domain.text import InvalidEmail, normalised_email


class ErasePerson(Command, frozen=True, kw_only=True):
    """Erase the data of the person with this address."""

    email: Email


@command(
    "POST /persons/erase",
    permission="persons.erase",
    rules="A5 O2 O3",
    refusals=(InvalidEmail, LastOwner, BeyondOwnPermissions),
    example={"email": "grace@harbour.example"},
)
def erase_person(command: ErasePerson, unit: Unit) -> Reply:
    """Erase the personal data of a customer or user.

    Their key is deleted: the data is unreadable everywhere, every hash stays valid. A user who is erased is
    deactivated, and their address is free again. Whoever comes back is somebody new.
    """
    email = normalised_email(command.email)
    key_id = unit.person(email)
    organization = unit.get(Organization, unit.organization_id)
    for user_id in organization.users_of(key_id):
        user = organization.user(user_id)
        require_grantable(unit, user.role, user.permissions)
        organization.deactivate_user(user_id, now=unit.now)
        unit.release(USER_EMAILS, email, user_id)
    person = unit.find(Person, key_id)
    if person is None:
        person = Person.erase(key_id=key_id, organization_id=unit.organization_id, now=unit.now)
        unit.add(person)
        unit.erase(key_id)
    return Reply(id=key_id, version=person.version, collection=None)
