"""Letting a projection stand still, and go on: what an operator asks for, kept in the database, so that it outlives every worker."""

from __future__ import annotations

from typing import Literal

from projections.runner.checkpoint import seize
from projections.runner.values import Connection


async def pause(connection: Connection, projection: str) -> None:
    """Hold a projection still until `resume`, also when workers are started again. From the return on no row follows the log.

    A batch under way is committed before, or dropped and read again after `resume`. Two things do not wait: persons who are erased are
    emptied in the rows, and tables of an older version than the program's are rebuilt, for the program cannot read them.
    """
    await _set_state(connection, projection, "paused")


async def resume(connection: Connection, projection: str) -> None:
    """Let a paused projection go on; its worker notices within a second."""
    await _set_state(connection, projection, "live")


async def _set_state(connection: Connection, projection: str, state: Literal["live", "paused"]) -> None:
    async with connection.transaction():
        await seize(connection, projection)
        await connection.execute("update log.projection_leases set state = $2 where projection = $1", projection, state)
