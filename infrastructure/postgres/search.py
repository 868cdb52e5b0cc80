"""Looking for records backwards from the end of the log, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

from application.ports import Record
from infrastructure.postgres.pool import APPENDER, close_pool, open_pool

_LAST: Final = f"""
select {", ".join(Record._fields)} from log.records
where ($1::text[] is null or type = any ($1)) and ($2::uuid is null or organization_id = $2) and ($3::uuid is null or stream_id = $3)
order by position desc limit $4
"""  # noqa: S608  # column names only

_SECONDS: Final = 600.0
"""For a search that finds nothing in a long log."""


class Filter(NamedTuple):
    """Which records are wanted; None admits all."""

    types: Sequence[str] | None = None
    organization_id: UUID | None = None
    stream_id: UUID | None = None

    def admits(self, record: Record) -> bool:
        """Whether a record is wanted."""
        return (
            (self.types is None or record.type in self.types)
            and self.organization_id in {None, record.organization_id}
            and self.stream_id in {None, record.stream_id}
        )


async def last_records(url: str, wanted: Filter, number: int) -> list[Record]:
    """The last records that are wanted, at most `number`, in the order of the log."""
    # Planned for the values of each call: an index serves some filters, the way back from the end serves the others.
    pool = await open_pool(url, role=APPENDER, max_size=1, timeout=_SECONDS, settings={"plan_cache_mode": "force_custom_plan"})
    try:
        rows = await pool.fetch(_LAST, wanted.types, wanted.organization_id, wanted.stream_id, number)
    finally:
        await close_pool(pool)
    return [Record._make(row) for row in reversed(rows)]
