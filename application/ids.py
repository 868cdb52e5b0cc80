"""Identifiers are UUIDv7. Those made inside a unit derive from its command, so that a re-run makes them again; others are drawn."""

from __future__ import annotations

import os
import time
from datetime import datetime
from hashlib import blake2b
from uuid import UUID


def derived_uuid7(now: datetime, command_id: UUID, n: int) -> UUID:
    """The n-th UUIDv7 (RFC 9562) of a command: 48 bits of `now` in milliseconds, 74 bits of a hash of (command id, n)."""
    milliseconds = int(now.timestamp() * 1000) & 0xFFFFFFFFFFFF
    rest = int.from_bytes(blake2b(command_id.bytes + n.to_bytes(4, "big"), digest_size=10).digest(), "big")
    return _uuid7(milliseconds, rest)


def fresh_uuid7() -> UUID:
    """A UUIDv7 of this moment with 74 random bits: for command ids and whatever else begins outside of a unit."""
    return _uuid7(time.time_ns() // 1_000_000, int.from_bytes(os.urandom(10), "big"))


def _uuid7(milliseconds: int, rest: int) -> UUID:
    value = milliseconds << 80 | 0x7 << 76 | (rest >> 68 & 0xFFF) << 64 | 0b10 << 62 | rest & 0x3FFFFFFFFFFFFFFF
    return UUID(int=value)
