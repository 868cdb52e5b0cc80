"""From the Authorization header to a principal. What the principal may do is decided in the unit, by the access hook."""

from __future__ import annotations

import re
from hashlib import sha256
from hmac import compare_digest
from typing import NamedTuple
from uuid import UUID

from application.bus.port import CommandBus
from application.principal import PLATFORM, Principal
from application.unit import Unit
from domain.organizations.api_key import ApiKey
from domain.refusals import Unauthenticated

_KEY = re.compile(rb"(?i:bearer) +sbk_([0-9a-f]{32})_([!-~]{1,200})")
_PLATFORM_KEY = re.compile(rb"(?i:bearer) +(sbp_[!-~]{1,200})")

REMEMBERED = 10_000
"""Keys whose facts a process remembers."""


class KeyFacts(NamedTuple):
    """What never changes about a key, so that it may be remembered. Whether it is revoked is not among it (O9)."""

    sha256: str
    principal: Principal


class Credentials:
    """Checks the credentials of requests: API keys `sbk_<key id>_<secret>` and the platform key `sbp_<secret>`."""

    def __init__(self, bus: CommandBus, *, platform_key_sha256: str) -> None:
        """`platform_key_sha256` is the hash, in hex, of the whole platform key; empty: there is no platform key."""
        self._bus = bus
        self._platform_key_sha256 = platform_key_sha256
        self._known: dict[UUID, KeyFacts] = {}

    async def principal(self, authorization: bytes | None) -> Principal:
        """Whose secret this is. Raises `Unauthenticated`, always the same, whatever was wrong."""
        match = _KEY.fullmatch(authorization or b"")
        if match is None:
            return self._platform(authorization or b"")
        facts = await self._facts(UUID(match[1].decode()))
        if facts is None or not compare_digest(sha256(match[2]).hexdigest(), facts.sha256):
            raise Unauthenticated
        return facts.principal

    def _platform(self, authorization: bytes) -> Principal:
        match = _PLATFORM_KEY.fullmatch(authorization)
        if match is None or not compare_digest(sha256(match[1]).hexdigest(), self._platform_key_sha256):
            raise Unauthenticated
        return PLATFORM

    async def _facts(self, key_id: UUID) -> KeyFacts | None:
        facts = self._known.pop(key_id, None)
        if facts is None:
            facts = await self._bus.ask(Principal(key_id=key_id), lambda unit: key_facts(unit, key_id))
            if facts is None:
                return None
            if len(self._known) >= REMEMBERED:
                del self._known[next(iter(self._known))]
        self._known[key_id] = facts  # at the end: the one that was used longest ago goes first
        return facts


def key_facts(unit: Unit, key_id: UUID) -> KeyFacts | None:
    """The question to the bus: an API key's facts, or None where the id is no API key's."""
    key = unit.credential(ApiKey, key_id)
    if key is None:
        return None
    return KeyFacts(key.sha256, Principal(organization_id=key.organization_id, key_id=key.id, user_id=key.user_id))
