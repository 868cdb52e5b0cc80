"""The codec: domain events and aggregate state to stored bytes and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from uuid import UUID

from application.ports import PersonKey, Record, StoredSnapshot
from application.unit import NotLoaded
from domain.aggregate import AGGREGATE_TYPES, EVENT_TYPES, Aggregate, DomainEvent
from infrastructure.codec.errors import CodecError, UnknownType
from infrastructure.codec.forms import EventForm, StateForm
from infrastructure.codec.sealing import ENCODER, KeysNeeded, Sealer
from infrastructure.crypto.keyring import KeyNotLoaded, Keyring


class EventCodec:
    """Implements `application.ports.Codec`.

    What is stored is JSON of the fields that a class declares; the envelope's columns carry the rest. Personal values are
    sealed, each bound to its record (or snapshot) and to its field: a personal field therefore keeps its name for good,
    an upcaster can drop it or fill the fields around it. Values of erased persons are stored as null and read as None.
    """

    def __init__(
        self,
        keyring: Keyring,
        event_types: Mapping[str, type[DomainEvent]] = EVENT_TYPES,
        aggregate_types: Mapping[str, type[Aggregate]] = AGGREGATE_TYPES,
    ) -> None:
        self._keyring = keyring
        self._event_types = event_types
        self._aggregate_types = aggregate_types
        self._events: dict[str, EventForm] = {}
        self._states: dict[str, StateForm] = {}

    def encode(self, event: DomainEvent, event_id: UUID) -> bytes:
        """The event's own fields as JSON; equal events under one id give equal bytes.

        Raises `NotLoaded` when a person's key is not in the keyring, `NoSubject` when a personal value has no person,
        `Malformed` when a value is not of its field's type.
        """
        form = self._event_form(event.type_name)
        if form.shape.plain:
            return form.write(form.shape.wire(*form.shape.read(event)))
        try:
            return form.write(form.shape.pack(event, Sealer(self._keyring, _event_place(event_id))))
        except KeyNotLoaded as missing:
            raise NotLoaded(person_key=missing.key_id) from None

    def decode(self, record: Record) -> DomainEvent:
        """The event at its present version. Raises `CodecError`, `SealBroken`, `KeyNotLoaded`."""
        form = self._event_form(record.type)
        shape, wire = form.shape, form.read(record)
        values = shape.read(wire) if shape.plain else shape.unpack(wire, Sealer(self._keyring, _event_place(record.event_id)))
        return form.restore(record, values)

    def encode_snapshot(self, aggregate: Aggregate) -> StoredSnapshot:
        """The aggregate's state. Raises `NotLoaded`, `NoSubject`."""
        form = self._state_form(aggregate.stream_type)
        try:
            wire = form.shape.pack(aggregate, Sealer(self._keyring, _state_place(aggregate.id, aggregate.version)))
        except KeyNotLoaded as missing:
            raise NotLoaded(person_key=missing.key_id) from None
        return StoredSnapshot(
            organization_id=aggregate.organization_id,
            stream_id=aggregate.id,
            stream_type=aggregate.stream_type,
            version=aggregate.version,
            state_version=form.state_version,
            state=ENCODER.encode(wire),
            created_on=aggregate.created_on,
            modified_on=aggregate.modified_on,
        )

    def decode_snapshot(self, snapshot: StoredSnapshot) -> Aggregate | None:
        """The aggregate, equal to the folded one; None when the class has had another shape or state version then."""
        form = self._state_form(snapshot.stream_type)
        if snapshot.state_version != form.state_version:
            return None
        wire = form.read(snapshot)
        values = form.shape.unpack(wire, Sealer(self._keyring, _state_place(snapshot.stream_id, snapshot.version)))
        return form.restore(snapshot, values)

    async def prepare(self, sources: Iterable[Record | StoredSnapshot | Aggregate]) -> None:
        """Fetch into the keyring the person keys that decoding these, or taking snapshots of these, will need.

        What cannot be read is passed over here: decoding it will tell.
        """
        needed = KeysNeeded()
        for source in sources:
            try:
                self._note_keys(source, needed)
            except CodecError:
                continue
        await self.fetch(needed.keys)

    async def fetch(self, key_ids: Iterable[UUID]) -> None:
        """Fetch these person keys; those that the store does not have are known as erased from then on."""
        await self._keyring.load(key_ids)

    def learn(self, keys: Iterable[PersonKey]) -> None:
        """Put keys into the keyring."""
        self._keyring.learn(keys)

    def forget(self, key_ids: Iterable[UUID]) -> None:
        """Drop erased keys from the keyring."""
        self._keyring.forget(key_ids)

    def _note_keys(self, source: Record | StoredSnapshot | Aggregate, needed: KeysNeeded) -> None:
        if isinstance(source, Record):
            event = self._event_form(source.type)
            if event.shape.personal:
                event.shape.unpack(event.read(source), needed)
            return
        state = self._state_form(source.stream_type)
        if not state.shape.personal:
            return
        if isinstance(source, Aggregate):
            state.shape.pack(source, needed)
        elif source.state_version == state.state_version:
            state.shape.unpack(state.read(source), needed)

    def _event_form(self, name: str) -> EventForm:
        form = self._events.get(name)
        if form is None:
            if name not in self._event_types:
                raise UnknownType(name)
            form = self._events[name] = EventForm(self._event_types[name])
        return form

    def _state_form(self, name: str) -> StateForm:
        form = self._states.get(name)
        if form is None:
            if name not in self._aggregate_types:
                raise UnknownType(name)
            form = self._states[name] = StateForm(self._aggregate_types[name])
        return form


def _event_place(event_id: UUID) -> bytes:
    return b"event" + event_id.bytes


def _state_place(stream_id: UUID, version: int) -> bytes:
    return b"state" + stream_id.bytes + version.to_bytes(8, "big")
