"""Domain events, an aggregate and a command with every type that the codec must know; kept out of the program's registries."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Literal, TypeVar
from uuid import UUID

import msgspec
from immutables import Map

from application.ports import Record
from application.registry import Command, CommandSpec, Reply
from application.unit import Unit
from domain.aggregate import AGGREGATE_TYPES, EVENT_TYPES, Aggregate, Created, DomainEvent
from domain.patch import UNSET, UnsetType, given_fields
from domain.personal import Personal
from domain.refusals import REFUSALS, Conflict

E = TypeVar("E", bound=DomainEvent)

ORGANIZATION = UUID(int=7)
CHOIR = UUID(int=77)
NOW = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


class Address(msgspec.Struct, frozen=True):
    """A value within a personal field."""

    street: str
    city: str


class Singer(msgspec.Struct, frozen=True, kw_only=True):
    """A value with personal fields of its own."""

    person: UUID | None
    voice: Literal["soprano", "alto", "tenor", "bass"]
    name: Personal[str | None, "person"] = None
    address: Personal[Address | None, "person"] = None


class Programme(msgspec.Struct, frozen=True):
    """A value with a map, without anything personal."""

    pieces: Map[str, int]


class ChoirFounded(Created):
    """A choir begins."""

    type_name = "sample_choir.founded"
    name: str
    founded_on: date
    leader: UUID | None = None
    leader_email: Personal[str | None, "leader"] = None


class SingersJoined(DomainEvent):
    """Singers came."""

    type_name = "sample_choir.singers_joined"
    singers: tuple[Singer, ...]
    by_id: Map[UUID, Singer]

    def apply(self, aggregate: Choir) -> None:
        aggregate.singers = aggregate.singers.update(self.by_id)


class SeasonPlanned(DomainEvent):
    """All kinds of plain fields."""

    type_name = "sample_choir.season_planned"
    season: int
    is_public: bool
    begins_at: datetime
    until: date | None
    fee: Decimal
    sections: frozenset[str]
    rehearsals: tuple[datetime, ...]
    pair: tuple[int, str]
    programme: Programme | None
    seats: Map[UUID, int]
    plans: dict[str, Programme]
    notes: dict[str, Any]

    def apply(self, aggregate: Choir) -> None:
        aggregate.season = self.season
        aggregate.sections = self.sections
        aggregate.programme = self.programme
        aggregate.notes = self.notes


class ChoirChanged(DomainEvent):
    """A partial change."""

    type_name = "sample_choir.changed"
    leader: UUID | UnsetType | None = UNSET
    leader_email: Personal[str | UnsetType | None, "leader_key"] = UNSET
    name: str | UnsetType = UNSET
    programme: Programme | UnsetType | None = UNSET
    leader_key: UUID | None = None

    def apply(self, aggregate: Choir) -> None:
        for name, value in given_fields(self, "leader", "leader_email", "name", "programme").items():
            setattr(aggregate, name, value)


class ChoirRested(DomainEvent):
    """No fields at all."""

    type_name = "sample_choir.rested"


class ConcertGiven(DomainEvent):
    """Version 3 of its form: hall (v1) was renamed to venue (v2), which became a list (v3)."""

    type_name = "sample_choir.concert_given"
    class_version = 3
    venues: tuple[str, ...]
    guest: UUID | None = None
    guest_name: Personal[str | None, "guest"] = None

    @staticmethod
    def upcast_v1_v2(state: dict[str, Any]) -> None:
        state["venue"] = state.pop("hall")

    @staticmethod
    def upcast_v2_v3(state: dict[str, Any]) -> None:
        state["venues"] = [state.pop("venue")]


class Choir(Aggregate):
    """State with a map of structs that hold personal fields."""

    stream_type = "sample_choir"

    name: str
    founded_on: date
    leader: UUID | None = None
    leader_email: Personal[str | None, "leader"] = None
    season: int = 0
    sections: frozenset[str] = frozenset()
    programme: Programme | None = None
    singers: Map[UUID, Singer] = Map()
    notes: dict[str, Any] | None = None


EVENTS: dict[str, type[DomainEvent]] = {name: EVENT_TYPES.pop(name) for name in list(EVENT_TYPES) if name.startswith("sample_choir.")}
AGGREGATES: dict[str, type[Aggregate]] = {"sample_choir": AGGREGATE_TYPES.pop("sample_choir")}


class RingTheBell(Command, frozen=True, kw_only=True):
    """A command of these tests."""

    choir_id: UUID
    times: int = 1


class BellBroken(Conflict, rule="O1"):
    """The bell is broken."""


REFUSALS.pop(BellBroken.code)


def ring(command: RingTheBell, unit: Unit) -> Reply:
    """Ring the bell."""
    raise NotImplementedError(command, unit)


RING = CommandSpec(
    name="ring_the_bell",
    type=RingTheBell,
    handler=ring,
    area="sample",
    method="POST",
    path="/choirs/{choir_id}/bell",
    status=200,
    permission="bell.ring",
    rules=("O1",),
    refusals=(BellBroken,),
    example={},
)


class MemoryKeys:
    """A key store in a dict."""

    def __init__(self, secrets: Mapping[UUID, bytes] | None = None) -> None:
        self.secrets = dict(secrets or {})
        self.asked: list[set[UUID]] = []

    async def person_secrets(self, key_ids: Collection[UUID]) -> Mapping[UUID, bytes]:
        """Note what was asked for, answer what there is."""
        self.asked.append(set(key_ids))
        return {key_id: self.secrets[key_id] for key_id in key_ids if key_id in self.secrets}

    async def organization_secrets(self, organizations: Collection[UUID]) -> Mapping[UUID, bytes]:
        """Not needed here."""
        raise NotImplementedError

    async def current_person_keys(self, subjects: Collection[tuple[UUID, bytes]]) -> Mapping[Any, Any]:
        """Not needed here."""
        raise NotImplementedError


def record_of(event: DomainEvent, event_id: UUID, data: bytes, *, type_version: int | None = None) -> Record:
    """The record of an event, as the log would give it back."""
    return Record(
        position=1,
        organization_id=ORGANIZATION,
        organization_seq=1,
        event_id=event_id,
        stream_id=event.originator_id,
        stream_type="sample_choir",
        version=event.originator_version,
        type=event.type_name,
        type_version=type_version or event.class_version,
        data=data,
        meta=b"{}",
        recorded_at=event.timestamp,
        leaf_hash=b"",
    )


def made(kind: type[E], version: int = 2, **fields: Any) -> E:
    """An event of the sample stream."""
    if issubclass(kind, Created):
        fields["organization_id"] = ORGANIZATION
    fields.setdefault("timestamp", NOW)
    return kind(originator_id=CHOIR, originator_version=version, **fields)


def founded(**fields: Any) -> ChoirFounded:
    """The first event of the sample stream."""
    return made(ChoirFounded, 1, name="Cantores", founded_on=date(1999, 5, 1), **fields)
