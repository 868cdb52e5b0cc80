"""From an instant to a position, on a real server."""

from __future__ import annotations

from datetime import UTC, datetime

import asyncpg

_SECONDS = (1, 2, 30, 3, 4, 31, 31, 50)
"""When each record was made, in the order of the log: the clocks of two processes differ by half a minute."""


def _at(second: int) -> datetime:
    return datetime(2027, 3, 1, 12, 0, second, tzinfo=UTC)


async def test_an_instant_means_the_prefix_before_the_first_record_that_is_later(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("select log.position_at($1)", _at(0)) == 0, "of an empty log"
        await connection.execute(
            """
            insert into log.records
            select n, gen_random_uuid(), n, gen_random_uuid(), gen_random_uuid(), 'x', 1, 'x', 1, '', '', at, ''
            from unnest($1::timestamptz[]) with ordinality as r (at, n)
            """,
            [_at(second) for second in _SECONDS],
        )
        for second in range(60):
            later = (n for n, other in enumerate(_SECONDS) if other > second)
            expected = next(later, len(_SECONDS))
            assert await connection.fetchval("select log.position_at($1)", _at(second)) == expected, second
    finally:
        await connection.close()
