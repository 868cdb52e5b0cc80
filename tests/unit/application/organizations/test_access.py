"""Who may do what (O3, O9)."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

import application.catalog  # noqa: F401  # every command
from application.access import PERMISSIONS, PERMISSIONS_OF_ROLE, PLATFORM_PERMISSION, BeyondOwnPermissions, UnknownPermission
from application.organizations.api_keys import IssueApiKey, RevokeApiKey, UserRequired
from application.organizations.organizations import DeleteOrganization, SuspendOrganization, UpdateOrganization
from application.organizations.users import AddUser, DeactivateUser
from application.principal import PLATFORM, Principal
from application.registry import COMMANDS
from domain.organizations.api_key import ApiKey, ApiKeyIssued, ApiKeyRevoked
from domain.organizations.facts import Role
from domain.organizations.organization import UserIsDeactivated
from domain.refusals import Forbidden, NotFound, Unauthenticated
from tests.support.given import ORG, SYSTEM, fact, uid
from tests.support.tenant import FOUND, member, owner_of, tenant

RENAME = UpdateOrganization(organization_id=ORG, name="New")


def test_every_role_has_its_line_in_the_table() -> None:
    assert set(PERMISSIONS_OF_ROLE) == set(get_args(Role))
    assert PERMISSIONS_OF_ROLE["owner"] == PERMISSIONS


def test_every_command_asks_for_a_permission_that_somebody_has() -> None:
    assert {spec.permission for spec in COMMANDS.values()} <= PERMISSIONS | {PLATFORM_PERMISSION}


def test_the_platform_makes_organizations_and_nothing_else() -> None:
    world = tenant().by(PLATFORM)
    world.when(RENAME).then_refused(Forbidden, permission="organization.manage")
    world.when(DeleteOrganization(organization_id=ORG)).then_refused(Forbidden)
    world.when(msgspec.structs.replace(FOUND, id=uid(2))).succeeded()


def test_an_owner_is_not_the_platform() -> None:
    world = tenant()
    owner = owner_of(world)
    world.by(owner).when(SuspendOrganization(organization_id=ORG, reason="x")).then_refused(Forbidden, permission="platform")
    world.when(RENAME).succeeded()


def test_a_role_without_the_permission_is_refused() -> None:
    world = tenant()
    world.by(member(world, "producer")).when(RENAME).then_refused(Forbidden, permission="organization.manage")


def test_a_permission_granted_beyond_the_role_counts() -> None:
    world = tenant()
    world.by(member(world, "producer", permissions=("organization.manage",))).when(RENAME).succeeded()


def test_scopes_narrow_a_key() -> None:
    world = tenant()
    world.by(member(world, "admin", scopes=("users.manage",)))
    world.when(RENAME).then_refused(Forbidden, permission="organization.manage")


def test_scopes_widen_nothing() -> None:
    world = tenant()
    world.by(member(world, "member", scopes=("organization.manage",)))
    world.when(RENAME).then_refused(Forbidden, permission="organization.manage")


def test_o9_a_revocation_binds_the_next_request() -> None:
    world = tenant()
    admin = member(world, "admin")
    assert admin.key_id is not None
    world.when(RevokeApiKey(key_id=admin.key_id)).then([fact(ApiKeyRevoked, of=admin.key_id)])
    world.when(RevokeApiKey(key_id=admin.key_id)).then([])
    world.by(admin).when(RENAME).then_refused(Unauthenticated)


def test_o9_a_key_stops_with_its_user() -> None:
    world = tenant()
    admin = member(world, "admin")
    assert admin.user_id is not None
    world.when(DeactivateUser(user_id=admin.user_id)).by(admin).when(RENAME).then_refused(Unauthenticated)


def test_o9_a_key_stops_with_its_organization() -> None:
    world = tenant()
    owner = owner_of(world)
    world.by(owner).when(DeleteOrganization(organization_id=ORG)).succeeded()
    world.when(RENAME).then_refused(Unauthenticated)


@pytest.mark.parametrize(
    "stranger",
    [
        Principal(organization_id=ORG, key_id=uid(404)),
        Principal(organization_id=ORG),
        Principal(organization_id=ORG, key_id=ORG),
    ],
)
def test_without_a_live_key_nobody_is_let_in(stranger: Principal) -> None:
    tenant().by(stranger).when(RENAME).then_refused(Unauthenticated)


def test_o1_a_key_opens_its_own_organization_only() -> None:
    world = tenant()
    owner = owner_of(world)
    world.by(PLATFORM).when(msgspec.structs.replace(FOUND, id=uid(2))).succeeded()
    world.by(msgspec.structs.replace(owner, organization_id=uid(2))).when(RENAME).then_refused(Unauthenticated)


def test_o9_a_key_is_shown_once_and_stored_hashed() -> None:
    world = tenant()
    owner = owner_of(world)
    world.by(owner).when(IssueApiKey(name="Door", scopes=("check_ins.create",)))
    world.then([fact(ApiKeyIssued, name="Door", scopes=("check_ins.create",), user_id=owner.user_id, created_by=owner.user_id)])
    text = world.reply.secrets["key"]
    key = world.get(ApiKey, world.reply.id)
    assert text == f"sbk_{key.id.hex}_{text.split('_', 2)[2]}"
    assert text.split("_", 2)[2] not in repr(world.events)
    assert text not in repr(world.reply.data)
    again = world.when(IssueApiKey(name="Door", scopes=("check_ins.create",))).reply.secrets["key"]
    assert again != text, "each key has a secret of its own"
    world.when(IssueApiKey(name="One"), IssueApiKey(name="Two"))
    one, two = (reply.secrets["key"].split("_", 2)[2] for reply in world.replies)
    assert one != two, "also when they are issued together"


def test_o3_nobody_issues_a_key_that_may_do_what_they_may_not() -> None:
    world = tenant()
    owner = owner_of(world)
    admin = member(world, "admin")
    world.by(admin).when(IssueApiKey(name="Mine", user_id=owner.user_id)).then_refused(
        BeyondOwnPermissions, permission="organization.delete"
    )
    world.when(IssueApiKey(name="Narrow", user_id=owner.user_id, scopes=("data.read",))).succeeded()
    world.when(IssueApiKey(name="Own")).succeeded()


def test_a_key_needs_an_active_user_and_known_scopes() -> None:
    world = tenant()
    world.when(IssueApiKey(name="Nobody's")).then_refused(UserRequired)
    world.when(IssueApiKey(name="Nobody's", user_id=uid(5))).then_refused(NotFound)
    grace = world.when(AddUser(email="g@harbour.example", full_name="G", role="member")).reply.id
    world.when(IssueApiKey(name="Odd", user_id=grace, scopes=("fly",))).then_refused(UnknownPermission)
    world.when(DeactivateUser(user_id=grace)).when(IssueApiKey(name="Late", user_id=grace)).then_refused(UserIsDeactivated)


def test_the_system_may_do_everything_inside_one_organization() -> None:
    tenant().by(SYSTEM).when(RENAME).succeeded()
