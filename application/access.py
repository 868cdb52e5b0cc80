"""Access rules: what each role may do, in one table, and the hook that the bus asks before every command."""

from __future__ import annotations

from collections.abc import Collection

from application.unit import Unit
from domain.organizations.api_key import EVERYTHING, ApiKey
from domain.organizations.facts import Role, User
from domain.organizations.organization import Organization
from domain.refusals import Forbidden, Invalid, Unauthenticated

PLATFORM_PERMISSION = "platform"
"""Making and suspending organizations: the platform's key has this permission and no other."""

_READ = frozenset({"data.read"})
_SHOP = _READ | {"orders.create"}
_DOOR = _SHOP | {"check_ins.create"}
_SALES = _DOOR | {"tickets.manage", "orders.manage"}
_FINANCE = _READ | {"orders.manage", "payments.manage", "refunds.approve", "audit.read"}
_PRODUCTION = _DOOR | {"events.manage", "venues.manage", "tickets.manage"}
_DIRECTION = _PRODUCTION | _SALES | {"events.create", "events.cancel", "events.delete", "payments.manage", "refunds.approve"}
_ADMINISTRATION = _DIRECTION | _FINANCE | {"organization.manage", "users.manage", "api_keys.manage", "persons.erase"}

PERMISSIONS_OF_ROLE: dict[Role, frozenset[str]] = {
    "owner": _ADMINISTRATION | {"organization.delete"},
    "admin": _ADMINISTRATION,
    "event_director": _DIRECTION,
    "producer": _PRODUCTION,
    "marketing_manager": _READ,
    "sales_manager": _SALES,
    "finance_manager": _FINANCE,
    "coordinator": _DOOR,
    "member": _READ,
    "auditor": _READ | {"audit.read"},
}
"""What a role may do; a user may have been granted more, a key's scopes may admit less."""

PERMISSIONS = frozenset[str]().union(*PERMISSIONS_OF_ROLE.values())
"""Every permission inside an organization; the owner has them all."""


class UnknownPermission(Invalid, pointer="/permissions"):
    """There is no permission {permission}."""


class BeyondOwnPermissions(Forbidden, rule="O3"):
    """Nobody grants what they lack: the permission {permission} is missing."""


def authorize(permission: str, unit: Unit) -> None:
    """Let the unit's principal pass, or raise `Unauthenticated` or `Forbidden`. Decided on the present state.

    What it reads becomes a precondition of the append: a revoked key, a deactivated user, a lost role bind the next
    command at once (O9).
    """
    principal = unit.principal
    if principal.system is not None:
        return
    if principal.organization_id is None:
        if permission != PLATFORM_PERMISSION:
            raise Forbidden(permission=permission)
        return
    key, user = _credential(unit)
    if not (key.admits(permission) and may(user, permission)):
        raise Forbidden(permission=permission)


def may(user: User, permission: str) -> bool:
    """Whether the user's role or a grant gives this permission."""
    return permission in PERMISSIONS_OF_ROLE[user.role] or permission in user.permissions


def require_grantable(unit: Unit, role: Role, permissions: Collection[str] = (), scopes: Collection[str] = (EVERYTHING,)) -> None:
    """O3: the principal holds itself whatever this role with these grants, narrowed to these scopes, could do.

    Raises `BeyondOwnPermissions`, `UnknownPermission`.
    """
    require_known(permissions)
    granted = PERMISSIONS_OF_ROLE[role].union(permissions)
    if EVERYTHING not in scopes:
        granted = granted.intersection(scopes)
    if unit.principal.system is not None or unit.principal.organization_id is None:
        return
    key, user = _credential(unit)
    for permission in sorted(granted):
        if not (key.admits(permission) and may(user, permission)):
            raise BeyondOwnPermissions(permission=permission)


def require_known(permissions: Collection[str]) -> None:
    """Raises `UnknownPermission` for a name that is in nobody's gift."""
    for permission in permissions:
        if permission not in PERMISSIONS:
            raise UnknownPermission(permission=permission)


def _credential(unit: Unit) -> tuple[ApiKey, User]:
    """The key that was sent and its user, both live. Raises `Unauthenticated`."""
    principal = unit.principal
    key = unit.find(ApiKey, principal.key_id) if principal.key_id is not None else None
    if key is None or key.revoked:
        raise Unauthenticated
    organization = unit.find(Organization, key.organization_id)
    user = organization.users.get(key.user_id) if organization is not None else None
    if user is None or not user.active:
        raise Unauthenticated
    return key, user
