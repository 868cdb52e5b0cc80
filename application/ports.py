"""What the application needs of the outside. `infrastructure/` provides it, the contract tests hold every provider to it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

import msgspec

from domain.aggregate import Aggregate, DomainEvent


class NewRecord(NamedTuple):
    """A domain event encoded for the log; position, organization sequence and leaf hash are given by the append."""

    organization_id: UUID
    event_id: UUID
    """Identity of the domain event itself (a UUIDv7)."""
    stream_id: UUID
    stream_type: str
    version: int
    type: str
    type_version: int
    data: bytes
    """JSON of the event's own fields; personal ones sealed."""
    meta: bytes
    """JSON of `RecordMeta`."""
    recorded_at: datetime


class Record(NamedTuple):
    """A record as it stands in the log, in the log's column order."""

    position: int
    organization_id: UUID
    organization_seq: int
    event_id: UUID
    stream_id: UUID
    stream_type: str
    version: int
    type: str
    type_version: int
    data: bytes
    meta: bytes
    recorded_at: datetime
    leaf_hash: bytes


class RecordMeta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who and why: stored with each record, never personal data in clear."""

    actor: str
    on_behalf_of: str | None = None
    command: str
    command_id: UUID
    causation_id: UUID | None = None
    """The `event_id` of the record that a policy answered, if one did."""
    correlation_id: str
    reason: str | None = None


class LedgerEntry(NamedTuple):
    """A keyed unit's line in the idempotency ledger."""

    organization_id: UUID
    key: bytes
    """Keyed hash of the idempotency key."""
    request: bytes
    """Keyed hash of the request."""
    reply: bytes
    """JSON of the list of replies, without position and without secrets."""


class KeyClaim(NamedTuple):
    """A unique key that a unit takes for `stream_id`, or gives back."""

    organization_id: UUID
    scope: str
    key: bytes
    """Keyed hash of the normalised key."""
    stream_id: UUID


class AppendUnit(NamedTuple):
    """One unit of work, decided and encoded. Without records it only asks the ledger and holds its component's preconditions."""

    records: Sequence[NewRecord]
    ledger: LedgerEntry | None
    """Looked up first; written when `writes_ledger`."""
    writes_ledger: bool
    claims: Sequence[KeyClaim]
    releases: Sequence[KeyClaim]
    erases: Sequence[UUID]
    """Person keys to delete in the same transaction."""


class Component(NamedTuple):
    """Units that commit or fail together."""

    preconditions: Mapping[UUID, int]
    """The version in the log, before this append, of every stream that the units read; 0 where it must not exist."""
    units: Sequence[AppendUnit]


class Committed(NamedTuple):
    """The component is in the log."""

    positions: Sequence[int]
    """Per unit, the position of its last record; of a unit without records, the head of the log."""


class Replayed(NamedTuple):
    """A unit's idempotency key is in the ledger already; nothing of the component was written."""

    unit: int
    request: bytes
    reply: bytes
    position: int


class Moved(NamedTuple):
    """Streams are not at the stated version; nothing of the component was written."""

    streams: Sequence[UUID]


class KeyTaken(NamedTuple):
    """A unique key belongs to another stream; nothing of the component was written."""

    unit: int
    claim: int


Verdict = Committed | Replayed | Moved | KeyTaken


class StoredSnapshot(NamedTuple):
    """The folded state of a stream at a version."""

    organization_id: UUID
    stream_id: UUID
    stream_type: str
    version: int
    state_version: str
    """Of the state's schema: a snapshot with another one is ignored."""
    state: bytes
    created_on: datetime
    modified_on: datetime


class Loaded(NamedTuple):
    """Answer of `Log.load`: streams that do not exist are absent from both."""

    snapshots: Mapping[UUID, StoredSnapshot]
    records: Sequence[Record]
    """Ordered by stream, then version; only what is later than the snapshot or the version that was named."""


class LogSession(Protocol):
    """Reading and appending, inside or outside a transaction with stream locks."""

    async def load(self, streams: Mapping[UUID, int], *, snapshots: bool = True) -> Loaded:
        """In one query: what these streams have after the given version; at 0, from the newest snapshot on if `snapshots`."""
        ...

    async def append(self, components: Sequence[Component]) -> Sequence[Verdict]:
        """Write the components in order, with gap-free positions; one verdict each. One transaction, no partial component."""
        ...


class Log(LogSession, Protocol):
    """The append-only log of records."""

    def locked(self, streams: Collection[UUID]) -> AbstractAsyncContextManager[LogSession]:
        """A transaction that holds the lock of each stream, taken in sorted order: for streams that processes contend for."""
        ...

    async def read(self, after: int, limit: int, slots: Collection[int] | None = None) -> Sequence[Record]:
        """Records with a position greater than `after`, in order."""
        ...

    async def head(self) -> int:
        """The last position; 0 when empty."""
        ...

    async def save_snapshots(self, snapshots: Sequence[StoredSnapshot]) -> None:
        """Keep these; an older one of the same stream is replaced, a newer one stays."""
        ...

    async def wait(self, after: int, timeout: float) -> bool:
        """Return when the log is known to reach beyond `after`, or after `timeout` seconds: then look anyway, news may get lost."""
        ...


class PersonKey(NamedTuple):
    """A person's current key. `id` is what events carry as the subject of personal fields."""

    id: UUID
    secret: bytes


class KeyStore(Protocol):
    """Wrapped secrets of organizations and persons."""

    async def organization_secrets(self, organizations: Collection[UUID]) -> Mapping[UUID, bytes]:
        """32 random bytes each, made at first use and the same ever after, in every process."""
        ...

    async def current_person_keys(self, subjects: Collection[tuple[UUID, bytes]]) -> Mapping[tuple[UUID, bytes], PersonKey]:
        """The current key of each (organization, keyed hash of the person), made where there is none."""
        ...

    async def person_secrets(self, key_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
        """The secrets of these keys; erased ones are absent."""
        ...


class Codec(Protocol):
    """Domain events and aggregate state to bytes and back. Synchronous: the keys it needs must be in its keyring before."""

    def encode(self, event: DomainEvent, event_id: UUID) -> bytes:
        """The event's own fields as JSON, personal ones sealed under their person's key and bound to `event_id`."""
        ...

    def decode(self, record: Record) -> DomainEvent:
        """The event, upcast to its present version; personal fields of erased persons read None."""
        ...

    def encode_snapshot(self, aggregate: Aggregate) -> StoredSnapshot:
        """The aggregate's state, personal attributes sealed."""
        ...

    def decode_snapshot(self, snapshot: StoredSnapshot) -> Aggregate | None:
        """The aggregate, or None when the snapshot is of another state version."""
        ...

    async def prepare(self, sources: Iterable[Record | StoredSnapshot | Aggregate]) -> None:
        """Fetch into the keyring the person keys that decoding these, or taking snapshots of these, will need."""
        ...

    async def fetch(self, key_ids: Iterable[UUID]) -> None:
        """Fetch these person keys into the keyring; the erased ones become known as erased."""
        ...

    def learn(self, keys: Iterable[PersonKey]) -> None:
        """Put keys into the keyring."""
        ...

    def forget(self, key_ids: Iterable[UUID]) -> None:
        """Drop erased keys from the keyring."""
        ...
