"""The layout of a record's leaf, written out, and the RFC 6962 vectors for its hash."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from application.ports import Record
from infrastructure.postgres.leaf import leaf, leaf_hash

VECTORS = Path(__file__).parents[3].parent / "shared" / "vectors" / "rfc6962.json"

RECORD = Record(
    position=258,
    organization_id=UUID(int=0x11),
    organization_seq=3,
    event_id=UUID(int=0x22),
    stream_id=UUID(int=0x33),
    stream_type="étage",
    version=4,
    type="x.y",
    type_version=5,
    data=b"data",
    meta=b"meta",
    recorded_at=datetime(2000, 1, 1, 0, 0, 1, 1, tzinfo=UTC),
    leaf_hash=b"",
)


def test_a_leaf_is_laid_out_byte_by_byte() -> None:
    expected = [
        "01",
        "0000000000000102",
        "00000000000000000000000000000011",
        "0000000000000003",
        "00000000000000000000000000000022",
        "00000000000000000000000000000033",
        "00000006" + "étage".encode().hex(),
        "00000004",
        "00000003" + b"x.y".hex(),
        "00000005",
        "00000000000f4241",
        sha256(b"data").hexdigest(),
        sha256(b"meta").hexdigest(),
    ]
    assert leaf(RECORD).hex() == "".join(expected)


def test_a_time_before_2000_is_negative() -> None:
    early = leaf(RECORD._replace(recorded_at=datetime(1999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)))
    assert early[-72:-64] == b"\xff" * 8


def test_neighbouring_texts_cannot_be_confused() -> None:
    assert leaf(RECORD._replace(type="ab", stream_type="c")) != leaf(RECORD._replace(type="a", stream_type="bc"))


def test_leaf_hashes_are_those_of_rfc_6962() -> None:
    if not VECTORS.exists():
        pytest.skip("the RFC 6962 vectors are not beside the repository")
    vectors = json.loads(VECTORS.read_text())
    inputs = {vector["leaf_hex"]: vector["hash"] for vector in vectors["hasher_vectors"] if "leaf_hex" in vector}
    inputs |= dict(zip(vectors["leaf_inputs_hex"], vectors["node_hashes_by_level"][0], strict=True))
    assert len(inputs) > len(vectors["leaf_inputs_hex"])
    assert {text: leaf_hash(bytes.fromhex(text)).hex() for text in inputs} == inputs
