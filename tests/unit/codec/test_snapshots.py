"""Snapshots: a restored aggregate is the folded one; a snapshot of another shape is ignored."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest
from immutables import Map

from application.ports import PersonKey
from application.unit import NotLoaded
from domain.aggregate import Aggregate
from infrastructure.codec.codec import EventCodec
from infrastructure.codec.errors import Malformed, UnknownType
from infrastructure.codec.forms import StateForm
from infrastructure.crypto.keyring import Keyring
from infrastructure.crypto.seal import Tampered
from tests.unit.codec import sample
from tests.unit.codec.sample import Choir, MemoryKeys, Programme, Singer, founded, made

JANE, JOHN = UUID(int=101), UUID(int=102)
SECRETS = {JANE: b"j" * 32, JOHN: b"k" * 32}


def codec(keys: MemoryKeys | None = None) -> EventCodec:
    return EventCodec(Keyring(keys or MemoryKeys(SECRETS)), sample.EVENTS, sample.AGGREGATES)


def knowing_codec() -> EventCodec:
    made_codec = codec()
    made_codec.learn(PersonKey(key_id, secret) for key_id, secret in SECRETS.items())
    return made_codec


def folded() -> Choir:
    choir: Any = founded(leader=JANE, leader_email="jane@example.org").mutate(None)
    singers = Map({JANE: Singer(person=JANE, voice="alto", name="Jane Doe"), JOHN: Singer(person=JOHN, voice="bass", name="John")})
    choir = made(sample.SingersJoined, 2, singers=(), by_id=singers).mutate(choir)
    later = sample.NOW + timedelta(days=1)
    change = made(sample.ChoirChanged, 3, timestamp=later, programme=Programme(Map({"Requiem": 1})))
    result = change.mutate(choir)
    assert isinstance(result, Choir)
    return result


def test_the_restored_aggregate_equals_the_folded_one() -> None:
    choir = folded()
    restored = knowing_codec().decode_snapshot(knowing_codec().encode_snapshot(choir))
    assert restored is not None
    assert restored == choir
    assert (restored.id, restored.version) == (choir.id, 3)
    assert (restored.created_on, restored.modified_on) == (choir.created_on, choir.modified_on)
    assert restored.organization_id == sample.ORGANIZATION


def test_pending_events_are_not_part_of_a_snapshot() -> None:
    choir = folded()
    choir.trigger(sample.ChoirRested, now=sample.NOW)
    restored = knowing_codec().decode_snapshot(knowing_codec().encode_snapshot(choir))
    assert restored is not None
    assert restored.pending_events == []


def test_a5_no_personal_text_in_a_snapshot() -> None:
    state = knowing_codec().encode_snapshot(folded()).state
    assert not any(text in state for text in (b"jane", b"Jane", b"Doe", b"John"))


def test_a_restored_aggregate_goes_on() -> None:
    restored = knowing_codec().decode_snapshot(knowing_codec().encode_snapshot(folded()))
    assert restored is not None
    restored.trigger(sample.ChoirRested, now=sample.NOW)
    assert restored.version == 4


def test_erased_persons_read_none_in_a_snapshot() -> None:
    snapshot = knowing_codec().encode_snapshot(folded())
    reader = knowing_codec()
    reader.forget([JANE])
    restored = reader.decode_snapshot(snapshot)
    assert isinstance(restored, Choir)
    assert restored.leader_email is None
    assert restored.singers[JANE] == Singer(person=JANE, voice="alto")
    assert restored.singers[JOHN].name == "John"


async def test_prepare_fetches_what_reading_a_snapshot_needs() -> None:
    snapshot = knowing_codec().encode_snapshot(folded())
    keys = MemoryKeys(SECRETS)
    reader = codec(keys)
    await reader.prepare([snapshot])
    assert keys.asked == [{JANE, JOHN}]
    assert reader.decode_snapshot(snapshot) == folded()


async def test_prepare_fetches_what_taking_a_snapshot_needs() -> None:
    writer = codec()
    with pytest.raises(NotLoaded):
        writer.encode_snapshot(folded())
    await writer.prepare([folded()])
    assert writer.encode_snapshot(folded()) == knowing_codec().encode_snapshot(folded())


@pytest.mark.parametrize("moved", [{"stream_id": UUID(int=9)}, {"version": 4}])
def test_a_sealed_value_does_not_open_in_another_snapshot(moved: dict[str, Any]) -> None:
    snapshot = knowing_codec().encode_snapshot(folded())._replace(**moved)
    with pytest.raises(Tampered):
        knowing_codec().decode_snapshot(snapshot)


def test_a_snapshot_of_another_state_version_is_ignored() -> None:
    snapshot = knowing_codec().encode_snapshot(folded())
    digest = snapshot.state_version.partition(".")[2]
    assert snapshot.state_version.startswith("1.")
    assert knowing_codec().decode_snapshot(snapshot._replace(state_version=f"2.{digest}")) is None
    assert asyncio.run(codec().prepare([snapshot._replace(state_version="2.x")])) is None


class _Shape(msgspec.Struct, frozen=True):
    size: int


class _SameShape(msgspec.Struct, frozen=True):
    """Differs in name and docstring."""

    size: int


def _aggregate(name: str, annotations: dict[str, Any]) -> type[Aggregate]:
    return type(name, (Aggregate,), {"__annotations__": annotations, "__module__": __name__})


def test_any_change_of_the_states_shape_makes_old_snapshots_useless() -> None:
    shapes: list[dict[str, Any]] = [
        {},
        {"size": int},
        {"length": int},
        {"size": int | None},
        {"size": _Shape},
        {"size": Map[UUID, _Shape]},
        {"size": Map[UUID, int]},
    ]
    versions = {StateForm(_aggregate(f"Shaped{n}", annotations)).state_version for n, annotations in enumerate(shapes)}
    assert len(versions) == len(shapes)


def test_renaming_a_class_or_mending_a_docstring_keeps_snapshots() -> None:
    one, two = (StateForm(_aggregate(name, {"size": kind})) for name, kind in (("One", _Shape), ("Two", _SameShape)))
    assert one.state_version == two.state_version


def test_a_damaged_snapshot_is_refused() -> None:
    snapshot = knowing_codec().encode_snapshot(folded())
    with pytest.raises(Malformed, match="sample_choir"):
        knowing_codec().decode_snapshot(snapshot._replace(state=b"{}"))


def test_an_unknown_stream_type_is_named() -> None:
    snapshot = knowing_codec().encode_snapshot(folded())
    with pytest.raises(UnknownType, match="no_such"):
        knowing_codec().decode_snapshot(snapshot._replace(stream_type="no_such"))
