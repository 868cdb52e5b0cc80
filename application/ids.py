"""Identifiers are UUIDv7. Those made inside a unit derive from its command, so that a re-run makes them again; others are drawn."""

from __future__ import annotations

import os
import time
from datetime import datetime
from hashlib import blake2b
from uuid import UUID, SafeUUID

_new = object.__new__
_set = object.__setattr__
_UNKNOWN = SafeUUID.unknown


def derived_uuid7(now: datetime, command_id: UUID, n: int) -> UUID:
    """The n-th UUIDv7 (RFC 9562) of a command: 48 bits of `now` in milliseconds, 74 bits of a hash of (command id, n)."""
    rest = int.from_bytes(blake2b(n.to_bytes(4, "big"), key=command_id.bytes, digest_size=10).digest(), "big")
    return _uuid7(int(now.timestamp() * 1000) & 0xFFFFFFFFFFFF, rest)


def fresh_uuid7() -> UUID:
    """A UUIDv7 of this moment with 74 random bits: for command ids and whatever else begins outside of a unit."""
    return _uuid7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))


def _uuid7(milliseconds: int, rest: int) -> UUID:
    # Several a command: made as the class makes itself, without looking at six other ways to say what it is.
    made = _new(UUID)
    _set(made, "int", milliseconds << 80 | 0x7 << 76 | (rest >> 68 & 0xFFF) << 64 | 0b10 << 62 | rest & 0x3FFFFFFFFFFFFFFF)
    _set(made, "is_safe", _UNKNOWN)
    return made
