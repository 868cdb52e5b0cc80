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

_RANDOM_BYTES = 10
_DRAWS = 128
_drawn: list[int] = []
"""Random numbers that no id has been made of yet. A forked process draws its own: it would make the same ids."""
os.register_at_fork(after_in_child=_drawn.clear)


class DerivedIds:
    """The UUIDv7s (RFC 9562) of a command: 48 bits of its time in milliseconds, then a 74-bit hash of its id, counted on from there."""

    __slots__ = ("_milliseconds", "_next")

    def __init__(self, now: datetime, command_id: UUID) -> None:
        self._milliseconds = int(now.timestamp() * 1000) & 0xFFFFFFFFFFFF
        self._next = int.from_bytes(blake2b(command_id.bytes, digest_size=10).digest(), "big")

    def draw(self) -> UUID:
        """The next one; another object made of the same time and id draws the same."""
        self._next += 1
        return _uuid7(self._milliseconds, self._next)


def fresh_uuid7() -> UUID:
    """A UUIDv7 of this moment with 74 random bits: for command ids and whatever else begins outside of a unit."""
    if not _drawn:
        # Many at a time: asking the system costs more than all else here.
        block = memoryview(os.urandom(_DRAWS * _RANDOM_BYTES))
        _drawn.extend(int.from_bytes(block[at : at + _RANDOM_BYTES], "big") for at in range(0, len(block), _RANDOM_BYTES))
    return _uuid7(time.time_ns() // 1_000_000, _drawn.pop())


def _uuid7(milliseconds: int, rest: int) -> UUID:
    # Several a command: made as the class makes itself, without looking at six other ways to say what it is.
    made = _new(UUID)
    _set(made, "int", milliseconds << 80 | 0x7 << 76 | (rest >> 68 & 0xFFF) << 64 | 0b10 << 62 | rest & 0x3FFFFFFFFFFFFFFF)
    _set(made, "is_safe", _UNKNOWN)
    return made
