"""The Merkle leaf of a record: twin of the SQL function `log.leaf`."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from application.ports import Record

_VERSION = b"\x01"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT4 = struct.Struct(">i").pack
_INT8 = struct.Struct(">q").pack


def leaf(record: Record) -> bytes:
    """What the record is hashed as: its envelope in a fixed binary layout, and the hashes of its data and meta.

    Version byte 1, then the columns in the log's order; integers big-endian (position, sequence and time 8 bytes, others 4),
    ids as 16 bytes, texts as UTF-8 with their length in bytes in front, `recorded_at` in microseconds since 2000-01-01 UTC.
    """
    return b"".join(
        (
            _VERSION,
            _INT8(record.position),
            record.organization_id.bytes,
            _INT8(record.organization_seq),
            record.event_id.bytes,
            record.stream_id.bytes,
            _text(record.stream_type),
            _INT4(record.version),
            _text(record.type),
            _INT4(record.type_version),
            _INT8((record.recorded_at - _EPOCH) // _MICROSECOND),
            sha256(record.data).digest(),
            sha256(record.meta).digest(),
        )
    )


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf in the Merkle tree: SHA-256(0x00 || leaf), RFC 6962 section 2.1."""
    return sha256(b"\x00" + leaf).digest()


def _text(text: str) -> bytes:
    encoded = text.encode()
    return _INT4(len(encoded)) + encoded
