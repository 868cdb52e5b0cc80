"""The codec: events survive the log unchanged, and personal values are readable with the person's key only."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from immutables import Map

from application.ports import PersonKey, Record
from application.unit import NotLoaded
from domain.aggregate import DomainEvent
from domain.patch import UNSET
from infrastructure.codec.codec import EventCodec
from infrastructure.codec.errors import Malformed, NoSubject, UnknownType, UnknownVersion
from infrastructure.crypto.keyring import KeyNotLoaded, Keyring
from infrastructure.crypto.seal import Tampered, WrongKey
from tests.unit.codec import sample
from tests.unit.codec.sample import Address, MemoryKeys, Programme, Singer, founded, made, record_of

JANE, JOHN = UUID(int=101), UUID(int=102)
SECRETS = {JANE: b"j" * 32, JOHN: b"k" * 32}
EVENT_ID = UUID(int=5)
ROOT = Path(__file__).parents[3]

SINGER = Singer(person=JANE, voice="alto", name="Jane Doe", address=Address("Main Street 1", "Berlin"))
SEASON: dict[str, Any] = {
    "season": 2027,
    "is_public": True,
    "begins_at": sample.NOW,
    "until": date(2027, 6, 30),
    "fee": Decimal("12.50"),
    "sections": frozenset({"alto", "bass", "tenor"}),
    "rehearsals": (sample.NOW,),
    "pair": (1, "x"),
    "programme": Programme(Map({"Requiem": 1})),
    "seats": Map({JANE: 3, JOHN: 4}),
    "plans": {"b": Programme(Map()), "a": Programme(Map({"Messiah": 2}))},
    "notes": {"nested": [{"a": None}, 1, True]},
}


def codec_with(keys: MemoryKeys | None = None) -> EventCodec:
    return EventCodec(Keyring(keys or MemoryKeys()), sample.EVENTS, sample.AGGREGATES)


def codec_knowing(*key_ids: UUID) -> EventCodec:
    codec = codec_with()
    codec.learn(PersonKey(key_id, SECRETS[key_id]) for key_id in key_ids)
    return codec


SAMPLES = {
    "created": founded(),
    "personal": founded(leader=JANE, leader_email="jane@example.org"),
    "personal, empty": founded(leader=JANE),
    "personal in structs": made(sample.SingersJoined, singers=(SINGER, Singer(person=None, voice="bass")), by_id=Map({JANE: SINGER})),
    "plain": made(sample.SeasonPlanned, **SEASON),
    "plain, empty": made(sample.SeasonPlanned, **SEASON | {"until": None, "programme": None}),
    "no fields": made(sample.ChoirRested),
    "nothing set": made(sample.ChoirChanged),
    "set to none": made(sample.ChoirChanged, leader=None, leader_email=None, programme=None),
    "set": made(sample.ChoirChanged, name="New", leader_key=JANE, leader_email="jane@example.org", programme=Programme(Map())),
}


@pytest.mark.parametrize("event", [pytest.param(event, id=name) for name, event in SAMPLES.items()])
def test_an_event_comes_back_as_it_was(event: DomainEvent) -> None:
    codec = codec_knowing(JANE)
    decoded = codec.decode(record_of(event, EVENT_ID, codec.encode(event, EVENT_ID)))
    assert decoded == event
    assert vars(decoded) == vars(event)


def test_what_was_left_out_of_a_change_is_not_stored() -> None:
    assert codec_with().encode(made(sample.ChoirChanged, name="New"), EVENT_ID) == b'{"leader_key":null,"name":"New"}'
    assert sample.ChoirChanged.__dataclass_fields__["name"].default is UNSET


def test_the_envelope_is_not_part_of_the_data() -> None:
    assert set(msgspec.json.decode(codec_with().encode(founded(), EVENT_ID))) == {"name", "founded_on", "leader", "leader_email"}


def test_a_re_run_gives_the_same_bytes_in_every_process() -> None:
    # Texts hash differently in every process, and with that sets and maps iterate in another order.
    program = (
        "from tests.unit.codec.test_codec import *; codec = codec_knowing(JANE)\n"
        "print(*(codec.encode(event, EVENT_ID) for event in SAMPLES.values()))"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, cwd=ROOT, env={"PYTHONHASHSEED": seed}).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1


def test_a5_no_personal_text_in_the_bytes() -> None:
    event = made(sample.SingersJoined, singers=(SINGER,), by_id=Map({JOHN: SINGER}))
    data = codec_knowing(JANE).encode(event, EVENT_ID)
    assert not any(text in data for text in (b"Jane", b"Doe", b"Main Street", b"Berlin"))


def test_an_erased_persons_values_read_none_and_the_rest_stays() -> None:
    codec = codec_knowing(JANE, JOHN)
    john = Singer(person=JOHN, voice="bass", name="John")
    event = made(sample.SingersJoined, singers=(SINGER, john), by_id=Map())
    record = record_of(event, EVENT_ID, codec.encode(event, EVENT_ID))
    codec.forget([JANE])
    decoded = codec.decode(record)
    assert isinstance(decoded, sample.SingersJoined)
    assert decoded.singers == (Singer(person=JANE, voice="alto"), john)


def test_a_value_of_an_erased_person_is_not_stored_again() -> None:
    codec = codec_knowing(JANE)
    codec.forget([JANE])
    data = codec.encode(founded(leader=JANE, leader_email="jane@example.org"), EVENT_ID)
    assert msgspec.json.decode(data)["leader_email"] is None


def test_a_personal_value_without_a_person_is_refused() -> None:
    with pytest.raises(NoSubject, match="leader_email"):
        codec_with().encode(founded(leader_email="jane@example.org"), EVENT_ID)


def test_what_could_not_be_read_again_is_not_written() -> None:
    with pytest.raises(Malformed, match=r"sample_choir\.concert_given: Expected `array`"):
        codec_with().encode(made(sample.ConcertGiven, venues="Aula"), EVENT_ID)


def test_a_personal_value_of_another_type_is_not_written_and_a5_not_quoted() -> None:
    with pytest.raises(Malformed, match="leader_email") as fault:
        codec_knowing(JANE).encode(founded(leader=JANE, leader_email=("jane",)), EVENT_ID)
    assert "jane" not in str(fault.value)


def test_encoding_asks_the_bus_for_a_key_that_is_not_in_memory() -> None:
    with pytest.raises(NotLoaded) as missing:
        codec_with().encode(founded(leader=JANE, leader_email="jane@example.org"), EVENT_ID)
    assert missing.value.person_key == JANE


async def test_fetched_keys_are_there_for_encoding() -> None:
    codec = codec_with(MemoryKeys(SECRETS))
    await codec.fetch([JANE])
    assert b"leader_email" in codec.encode(founded(leader=JANE, leader_email="jane@example.org"), EVENT_ID)


async def test_prepare_fetches_the_keys_of_a_batch_at_once_and_no_others() -> None:
    codec, keys = codec_knowing(JANE, JOHN), MemoryKeys(SECRETS)
    joined = made(sample.SingersJoined, singers=(SINGER,), by_id=Map({JOHN: Singer(person=JOHN, voice="bass", name="John")}))
    batch = [record_of(event, EVENT_ID, codec.encode(event, EVENT_ID)) for event in (joined, made(sample.SeasonPlanned, **SEASON))]
    reader = codec_with(keys)
    await reader.prepare(batch)
    assert keys.asked == [{JANE, JOHN}]
    assert next(map(reader.decode, batch)) == joined


async def test_prepare_passes_over_what_decoding_will_refuse() -> None:
    codec = codec_with()
    await codec.prepare([_jane()._replace(type="no.such"), _jane()._replace(data=b"{")])


def _jane() -> Record:
    event = founded(leader=JANE, leader_email="jane@example.org")
    return record_of(event, EVENT_ID, codec_knowing(JANE).encode(event, EVENT_ID))


def test_decoding_without_preparing_names_the_key() -> None:
    with pytest.raises(KeyNotLoaded, match=str(JANE)):
        codec_with().decode(_jane())


def test_the_wrong_secret_is_detected() -> None:
    codec = codec_with()
    codec.learn([PersonKey(JANE, b"x" * 32)])
    with pytest.raises(WrongKey):
        codec.decode(_jane())


def test_a_sealed_value_does_not_open_in_another_event() -> None:
    with pytest.raises(Tampered):
        codec_knowing(JANE).decode(_jane()._replace(event_id=UUID(int=6)))


def _swapped(event: DomainEvent, path_a: tuple[Any, ...], path_b: tuple[Any, ...]) -> Record:
    codec = codec_knowing(JANE)
    tree = msgspec.json.decode(codec.encode(event, EVENT_ID))

    def parent(path: tuple[Any, ...]) -> Any:
        node = tree
        for step in path[:-1]:
            node = node[step]
        return node

    a, b = parent(path_a), parent(path_b)
    a[path_a[-1]], b[path_b[-1]] = b[path_b[-1]], a[path_a[-1]]
    return record_of(event, EVENT_ID, msgspec.json.encode(tree))


@pytest.mark.parametrize(
    ("path_a", "path_b"),
    [
        (("singers", 0, "name"), ("singers", 0, "address")),
        (("singers", 0, "name"), ("singers", 1, "name")),
        (("singers", 0, "name"), ("by_id", str(JANE), "name")),
        (("by_id", str(JANE), "name"), ("by_id", str(JOHN), "name")),
    ],
)
def test_a_sealed_value_does_not_open_in_another_field(path_a: tuple[Any, ...], path_b: tuple[Any, ...]) -> None:
    other = Singer(person=JANE, voice="alto", name="Other")
    event = made(sample.SingersJoined, singers=(SINGER, other), by_id=Map({JANE: SINGER, JOHN: other}))
    with pytest.raises(Tampered):
        codec_knowing(JANE).decode(_swapped(event, path_a, path_b))


def test_tampered_bytes_are_refused() -> None:
    record = _jane()
    box = msgspec.json.decode(record.data)["leader_email"]["box"]
    changed = box[:-4] + ("AAA=" if box[-4:] != "AAA=" else "BAA=")
    with pytest.raises(Tampered):
        codec_knowing(JANE).decode(record._replace(data=record.data.replace(box.encode(), changed.encode())))


def test_an_unknown_record_type_is_named() -> None:
    with pytest.raises(UnknownType, match=r"no\.such") as fault:
        codec_with().decode(_jane()._replace(type="no.such"))
    assert fault.value.name == "no.such"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{}",
        b'{"name":1,"founded_on":"1999-05-01","leader":null,"leader_email":null}',
        b'{"name":"","founded_on":"1999-05-01","leader":null,"leader_email":"jane@example.org"}',
        b'{"name":"","founded_on":"1999-05-01","leader":null,"leader_email":null,"more":1}',
    ],
)
def test_data_of_another_form_is_refused_with_type_and_position(data: bytes) -> None:
    with pytest.raises(Malformed, match=r"sample_choir\.founded version 1 at position 1"):
        codec_with().decode(_jane()._replace(data=data))


def _concert(version: int, **state: Any) -> Record:
    event = made(sample.ConcertGiven, venues=())
    return record_of(event, EVENT_ID, msgspec.json.encode(state), type_version=version)


@pytest.mark.parametrize(
    "record",
    [
        _concert(1, hall="Aula", guest=None, guest_name=None),
        _concert(2, venue="Aula", guest=None, guest_name=None),
        _concert(3, venues=["Aula"], guest=None, guest_name=None),
    ],
)
def test_every_older_version_is_brought_up_to_the_present_one(record: Record) -> None:
    assert codec_with().decode(record) == made(sample.ConcertGiven, venues=("Aula",))


async def test_personal_values_stay_sealed_through_upcasters() -> None:
    present = made(sample.ConcertGiven, venues=("Aula",), guest=JANE, guest_name="Jane")
    state = msgspec.json.decode(codec_knowing(JANE).encode(present, EVENT_ID))
    state["hall"] = state.pop("venues")[0]
    codec = codec_with(MemoryKeys(SECRETS))
    old = _concert(1, **state)
    await codec.prepare([old])
    assert codec.decode(old) == present


@pytest.mark.parametrize("version", [0, 4])
def test_a_version_that_this_program_does_not_know_is_refused(version: int) -> None:
    with pytest.raises(UnknownVersion, match="version 3"):
        codec_with().decode(_concert(3, venues=[], guest=None, guest_name=None)._replace(type_version=version))
