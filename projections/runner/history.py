"""The index from a row to the records that touched it: what a row's history, and the row as of a position, are found by.

A projection keeps it where its metadata says `info={"row_records": True}`, beside its tables and in step with them: one entry for each
record that inserted, changed, emptied or removed the row, also by a cascade. Entries of removed rows stay. Tables whose rows are never
changed by a projector are left out by `info={"history": False}`: their `log_position` says it all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from struct import Struct
from typing import Final
from uuid import UUID

from projections.runner.model import Shape
from projections.runner.target import Target
from projections.runner.values import Connection, quoted

TABLE: Final = "row_records"
COLUMNS: Final = ("row_id", "position")
"""Together the primary key."""

_HEADER: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_entry: Final = Struct(">hi16siq").pack
"""Of a binary COPY: how many columns, then the size and the value of each."""

Touch = tuple[UUID, int]
"""A row's id, and the position of a record that touched it."""


class Touches:
    """What one fold does to which rows."""

    def __init__(self) -> None:
        self._touches: defaultdict[Shape, list[Touch]] = defaultdict(list)
        self._removed: defaultdict[Shape, dict[UUID, int]] = defaultdict(dict)

    def add(self, shape: Shape, row_id: UUID, position: int) -> None:
        """The record touched the row, if it was still there."""
        if shape.history:
            self._touches[shape].append((row_id, position))

    def extend(self, shape: Shape, touches: Iterable[Touch]) -> None:
        """Several at once."""
        if shape.history:
            self._touches[shape].extend(touches)

    def remove(self, shape: Shape, row_id: UUID, position: int) -> None:
        """The record removed the row: later ones of the fold did not touch it."""
        self.add(shape, row_id, position)
        self._removed[shape][row_id] = position

    def __iter__(self) -> Iterator[Touch]:
        for shape, touches in self._touches.items():
            if removed := self._removed[shape]:
                yield from (touch for touch in touches if touch[1] <= removed.get(touch[0], touch[1]))
            else:
                yield from touches


async def remember(target: Target, touches: Iterable[Touch]) -> None:
    """Write the entries, once where rows of several tables have one id. All of them must be new.

    There are more of them than rows, so they are made for PostgreSQL here: that takes half of the time that the driver takes.
    """
    entries = {_entry(2, 16, row_id.bytes, 8, position) for row_id, position in touches}
    if entries:
        await target.connection.copy_to_table(
            TABLE, schema_name=target.schema, columns=COLUMNS, format="binary", source=_chunks(_HEADER, b"".join(entries), _TRAILER)
        )


async def _chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def create_bare(connection: Connection, schema: str) -> None:
    """Make the table without its key."""
    await connection.execute(f"create table {quoted(schema)}.{TABLE} (row_id uuid not null, position bigint not null)")


async def complete(connection: Connection, schema: str) -> None:
    """Add the key."""
    await connection.execute(f"alter table {quoted(schema)}.{TABLE} add primary key ({', '.join(COLUMNS)})")
