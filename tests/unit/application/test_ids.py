"""Ids that begin outside of a unit."""

from __future__ import annotations

import os
import time
from uuid import RFC_4122

from application.ids import fresh_uuid7


def test_fresh_ids_are_uuid7s_of_this_moment_and_all_differ() -> None:
    before = time.time_ns() // 1_000_000
    ids = [fresh_uuid7() for _ in range(1_000)]
    after = time.time_ns() // 1_000_000
    assert len(set(ids)) == len(ids)
    assert {(made.version, made.variant) for made in ids} == {(7, RFC_4122)}
    assert all(before <= made.int >> 80 <= after for made in ids)


def test_a_forked_process_makes_other_ids() -> None:
    fresh_uuid7()  # so that random numbers are left over, which the child inherits
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, fresh_uuid7().bytes)
        os._exit(0)
    os.waitpid(child, 0)
    random = (1 << 62) - 1
    theirs = int.from_bytes(os.read(reading, 16), "big") & random
    os.close(reading)
    os.close(writing)
    assert theirs not in {fresh_uuid7().int & random for _ in range(1_000)}
