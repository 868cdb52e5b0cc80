"""Commands of users (O2, O3, O10)."""

from __future__ import annotations

from uuid import UUID

import pytest

from application.access import BeyondOwnPermissions, UnknownPermission
from application.organizations.users import AddUser, ChangeUserRole, DeactivateUser, EmailTaken, ReactivateUser
from domain.money import Money, TooManyDecimals
from domain.organizations.facts import UserAdded, UserDeactivated, UserReactivated, UserRoleChanged
from domain.organizations.organization import LastOwner, UserIsDeactivated
from domain.refusals import Forbidden, NotFound, Stale
from domain.text import InvalidEmail
from tests.support.given import ORG, Given, fact, uid
from tests.support.tenant import member, owner_of, tenant

GRACE = AddUser(email="Grace@Harbour.example", full_name="Grace Quay", role="producer")


def first_owner(world: Given) -> UUID:
    return UUID(world.reply.data["owner_id"])


def test_o10_an_address_is_unique_after_normalisation() -> None:
    world = tenant().when(GRACE)
    world.then([fact(UserAdded, of=ORG, role="producer", email="grace@harbour.example", full_name="Grace Quay")])
    world.when(AddUser(email=" GRACE@harbour.EXAMPLE", full_name="Other", role="member")).then_refused(EmailTaken)
    world.when(AddUser(email="ada@harbour.example", full_name="The owner's", role="member")).then_refused(EmailTaken)


def test_o10_one_of_two_equal_addresses_in_one_unit_is_refused() -> None:
    tenant().when(GRACE, GRACE).then_refused(EmailTaken)


def test_o10_what_is_no_address_is_refused() -> None:
    tenant().when(AddUser(email="grace@harbour", full_name="G", role="member")).then_refused(InvalidEmail)


def test_o5_an_hourly_rate_is_money() -> None:
    world = tenant().when(AddUser(email="g@harbour.example", full_name="G", role="member", hourly_rate="45.50"))
    world.then([fact(UserAdded, hourly_rate=Money(4550, "EUR"))])
    yen = AddUser(email="y@harbour.example", full_name="Y", role="member", hourly_rate="45.50", currency="JPY")
    world.when(yen).then_refused(TooManyDecimals)


def test_o2_the_last_active_owner_stays() -> None:
    world = tenant()
    owner = first_owner(world)
    world.when(DeactivateUser(user_id=owner)).then_refused(LastOwner)
    world.when(ChangeUserRole(user_id=owner, role="admin")).then_refused(LastOwner)
    world.when(ChangeUserRole(user_id=owner, role="owner")).then([])


def test_o2_of_two_owners_removed_together_none_goes() -> None:
    world = tenant()
    first = first_owner(world)
    second = world.when(AddUser(email="b@harbour.example", full_name="B", role="owner")).reply.id
    world.when(DeactivateUser(user_id=first), ChangeUserRole(user_id=second, role="member")).then_refused(LastOwner)
    world.when(DeactivateUser(user_id=first)).then([fact(UserDeactivated, user_id=first)])
    world.when(DeactivateUser(user_id=second)).then_refused(LastOwner)
    world.when(ReactivateUser(user_id=first)).then([fact(UserReactivated, user_id=first)])
    world.when(ChangeUserRole(user_id=second, role="member")).then([fact(UserRoleChanged, from_role="owner", role="member")])


def test_o2_an_inactive_owner_does_not_count() -> None:
    world = tenant()
    first = first_owner(world)
    second = world.when(AddUser(email="b@harbour.example", full_name="B", role="owner")).reply.id
    world.when(DeactivateUser(user_id=second)).when(ChangeUserRole(user_id=first, role="admin")).then_refused(LastOwner)
    world.when(ChangeUserRole(user_id=second, role="owner")).then_refused(UserIsDeactivated)


@pytest.mark.parametrize("role", ["owner", "admin"])
def test_o3_nobody_grants_a_role_beyond_their_own(role: str) -> None:
    world = tenant()
    director = member(world, "event_director", permissions=("users.manage",))
    world.by(director).when(AddUser(email="x@harbour.example", full_name="X", role=role)).then_refused(BeyondOwnPermissions)  # type: ignore[arg-type]  # a role
    world.when(AddUser(email="x@harbour.example", full_name="X", role="coordinator")).succeeded()
    world.when(ChangeUserRole(user_id=world.reply.id, role=role)).then_refused(BeyondOwnPermissions)  # type: ignore[arg-type]  # a role


def test_o3_nobody_grants_a_permission_they_lack() -> None:
    world = tenant()
    director = member(world, "event_director", permissions=("users.manage",))
    world.by(director)
    world.when(AddUser(email="x@harbour.example", full_name="X", role="member", permissions=("events.manage",))).succeeded()
    more = AddUser(email="y@harbour.example", full_name="Y", role="member", permissions=("persons.erase",))
    world.when(more).then_refused(BeyondOwnPermissions, permission="persons.erase")


def test_o3_a_key_grants_no_more_than_its_scopes() -> None:
    world = tenant()
    narrow = member(world, "admin", scopes=("users.manage", "data.read"))
    world.by(narrow).when(AddUser(email="x@harbour.example", full_name="X", role="member")).succeeded()
    world.when(AddUser(email="y@harbour.example", full_name="Y", role="producer")).then_refused(BeyondOwnPermissions)


def test_o3_an_admin_removes_no_owner() -> None:
    world = tenant()
    first = first_owner(world)
    second = world.when(AddUser(email="b@harbour.example", full_name="B", role="owner")).reply.id
    world.by(member(world, "admin"))
    world.when(DeactivateUser(user_id=first)).then_refused(BeyondOwnPermissions)
    world.when(ChangeUserRole(user_id=second, role="member")).then_refused(BeyondOwnPermissions)


def test_o3_an_owner_grants_every_role() -> None:
    world = tenant()
    owner = owner_of(world)
    world.by(owner).when(AddUser(email="b@harbour.example", full_name="B", role="owner")).succeeded()


def test_a_permission_that_does_not_exist_is_refused() -> None:
    tenant().when(AddUser(email="b@harbour.example", full_name="B", role="member", permissions=("fly",))).then_refused(UnknownPermission)


def test_a_member_manages_no_users() -> None:
    world = tenant()
    world.by(member(world, "member")).when(GRACE).then_refused(Forbidden, permission="users.manage")


def test_the_version_is_the_users_own() -> None:
    world = tenant()
    grace = world.when(GRACE).reply
    world.when(AddUser(email="other@harbour.example", full_name="O", role="member")).succeeded()
    world.when(ChangeUserRole(user_id=grace.id, role="member"), if_match=grace.version).succeeded()
    assert world.reply.version > grace.version
    world.when(DeactivateUser(user_id=grace.id), if_match=grace.version).then_refused(Stale)


def test_o1_a_user_of_nobody_is_not_found() -> None:
    tenant().when(DeactivateUser(user_id=uid(99))).then_refused(NotFound)
