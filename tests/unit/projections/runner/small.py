"""A small projection with every kind of reference, and a log, a codec and an observer in memory to drive it."""

# ruff: noqa: ARG002  # ports name parameters that a stand-in has no use for

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid5

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql import UUID as PGUUID

from application.ports import Codec, Log, Record
from projections.changes import Change, Projection
from projections.runner.park import Parked

SMALL_METADATA = sa.MetaData(schema="small", info={"row_records": True})
START = datetime(2026, 1, 1, tzinfo=UTC)
_NAMESPACE = UUID(int=7)
_STREAM = UUID(int=1)


def _reference(name: str, target: str, on_delete: str) -> sa.Column[Any]:
    key = sa.ForeignKey(f"small.{target}.id", deferrable=True, initially="DEFERRED")
    return sa.Column(name, PGUUID, key, index=True, info={"on_delete": on_delete})


def _table(name: str, *columns: sa.Column[Any] | sa.Constraint, tenant: bool = True, history: bool = True) -> sa.Table:
    organization = _reference("organization_id", "organizations", "cascade") if tenant else sa.Column("organization_id", PGUUID)
    return sa.Table(
        name,
        SMALL_METADATA,
        sa.Column("id", PGUUID, primary_key=True),
        organization,
        *columns,
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("log_position", sa.BigInteger, nullable=False),
        sa.Column("stream_id", PGUUID, nullable=False),
        sa.Column("stream_version", sa.Integer, nullable=False),
        info={"history": history},
    )


ORGANIZATIONS = _table("organizations", sa.Column("name", sa.Text), tenant=False)
KEEPERS = _table("keepers", sa.Column("name", sa.Text))
HOUSES = _table(
    "houses",
    sa.Column("name", sa.Text),
    sa.Column("beds", sa.Integer, nullable=False, default=0),
    sa.Column("income", sa.Numeric(18, 3)),
    sa.CheckConstraint("beds >= 0"),
    sa.UniqueConstraint("organization_id", "name", deferrable=True, initially="DEFERRED"),
)
ROOMS = _table(
    "rooms",
    _reference("house_id", "houses", "cascade"),
    _reference("keeper_id", "keepers", "set null"),
    sa.Column("title", sa.Text),
    sa.Column("tags", ARRAY(sa.Text)),
    sa.Column("details", JSONB(none_as_null=True)),
    sa.Column("guest", PGUUID),
    sa.Column("guest_name", sa.Text, info={"subject": "guest"}),
    sa.Column("guest_phone", sa.Text, info={"subject": "guest"}),
)
BEDS = _table(
    "beds",
    _reference("room_id", "rooms", "cascade"),
    _reference("under_id", "beds", "cascade"),
    _reference("owner_id", "keepers", "no action"),
    sa.Column("from", sa.Text),
)
DELETIONS = _table(
    "deletions",
    sa.Column("entity", sa.Text),
    sa.Column("entity_id", PGUUID),
    sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
    history=False,
)


class Broken(ValueError):
    """What a projector raises when a test tells it to."""


class SmallWorld:
    """The log, the codec and the projection in one: a record does what the test gave for it."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.changes: dict[int, Sequence[Change] | Exception] = {}
        self.forgotten: set[UUID] = set()
        self.before_read: Callable[[], None] = lambda: None
        self._grew = asyncio.Event()
        self.projection = Projection("small", version=1, metadata=SMALL_METADATA)
        self.projection.projectors["small.changed"] = [self._project]

    @property
    def log(self) -> Log:
        return cast("Log", self)

    @property
    def codec(self) -> Codec:
        return cast("Codec", self)

    def _project(self, event: int, _record: Record) -> Sequence[Change]:
        changes = self.changes[event]
        if isinstance(changes, Exception):
            raise changes
        return changes

    def happen(
        self, organization: UUID, *changes: Change, stream: UUID = _STREAM, failing: bool = False, at: datetime | None = None
    ) -> Record:
        position = len(self.records) + 1
        version = 1 + sum(record.stream_id == stream for record in self.records)
        self.changes[position] = Broken() if failing else changes
        when = at or START + timedelta(seconds=position)
        event_id = uuid5(_NAMESPACE, str(position))
        record = Record(position, organization, position, event_id, stream, "small", version, "small.changed", 1, b"", b"", when, b"")
        self.records.append(record)
        self._grew.set()
        return record

    async def read(self, after: int, limit: int, slots: Collection[int] | None = None) -> Sequence[Record]:
        await asyncio.sleep(0)
        self.before_read()
        chosen = (record for record in self.records[after:] if slots is None or record.organization_id.int % 64 in slots)
        return [record for _, record in zip(range(limit), chosen, strict=False)]

    async def head(self) -> int:
        return len(self.records)

    async def wait(self, after: int, timeout: float) -> None:
        if len(self.records) <= after:
            self._grew.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._grew.wait(), timeout)

    async def prepare(self, sources: Iterable[Record]) -> None:
        pass

    def decode(self, record: Record) -> int:
        return record.position

    def forget(self, key_ids: Iterable[UUID]) -> None:
        self.forgotten.update(key_ids)


class Witness:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.position = 0
        self.rebuilds: list[int] = []
        self.alarms: list[Parked] = []
        self.interruptions: list[Exception] = []

    def advanced(self, projection: str, records: Sequence[Record], seconds: float) -> None:
        self.position = records[-1].position

    def parked(self, projection: str, parked: Parked) -> None:
        self.alarms.append(parked)

    def interrupted(self, projection: str, error: Exception) -> None:
        self.interruptions.append(error)

    def rebuilt(self, projection: str, position: int) -> None:
        self.rebuilds.append(position)
        self.position = position
