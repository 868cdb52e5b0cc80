"""What the bus keeps in memory: aggregates as the log has them, organizations' secrets, persons' current keys."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from typing import Generic, TypeVar
from uuid import UUID

from application.ports import Codec, PersonKey, Record
from application.unit import NotLoaded
from domain.aggregate import Aggregate, DomainEvent

K = TypeVar("K")
V = TypeVar("V")


class _Recent(Generic[K, V]):
    """A mapping of bounded size that forgets, in one go, what was not used while as much again came in.

    Two plain dictionaries: what is used moves to the young one; when that is full, it becomes the old one and the old one goes.
    A hit costs one look-up, where an ordered dictionary would pay for its order at every read.
    """

    def __init__(self, size: int) -> None:
        self._half = max(1, size // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def __contains__(self, key: K) -> bool:
        return key in self._young or key in self._old

    def __getitem__(self, key: K) -> V:
        try:
            return self._young[key]
        except KeyError:
            value = self._old.pop(key)
            self[key] = value
            return value

    def __setitem__(self, key: K, value: V) -> None:
        self._old.pop(key, None)
        self._young[key] = value
        if len(self._young) > self._half:
            self._old, self._young = self._young, {}

    def peek(self, key: K) -> V | None:
        """The value without counting as use."""
        value = self._young.get(key)
        return value if value is not None else self._old.get(key)

    def pop(self, key: K) -> None:
        """Forget this one, if it is here."""
        self._young.pop(key, None)
        self._old.pop(key, None)

    def clear(self) -> None:
        """Forget all."""
        self._young.clear()
        self._old.clear()

    def items(self) -> list[tuple[K, V]]:
        """All that is here."""
        return [*self._old.items(), *self._young.items()]


class Cache:
    """Committed state only: what a batch decides stays in the batch until its append has committed.

    Cached aggregates are never changed in place; a newer one replaces the older.
    """

    def __init__(self, codec: Codec, size: int = 50_000) -> None:
        self._codec = codec
        self._aggregates: _Recent[UUID, Aggregate | None] = _Recent(size)
        self._secrets: dict[UUID, bytes] = {}
        self._persons: _Recent[tuple[UUID, bytes], PersonKey] = _Recent(size)
        self._subjects: dict[UUID, tuple[UUID, bytes]] = {}
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._aggregates)

    def __contains__(self, stream_id: UUID) -> bool:
        return stream_id in self._aggregates

    def aggregate(self, stream_id: UUID) -> Aggregate | None:
        """The aggregate, None when the stream is known not to exist. Raises NotLoaded."""
        try:
            found = self._aggregates[stream_id]
        except KeyError:
            self.misses += 1
            raise NotLoaded(stream=stream_id) from None
        self.hits += 1
        return found

    @property
    def persons(self) -> int:
        """Persons whose current key is here."""
        return len(self._persons)

    def peek(self, stream_id: UUID) -> Aggregate | None:
        """The cached aggregate, None when absent or not cached: where loading goes on from."""
        return self._aggregates.peek(stream_id)

    def put(self, stream_id: UUID, aggregate: Aggregate | None) -> None:
        """Take in what the log has, unless something newer is here already. None: the stream does not exist."""
        present = self._aggregates.peek(stream_id)
        if present is None or (aggregate is not None and aggregate.version > present.version):
            self._aggregates[stream_id] = aggregate

    def drop_persons(self, stream_ids: Iterable[UUID]) -> None:
        """These streams moved; where one is the erasure of a person, that person's key is no longer current."""
        for stream_id in stream_ids:
            self._forget_person(stream_id)

    def apply(self, record: Record) -> None:
        """A record of another process, in log order: bring the cached aggregate up to it, if there is one."""
        cached = self._aggregates.peek(record.stream_id)
        if cached is None:
            self._aggregates.pop(record.stream_id)
        elif record.version == cached.version + 1:
            self._aggregates[record.stream_id] = fold(cached.fork(), [self._codec.decode(record)])
        elif record.version > cached.version:
            self._aggregates.pop(record.stream_id)

    def erase(self, key_ids: Iterable[UUID]) -> None:
        """Persons were erased: drop their keys, and every aggregate that may hold what was sealed under them."""
        gone = set(key_ids)
        if not gone:
            return
        self._codec.forget(gone)
        for key_id in gone:
            self._forget_person(key_id)
        self._aggregates.clear()

    def learn_secrets(self, secrets: Iterable[tuple[UUID, bytes]]) -> None:
        """Organizations' secrets, for digests."""
        self._secrets.update(secrets)

    def learn_persons(self, persons: Iterable[tuple[tuple[UUID, bytes], PersonKey]]) -> None:
        """Persons' current keys, for sealing."""
        for subject, key in persons:
            self._persons[subject] = key
            self._subjects[key.id] = subject
            if len(self._subjects) > 2 * len(self._persons) + 1024:
                self._subjects = {kept.id: who for who, kept in self._persons.items()}
            self._codec.learn([key])

    def digest(self, organization_id: UUID, text: str) -> bytes:
        """Keyed BLAKE2b (RFC 7693, 256 bits) of a text under the organization's secret. Raises NotLoaded."""
        secret = self._secrets.get(organization_id)
        if secret is None:
            raise NotLoaded(secret=organization_id)
        return blake2b(text.encode(), key=secret, digest_size=32).digest()

    def person_key(self, organization_id: UUID, identity: str) -> UUID:
        """The id of a person's current key. Raises NotLoaded."""
        subject = (organization_id, self.digest(organization_id, f"person:{identity}"))
        try:
            return self._persons[subject].id
        except KeyError:
            raise NotLoaded(person=subject) from None

    def _forget_person(self, key_id: UUID) -> None:
        subject = self._subjects.pop(key_id, None)
        if subject is not None:
            self._persons.pop(subject)


def fold(aggregate: Aggregate | None, events: Iterable[DomainEvent]) -> Aggregate | None:
    """Apply events in order; the first event of a stream makes the aggregate."""
    for event in events:
        aggregate = event.mutate(aggregate)
    return aggregate
