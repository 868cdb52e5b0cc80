"""Erasing persons (A5)."""

from __future__ import annotations

from uuid import UUID

from application.access import BeyondOwnPermissions
from application.organizations.persons import ErasePerson
from application.organizations.users import AddUser, ReactivateUser
from domain.organizations.facts import UserAdded, UserDeactivated
from domain.organizations.organization import LastOwner
from domain.organizations.person import PersonErased
from domain.refusals import NotFound
from tests.support.given import ORG, fact
from tests.support.tenant import member, tenant

GRACE = AddUser(email="grace@harbour.example", full_name="Grace Quay", role="producer")


def test_a5_a_customer_is_erased_by_address() -> None:
    world = tenant()
    key = world.state.person_key(ORG, "fan@mail.example")
    world.when(ErasePerson(email=" Fan@Mail.example ")).then([fact(PersonErased, of=key)])
    assert world.state.erased == {key}
    assert world.reply.collection is None, "there is no table of persons to read"
    assert world.state.person_key(ORG, "fan@mail.example") != key, "who comes back is somebody new"


def test_a5_a_user_who_is_erased_is_shut_out_and_their_address_is_free() -> None:
    world = tenant()
    grace = world.when(GRACE).reply.id
    key = world.state.person_key(ORG, "grace@harbour.example")
    world.when(ErasePerson(email="grace@harbour.example"))
    world.then([fact(PersonErased, of=key), fact(UserDeactivated, user_id=grace)])
    world.when(ReactivateUser(user_id=grace)).then_refused(NotFound)
    world.when(GRACE).then([UserAdded])
    assert world.reply.id != grace


def test_a5_nothing_of_the_address_is_recorded() -> None:
    world = tenant().when(ErasePerson(email="fan@mail.example"))
    assert "fan" not in repr(world.events) + repr(world.reply)


def test_o2_the_last_owner_is_not_erased() -> None:
    world = tenant().when(ErasePerson(email="ada@harbour.example"))
    world.then_refused(LastOwner)
    assert world.state.erased == set()


def test_o3_an_admin_erases_no_owner() -> None:
    world = tenant()
    world.when(AddUser(email="b@harbour.example", full_name="B", role="owner")).succeeded()
    world.by(member(world, "admin")).when(ErasePerson(email="b@harbour.example")).then_refused(BeyondOwnPermissions)


def test_erasing_twice_erases_two_keys() -> None:
    world = tenant()
    first = world.when(ErasePerson(email="fan@mail.example")).reply.id
    second = world.when(ErasePerson(email="fan@mail.example")).reply.id
    assert isinstance(first, UUID)
    assert first != second
