"""The secrets of organizations and persons in PostgreSQL, wrapped under the master key of the installation."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from typing import Final, Self
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from application.ports import PersonKey
from infrastructure.faults import Fault
from infrastructure.postgres.pool import APPENDER, Connection, Pool, close_pool, open_pool, reachable

_SECRET_BYTES: Final = 32
_NONCE_BYTES: Final = 12

_ORGANIZATIONS: Final = "select organization_id, wrapped from log.organization_secrets where organization_id = any ($1::uuid[])"

_ADD_ORGANIZATIONS: Final = """
insert into log.organization_secrets (organization_id, wrapped)
select * from unnest($1::uuid[], $2::bytea[])
on conflict do nothing
"""

_PERSONS: Final = "select id, organization_id, wrapped from log.person_keys where id = any ($1::uuid[])"

_CURRENT_PERSONS: Final = """
select p.id, p.organization_id, p.subject, p.wrapped
from unnest($1::uuid[], $2::bytea[]) as asked (organization_id, subject)
join log.person_keys as p on p.organization_id = asked.organization_id and p.subject = asked.subject
"""

_ADD_PERSONS: Final = """
insert into log.person_keys (organization_id, subject, id, wrapped)
select * from unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::bytea[])
on conflict do nothing
"""

_Subject = tuple[UUID, bytes]


class WrongMasterKey(Fault):
    """A stored secret cannot be unwrapped: it was wrapped under another master key, or changed."""


class PostgresKeys:
    """`application.ports.KeyStore` on PostgreSQL. Raises `Unavailable` while the server cannot be reached.

    An organization's secret is wrapped under the master key, a person's under a key derived from the organization's
    secret: a copy of the database without the master key shows nobody's data. What does not unwrap is `WrongMasterKey`.
    """

    def __init__(self, pool: Pool, master: _Wrap) -> None:
        self._pool = pool
        self._master = master

    @classmethod
    async def open(cls, url: str, master_key: bytes, *, connections: int = 2) -> Self:
        """Connect to a migrated database. The master key is 32 random bytes."""
        master = _Wrap(master_key, b"organization")
        return cls(await open_pool(url, role=APPENDER, max_size=connections), master)

    async def close(self) -> None:
        """Give back all connections."""
        await close_pool(self._pool)

    async def organization_secrets(self, organizations: Collection[UUID]) -> Mapping[UUID, bytes]:
        """See the port."""
        with reachable():
            async with self._pool.acquire() as connection:
                return await self._organizations(connection, set(organizations))

    async def current_person_keys(self, subjects: Collection[_Subject]) -> Mapping[_Subject, PersonKey]:
        """See the port."""
        with reachable():
            async with self._pool.acquire() as connection:
                wraps = await self._person_wraps(connection, {organization for organization, _ in subjects})
                found = await _current_persons(connection, subjects, wraps)
                # A second round only when a key is erased between the insert that left it alone and the look at it.
                while missing := set(subjects) - found.keys():
                    await _add_persons(connection, sorted(missing), wraps)
                    found |= await _current_persons(connection, missing, wraps)
                return found

    async def person_secrets(self, key_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
        """See the port."""
        with reachable():
            async with self._pool.acquire() as connection:
                rows = await connection.fetch(_PERSONS, key_ids)
                wraps = await self._person_wraps(connection, {organization for _, organization, _ in rows})
                return {key_id: wraps[organization].open(key_id, wrapped) for key_id, organization, wrapped in rows}

    async def _person_wraps(self, connection: Connection, organizations: set[UUID]) -> dict[UUID, _Wrap]:
        found = await self._organizations(connection, organizations)
        keys = {organization: hmac.digest(secret, b"stagebook person keys", "sha256") for organization, secret in found.items()}
        return {organization: _Wrap(key, b"person") for organization, key in keys.items()}

    async def _organizations(self, connection: Connection, organizations: set[UUID]) -> dict[UUID, bytes]:
        found = await _wrapped(connection, organizations)
        missing = sorted(organizations - found.keys())
        if missing:
            # Committed by itself; where another process was faster, its secret is the one that is read back.
            made = [self._master.close(organization, secrets.token_bytes(_SECRET_BYTES)) for organization in missing]
            await connection.execute(_ADD_ORGANIZATIONS, missing, made)
            found |= await _wrapped(connection, missing)
        return {organization: self._master.open(organization, wrapped) for organization, wrapped in found.items()}


async def _wrapped(connection: Connection, organizations: Collection[UUID]) -> dict[UUID, bytes]:
    return {row["organization_id"]: row["wrapped"] for row in await connection.fetch(_ORGANIZATIONS, organizations)}


async def _current_persons(
    connection: Connection, subjects: Collection[_Subject], wraps: Mapping[UUID, _Wrap]
) -> dict[_Subject, PersonKey]:
    rows = await connection.fetch(_CURRENT_PERSONS, *_columns(subjects))
    return {(home, subject): PersonKey(key_id, wraps[home].open(key_id, wrapped)) for key_id, home, subject, wrapped in rows}


async def _add_persons(connection: Connection, subjects: Collection[_Subject], wraps: Mapping[UUID, _Wrap]) -> None:
    """Committed by itself. In sorted order, so that two processes that add the same persons cannot block each other."""
    ids = [uuid4() for _ in subjects]
    made = zip(ids, (organization for organization, _ in subjects), strict=True)
    wrapped = [wraps[organization].close(key_id, secrets.token_bytes(_SECRET_BYTES)) for key_id, organization in made]
    await connection.execute(_ADD_PERSONS, *_columns(subjects), ids, wrapped)


def _columns(subjects: Collection[_Subject]) -> tuple[list[UUID], list[bytes]]:
    return [organization for organization, _ in subjects], [subject for _, subject in subjects]


class _Wrap:
    """Wraps secrets under a key with AES-256-GCM-SIV (RFC 8452), bound to the id that each belongs to."""

    def __init__(self, key: bytes, label: bytes) -> None:
        if len(key) != _SECRET_BYTES:
            msg = f"a wrapping key has {_SECRET_BYTES} bytes, not {len(key)}"
            raise ValueError(msg)
        self._cipher = AESGCMSIV(key)
        self._label = label

    def close(self, owner: UUID, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, secret, self._label + owner.bytes)

    def open(self, owner: UUID, wrapped: bytes) -> bytes:
        nonce, box = wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, box, self._label + owner.bytes)
        except InvalidTag:
            msg = f"the secret of {self._label.decode()} {owner} cannot be unwrapped: another master key, or changed"
            raise WrongMasterKey(msg) from None
