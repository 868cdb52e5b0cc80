"""Forms: what exactly is stored of one domain event class, or of one aggregate class."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable
from typing import Any, get_type_hints

import msgspec

from application.ports import Record, StoredSnapshot
from domain.aggregate import Aggregate, DomainEvent
from infrastructure.codec.errors import Malformed, UnknownVersion
from infrastructure.codec.sealing import ENCODER
from infrastructure.codec.shapes import ObjectShape
from infrastructure.codec.wire_schema import Schema, stored_schema

_ENVELOPE = frozenset({"originator_id", "originator_version", "timestamp", "organization_id"})
"""Fields of an event that are columns of the log, not part of its data."""

_HASH_DIGITS = 12


def own_fields(kind: type[DomainEvent]) -> dict[str, Any]:
    """The fields that an event class declares, with their annotations; the envelope's are left out."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind) if field.name not in _ENVELOPE}


def upcaster_name(version: int) -> str:
    """The name of the static method that brings stored fields from this version to the next."""
    return f"upcast_v{version}_v{version + 1}"


class EventForm:
    """The stored form of a domain event class at its present version."""

    def __init__(self, kind: type[DomainEvent]) -> None:
        self._kind = kind
        self._version = kind.class_version
        self._knows_organization = any(field.name == "organization_id" for field in dataclasses.fields(kind))
        self.shape = ObjectShape(kind, own_fields(kind))
        self._decoder = msgspec.json.Decoder(self.shape.wire)

    @property
    def schema(self) -> Schema:
        """JSON Schema of the stored data."""
        return stored_schema(self.shape.wire)

    def write(self, wire: Any) -> bytes:
        """The bytes of a wire form. Raises `Malformed` for what could not be read again: the log would keep it for good."""
        data = ENCODER.encode(wire)
        try:
            self._decoder.decode(data)
        except msgspec.DecodeError as fault:
            msg = f"{self._kind.type_name}: {fault}"
            raise Malformed(msg) from fault
        return data

    def read(self, record: Record) -> Any:
        """The wire form in a record, upcast if it is of an older version. Raises `UnknownVersion`, `Malformed`."""
        try:
            if record.type_version == self._version:
                return self._decoder.decode(record.data)
            return self._decoder.decode(ENCODER.encode(self._upcast(record)))
        except msgspec.DecodeError as fault:
            msg = f"{record.type} version {record.type_version} at position {record.position}: {fault}"
            raise Malformed(msg) from fault

    def restore(self, record: Record, values: Iterable[Any]) -> DomainEvent:
        """The event as it was made. Its constructor would check and copy field by field what the decoder has checked."""
        event = object.__new__(self._kind)
        fields = event.__dict__
        fields["originator_id"] = record.stream_id
        fields["originator_version"] = record.version
        fields["timestamp"] = record.recorded_at
        if self._knows_organization:
            fields["organization_id"] = record.organization_id
        fields.update(zip(self.shape.names, values, strict=True))
        return event

    def _upcast(self, record: Record) -> dict[str, Any]:
        if not 1 <= record.type_version < self._version:
            raise UnknownVersion(record.type, record.type_version, f"this program knows version {self._version}")
        state: dict[str, Any] = msgspec.json.decode(record.data)
        for version in range(record.type_version, self._version):
            upcast = getattr(self._kind, upcaster_name(version), None)
            if upcast is None:
                raise UnknownVersion(record.type, record.type_version, f"{upcaster_name(version)} is missing")
            upcast(state)
        return state


class StateForm:
    """The stored form of an aggregate's state."""

    def __init__(self, kind: type[Aggregate]) -> None:
        hints = get_type_hints(kind, include_extras=True)
        state: type[Any] = kind  # the library makes it a dataclass, which the type checker cannot see
        self._kind = kind
        self.shape = ObjectShape(kind, {field.name: hints[field.name] for field in dataclasses.fields(state)})
        self._decoder = msgspec.json.Decoder(self.shape.wire)
        schema = msgspec.json.encode(stored_schema(self.shape.wire), order="sorted")
        self.state_version = f"{kind.state_version}.{hashlib.sha256(schema).hexdigest()[:_HASH_DIGITS]}"
        """A snapshot with another one is of no use: the class says that its meaning changed, or its shape did."""

    def read(self, snapshot: StoredSnapshot) -> Any:
        """The wire form in a snapshot. Raises `Malformed`."""
        try:
            return self._decoder.decode(snapshot.state)
        except msgspec.DecodeError as fault:
            msg = f"snapshot of {snapshot.stream_type} {snapshot.stream_id} at version {snapshot.version}: {fault}"
            raise Malformed(msg) from fault

    def restore(self, snapshot: StoredSnapshot, values: Iterable[Any]) -> Aggregate:
        """The aggregate as it was, without pending events."""
        aggregate = object.__new__(self._kind)
        aggregate.__base_init__(snapshot.stream_id, snapshot.version, snapshot.created_on)
        aggregate.modified_on = snapshot.modified_on
        aggregate.__dict__.update(zip(self.shape.names, values, strict=True))
        return aggregate
