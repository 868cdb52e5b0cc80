"""API keys: issue and revoke."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from application.access import BeyondOwnPermissions, UnknownPermission, require_grantable, require_known
from application.fields import Id, Label, Name
from application.registry import Command, Reply, command
from application.unit import Unit
from domain.organizations.api_key import EVERYTHING, ApiKey, key_text
from domain.organizations.organization import Organization, UserIsDeactivated
from domain.refusals import Invalid


class UserRequired(Invalid, pointer="/user_id"):
    """Name the user for whom the key acts."""


class IssueApiKey(Command, frozen=True, kw_only=True):
    """Make a key for a user."""

    name: Name
    scopes: Annotated[tuple[Label, ...], Meta(min_length=1, max_length=100)] = (EVERYTHING,)
    user_id: Id | None = None
    """By default the sender."""


class RevokeApiKey(Command, frozen=True, kw_only=True):
    """Let a key open nothing any more."""

    key_id: Id


@command(
    "POST /api-keys",
    permission="api_keys.manage",
    status=201,
    rules="O3 O9",
    refusals=(BeyondOwnPermissions, UnknownPermission, UserIsDeactivated, UserRequired),
    example={"name": "Box office tablet", "scopes": ["orders.create", "check_ins.create"]},
    secrets=("key",),
)
def issue_api_key(command: IssueApiKey, unit: Unit) -> Reply:
    """Issue an API key.

    The answer shows it once, as `key`. It acts for a user, with that user's permissions as far as `scopes`
    admit them (`*`: all). Nobody issues a key that may do what they may not.
    """
    user_id = command.user_id or unit.principal.user_id
    if user_id is None:
        raise UserRequired
    user = unit.get(Organization, unit.organization_id).user(user_id)
    if not user.active:
        raise UserIsDeactivated
    require_known([scope for scope in command.scopes if scope != EVERYTHING])
    require_grantable(unit, user.role, user.permissions, command.scopes)
    key, text = issue_key(unit, user_id=user_id, name=command.name, scopes=command.scopes)
    return Reply(id=key.id, version=key.version, collection="api_keys", secrets={"key": text})


@command("POST /api-keys/{key_id}/revoke", permission="api_keys.manage", rules="O9")
def revoke_api_key(command: RevokeApiKey, unit: Unit) -> Reply:
    """Revoke an API key; this binds the next request."""
    key = unit.get(ApiKey, command.key_id)
    unit.match(key.version)
    key.revoke(now=unit.now)
    return Reply(id=key.id, version=key.version, collection="api_keys")


def issue_key(unit: Unit, *, user_id: UUID, name: str, scopes: tuple[str, ...]) -> tuple[ApiKey, str]:
    """A new key and the text that its holder gets, once (O9)."""
    secret = unit.secret()
    key = ApiKey.issue(
        id=unit.new_id(),
        organization_id=unit.organization_id,
        secret=secret,
        name=name,
        scopes=scopes,
        user_id=user_id,
        created_by=unit.principal.user_id,
        now=unit.now,
    )
    unit.add(key)
    return key, key_text(key.id, secret)
