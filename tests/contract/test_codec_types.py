"""Every record type of the program, with any values that its annotations admit, survives the log and hides its persons."""

from __future__ import annotations

from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import application.catalog  # noqa: F401  # registers the commands
import domain.catalog  # noqa: F401  # registers the record types
from application.ports import PersonKey
from domain.aggregate import AGGREGATE_TYPES, EVENT_TYPES, DomainEvent
from infrastructure.codec.codec import EventCodec
from infrastructure.codec.forms import StateForm
from infrastructure.crypto.keyring import Keyring
from tests.unit.codec import sample
from tests.unit.codec.strategies import MARKER, PERSON, events

EVENT_ID = UUID(int=5)
ALL = {**EVENT_TYPES, **sample.EVENTS}


def _codec() -> EventCodec:
    codec = EventCodec(Keyring(sample.MemoryKeys()), ALL, AGGREGATE_TYPES)
    codec.learn([PersonKey(PERSON, b"s" * 32)])
    return codec


@pytest.mark.parametrize("name", sorted(ALL))
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(data=st.data())
def test_every_record_type_comes_back_as_it_was_and_a5_hides_its_persons(name: str, data: st.DataObject) -> None:
    event: DomainEvent = data.draw(events(ALL[name]))
    codec = _codec()
    stored = codec.encode(event, EVENT_ID)
    assert MARKER.encode() not in stored
    record = sample.record_of(event, EVENT_ID, stored)._replace(organization_id=getattr(event, "organization_id", sample.ORGANIZATION))
    assert codec.decode(record) == event
    assert codec.encode(codec.decode(record), EVENT_ID) == stored


@pytest.mark.parametrize("name", sorted(AGGREGATE_TYPES))
def test_the_state_of_every_aggregate_can_be_stored(name: str) -> None:
    assert StateForm(AGGREGATE_TYPES[name]).state_version.startswith(f"{AGGREGATE_TYPES[name].state_version}.")
