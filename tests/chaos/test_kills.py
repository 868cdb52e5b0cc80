"""Parts of the system are killed while customers order. Nothing acknowledged is lost or done twice, and everything recovers by itself."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator

import psycopg

from tests.support.crowd import Crowd
from tests.support.stack import Stack, until

Rounds = Callable[[], Iterator[int]]

RECOVERED = 20
"""Orders that are acknowledged after each kill before the next one."""


def test_the_database_is_killed_and_every_acknowledged_order_is_there_once(
    stack: Stack, crowd: Crowd, rounds: Rounds, everything_is_right: Callable[[], None]
) -> None:
    api = stack.pid("serve")
    with crowd.ordering():
        crowd.wait_for(RECOVERED)
        for _ in rounds():
            stack.kill("postgres")
            crowd.wait_for(RECOVERED)
    everything_is_right()
    crowd.check(stack)
    assert crowd.retries, "nobody noticed the kill"
    assert stack.pid("serve") == api, "the API did not recover by itself"


def test_the_api_is_killed_and_every_acknowledged_order_is_there_once(
    stack: Stack, crowd: Crowd, rounds: Rounds, everything_is_right: Callable[[], None]
) -> None:
    with crowd.ordering():
        crowd.wait_for(RECOVERED)
        for _ in rounds():
            stack.kill("serve")
            crowd.wait_for(RECOVERED)
    everything_is_right()
    crowd.check(stack)
    assert crowd.retries, "nobody noticed the kill"


def test_a1_the_worker_is_killed_anywhere_and_the_rows_are_those_of_a_replay(
    stack: Stack, crowd: Crowd, rounds: Rounds, everything_is_right: Callable[[], None]
) -> None:
    moments = random.Random(1)  # noqa: S311  # moments, not secrets
    with crowd.ordering():
        for _ in rounds():
            crowd.wait_for(RECOVERED)
            time.sleep(moments.random())
            stack.kill("work")
    everything_is_right()
    crowd.check(stack)


def test_a_worker_that_takes_the_place_of_one_that_died_does_not_wait_for_its_lease(
    stack: Stack,
) -> None:
    query = "select epoch, expires_at, clock_timestamp() from log.projection_leases where projection = 'relational'"
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        [(epoch, lease_ends, _)] = connection.execute(query)
        stack.kill("work")
        until(lambda: next(connection.execute(query))[0] > epoch)
        [(_, _, taken_at)] = connection.execute(query)
    assert taken_at < lease_ends


def test_everything_is_killed_at_once_and_recovers(
    stack: Stack, crowd: Crowd, rounds: Rounds, everything_is_right: Callable[[], None]
) -> None:
    with crowd.ordering():
        crowd.wait_for(RECOVERED)
        for _ in rounds():
            for child in ("work", "serve", "postgres"):
                stack.kill(child)
            crowd.wait_for(RECOVERED)
    everything_is_right()
    crowd.check(stack)
