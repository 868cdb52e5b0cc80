"""What the bus keeps in memory: aggregates as the log has them, organizations' secrets, persons' current keys."""

from __future__ import annotations

import hmac
from collections import OrderedDict
from collections.abc import Iterable
from typing import TypeVar
from uuid import UUID

from application.ports import Codec, PersonKey, Record
from application.unit import NotLoaded
from domain.aggregate import Aggregate, DomainEvent

K = TypeVar("K")
V = TypeVar("V")


class _Recent(OrderedDict[K, V]):
    """A mapping that forgets what was not used for longest."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def keep(self, key: K, value: V) -> None:
        self[key] = value
        self.move_to_end(key)
        if len(self) > self._size:
            self.popitem(last=False)


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

    def __len__(self) -> int:
        return len(self._aggregates)

    def __contains__(self, stream_id: UUID) -> bool:
        return stream_id in self._aggregates

    def aggregate(self, stream_id: UUID) -> Aggregate | None:
        """The aggregate, None when the stream is known not to exist. Raises NotLoaded."""
        try:
            found = self._aggregates[stream_id]
        except KeyError:
            raise NotLoaded(stream=stream_id) from None
        self._aggregates.move_to_end(stream_id)
        return found

    def peek(self, stream_id: UUID) -> Aggregate | None:
        """The cached aggregate, None when absent or not cached: where loading goes on from."""
        return self._aggregates.get(stream_id)

    def put(self, stream_id: UUID, aggregate: Aggregate | None) -> None:
        """Take in what the log has, unless something newer is here already. None: the stream does not exist."""
        present = self._aggregates.get(stream_id)
        if present is None or (aggregate is not None and aggregate.version > present.version):
            self._aggregates.keep(stream_id, aggregate)

    def drop_persons(self, stream_ids: Iterable[UUID]) -> None:
        """These streams moved; where one is the erasure of a person, that person's key is no longer current."""
        for stream_id in stream_ids:
            self._forget_person(stream_id)

    def apply(self, record: Record) -> None:
        """A record of another process, in log order: bring the cached aggregate up to it, if there is one."""
        cached = self._aggregates.get(record.stream_id)
        if cached is None:
            self._aggregates.pop(record.stream_id, None)
        elif record.version == cached.version + 1:
            self._aggregates[record.stream_id] = fold(cached.fork(), [self._codec.decode(record)])
        elif record.version > cached.version:
            del self._aggregates[record.stream_id]

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
            self._persons.keep(subject, key)
            self._subjects[key.id] = subject
            if len(self._subjects) > 2 * len(self._persons) + 1024:
                self._subjects = {kept.id: who for who, kept in self._persons.items()}
            self._codec.learn([key])

    def digest(self, organization_id: UUID, text: str) -> bytes:
        """HMAC-SHA-256 of a text under the organization's secret. Raises NotLoaded."""
        secret = self._secrets.get(organization_id)
        if secret is None:
            raise NotLoaded(secret=organization_id)
        return hmac.digest(secret, text.encode(), "sha256")

    def person_key(self, organization_id: UUID, identity: str) -> UUID:
        """The id of a person's current key. Raises NotLoaded."""
        subject = (organization_id, self.digest(organization_id, f"person:{identity}"))
        key = self._persons.get(subject)
        if key is None:
            raise NotLoaded(person=subject)
        self._persons.move_to_end(subject)
        return key.id

    def _forget_person(self, key_id: UUID) -> None:
        subject = self._subjects.pop(key_id, None)
        if subject is not None:
            self._persons.pop(subject, None)


def fold(aggregate: Aggregate | None, events: Iterable[DomainEvent]) -> Aggregate | None:
    """Apply events in order; the first event of a stream makes the aggregate."""
    for event in events:
        aggregate = event.mutate(aggregate)
    return aggregate
