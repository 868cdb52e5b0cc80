"""Short ways to say what is appended to a log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid4

from application.ports import AppendUnit, Component, KeyClaim, LedgerEntry, NewRecord, StoredSnapshot

ORGANIZATION = UUID("0190c000-0000-7000-8000-00000000002a")
OTHER_ORGANIZATION = UUID("0190c000-0000-7000-8000-00000000002b")
NOW = datetime(2026, 3, 1, 9, 30, 0, 123456, tzinfo=UTC)


def record(stream: UUID, version: int = 1, *, organization: UUID = ORGANIZATION, data: bytes = b'{"n":1}') -> NewRecord:
    """The `version`-th domain event of a stream."""
    return NewRecord(organization, uuid4(), stream, "order", version, "order.placed", 1, data, b'{"actor":"system:test"}', NOW)


def entry(key: bytes, *, request: bytes = b"request", reply: bytes = b"[]") -> LedgerEntry:
    """A line of the ledger."""
    return LedgerEntry(ORGANIZATION, key, request, reply)


def claim(key: bytes, stream: UUID, *, scope: str = "slug") -> KeyClaim:
    """A unique key of a stream."""
    return KeyClaim(ORGANIZATION, scope, key, stream)


def unit(
    *records: NewRecord,
    ledger: LedgerEntry | None = None,
    writes_ledger: bool | None = None,
    claims: Sequence[KeyClaim] = (),
    releases: Sequence[KeyClaim] = (),
    erases: Sequence[UUID] = (),
) -> AppendUnit:
    """A unit of work; it enters its ledger line unless told otherwise."""
    return AppendUnit(records, ledger, ledger is not None if writes_ledger is None else writes_ledger, claims, releases, erases)


def component(*units: AppendUnit, reads: Mapping[UUID, int] | None = None) -> Component:
    """Units together; what they write is expected right before their first record, `reads` comes on top."""
    before: dict[UUID, int] = {}
    for new in (new for each in units for new in each.records):
        before.setdefault(new.stream_id, new.version - 1)
    return Component({**before, **(reads or {})}, units)


def single(stream: UUID, version: int = 1, *, organization: UUID = ORGANIZATION) -> Component:
    """One record, nothing else."""
    return component(unit(record(stream, version, organization=organization)))


def snapshot(stream: UUID, version: int, *, state: bytes = b"{}", state_version: str = "1") -> StoredSnapshot:
    """A folded state."""
    return StoredSnapshot(ORGANIZATION, stream, "order", version, state_version, state, NOW, NOW)
