"""In-memory providers of the application's ports: for unit tests, and held to the same contract as the real ones."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID, uuid4

from application.ports import (
    AppendUnit,
    Committed,
    Component,
    KeyTaken,
    Loaded,
    Moved,
    PersonKey,
    Record,
    Replayed,
    StoredSnapshot,
    Verdict,
)
from domain.aggregate import Aggregate, DomainEvent


class MemoryLog:
    """The log's semantics without a database. `before_append` lets a test act as another process."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.ledger: dict[tuple[UUID, bytes], tuple[bytes, bytes, int]] = {}
        self.keys: dict[tuple[UUID, str, bytes], UUID] = {}
        self.snapshots: dict[UUID, StoredSnapshot] = {}
        self.erased: set[UUID] = set()
        self.appends: list[Sequence[Component]] = []
        self.locked_streams: list[set[UUID]] = []
        self.before_append: list[Callable[[], object]] = []
        self._grew = asyncio.Event()

    def version(self, stream_id: UUID) -> int:
        return max((record.version for record in self.records if record.stream_id == stream_id), default=0)

    async def append(self, components: Sequence[Component]) -> Sequence[Verdict]:
        await asyncio.sleep(0)
        while self.before_append:
            self.before_append.pop(0)()
        self.appends.append(components)
        return [self._append_one(component) for component in components]

    def _append_one(self, component: Component) -> Verdict:
        for index, unit in enumerate(component.units):
            if unit.ledger is not None:
                known = self.ledger.get((unit.ledger.organization_id, unit.ledger.key))
                if known is not None:
                    return Replayed(index, *known)
        moved = [stream for stream, version in component.preconditions.items() if self.version(stream) != version]
        if moved:
            return Moved(moved)
        keys = dict(self.keys)
        for index, unit in enumerate(component.units):
            for release in unit.releases:
                if keys.get(release[:3]) == release.stream_id:
                    del keys[release[:3]]
            for number, claim in enumerate(unit.claims):
                if keys.setdefault(claim[:3], claim.stream_id) != claim.stream_id:
                    return KeyTaken(index, number)
        self.keys = keys
        return Committed([self._write(unit) for unit in component.units])

    def _write(self, unit: AppendUnit) -> int:
        for new in unit.records:
            sequence = 1 + sum(record.organization_id == new.organization_id for record in self.records)
            leaf = hashlib.sha256(new.data).digest()
            self.records.append(Record(len(self.records) + 1, new.organization_id, sequence, *new[1:], leaf))
        if unit.ledger is not None and unit.writes_ledger:
            entry = unit.ledger
            self.ledger[entry.organization_id, entry.key] = (entry.request, entry.reply, len(self.records))
        self.erased.update(unit.erases)
        self._grew.set()
        return len(self.records)

    async def load(self, streams: Mapping[UUID, int], *, snapshots: bool = True) -> Loaded:
        await asyncio.sleep(0)
        found = {s: self.snapshots[s] for s, v in streams.items() if snapshots and v == 0 and s in self.snapshots}
        after = {s: found[s].version if s in found else v for s, v in streams.items()}
        records = [record for record in self.records if record.stream_id in after and record.version > after[record.stream_id]]
        return Loaded(found, sorted(records, key=lambda record: (record.stream_id, record.version)))

    @asynccontextmanager
    async def locked(self, streams: Collection[UUID]) -> AsyncIterator[MemoryLog]:
        self.locked_streams.append(set(streams))
        yield self

    async def read(self, after: int, limit: int, slots: Collection[int] | None = None) -> Sequence[Record]:
        chosen = [r for r in self.records[after:] if slots is None or r.organization_id.bytes[-1] & 63 in slots]
        return chosen[:limit]

    async def head(self) -> int:
        return len(self.records)

    async def save_snapshots(self, snapshots: Sequence[StoredSnapshot]) -> None:
        for snapshot in snapshots:
            if self.snapshots.get(snapshot.stream_id, snapshot).version <= snapshot.version:
                self.snapshots[snapshot.stream_id] = snapshot

    async def wait(self, after: int, timeout: float) -> bool:  # the port's signature
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while len(self.records) <= after:
                    self._grew.clear()
                    await self._grew.wait()
        return len(self.records) > after


class MemoryKeys:
    """Secrets that live as long as the test."""

    def __init__(self) -> None:
        self.secrets: dict[UUID, bytes] = {}
        self.current: dict[tuple[UUID, bytes], PersonKey] = {}

    async def organization_secrets(self, organizations: Collection[UUID]) -> Mapping[UUID, bytes]:
        return {org: self.secrets.setdefault(org, hashlib.sha256(org.bytes).digest()) for org in organizations}

    async def current_person_keys(self, subjects: Collection[tuple[UUID, bytes]]) -> Mapping[tuple[UUID, bytes], PersonKey]:
        for subject in subjects:
            if subject not in self.current:
                self.current[subject] = PersonKey(uuid4(), hashlib.sha256(subject[1] + b"key").digest())
        return {subject: self.current[subject] for subject in subjects}

    async def person_secrets(self, key_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
        return {key.id: key.secret for key in self.current.values() if key.id in key_ids}


class MemoryCodec:
    """Keeps the objects themselves; what the log holds are their names."""

    def __init__(self) -> None:
        self.events: dict[bytes, DomainEvent] = {}
        self.aggregates: dict[bytes, Aggregate] = {}
        self.forgotten: set[UUID] = set()

    def encode(self, event: DomainEvent, event_id: UUID) -> bytes:
        self.events[event_id.bytes] = event
        return event_id.bytes

    def decode(self, record: Record) -> DomainEvent:
        return self.events[record.data]

    def encode_snapshot(self, aggregate: Aggregate) -> StoredSnapshot:
        name = aggregate.id.bytes + aggregate.version.to_bytes(4, "big")
        self.aggregates[name] = aggregate.fork()
        return StoredSnapshot(
            aggregate.organization_id,
            aggregate.id,
            aggregate.stream_type,
            aggregate.version,
            str(aggregate.state_version),
            name,
            aggregate.created_on,
            aggregate.modified_on,
        )

    def decode_snapshot(self, snapshot: StoredSnapshot) -> Aggregate | None:
        found = self.aggregates[snapshot.state]
        return found.fork() if str(found.state_version) == snapshot.state_version else None

    async def prepare(self, sources: Iterable[Record | StoredSnapshot | Aggregate]) -> None:
        pass

    async def fetch(self, key_ids: Iterable[UUID]) -> None:
        pass

    def learn(self, keys: Iterable[PersonKey]) -> None:
        pass

    def forget(self, key_ids: Iterable[UUID]) -> None:
        self.forgotten.update(key_ids)
