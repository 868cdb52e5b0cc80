"""ApiKey: a secret that acts for a user."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Self
from uuid import UUID

from domain.aggregate import Aggregate, Created, DomainEvent

EVERYTHING = "*"
"""The scope of a key that may do whatever its user may."""


class ApiKeyIssued(Created):
    """A key was shown to somebody, once (O9)."""

    type_name = "api_key.issued"
    name: str
    prefix: str
    sha256: str
    """Hex digest of the secret, which has 256 bits of its own: no salt, no stretching needed."""
    scopes: tuple[str, ...]
    user_id: UUID
    created_by: UUID | None = None


class ApiKeyRevoked(DomainEvent):
    """The key opens nothing from here on."""

    type_name = "api_key.revoked"

    def apply(self, aggregate: ApiKey) -> None:
        aggregate.revoked = True


class ApiKey(Aggregate):
    """A credential: shown once, stored hashed, scoped, revocable (O9)."""

    stream_type = "api_key"

    sha256: str
    scopes: tuple[str, ...]
    user_id: UUID
    revoked: bool = False

    @classmethod
    def issue(
        cls,
        *,
        id: UUID,  # noqa: A002  # the field's name
        organization_id: UUID,
        secret: str,
        name: str,
        scopes: tuple[str, ...],
        user_id: UUID,
        created_by: UUID | None,
        now: datetime,
    ) -> Self:
        """A key for a user. Only the hash of `secret` is kept; `key_text` is what its holder gets."""
        return cls.begin(
            ApiKeyIssued,
            id=id,
            organization_id=organization_id,
            now=now,
            name=name,
            prefix=_prefix(id),
            sha256=_hash(secret),
            scopes=scopes,
            user_id=user_id,
            created_by=created_by,
        )

    def revoke(self, *, now: datetime) -> None:
        """Bind the next request already (O9). Twice is once."""
        if not self.revoked:
            self.trigger(ApiKeyRevoked, now=now)

    def admits(self, permission: str) -> bool:
        """Whether the key's scopes reach as far as this permission."""
        return EVERYTHING in self.scopes or permission in self.scopes

    def opens_with(self, secret: str) -> bool:
        """Whether this is the key's secret and the key is not revoked; takes the same time whatever the secret."""
        return compare_digest(_hash(secret), self.sha256) and not self.revoked


def key_text(id: UUID, secret: str) -> str:  # noqa: A002  # the field's name
    """The text that a client sends: `sbk_<key id>_<secret>`."""
    return f"{_prefix(id)}_{secret}"


def _prefix(id: UUID) -> str:  # noqa: A002  # the field's name
    return f"sbk_{id.hex}"


def _hash(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
