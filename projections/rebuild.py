"""Replaying the log into a fresh schema, and putting it in the place of the live one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from application.ports import Codec, Log, Record
from projections import ddl
from projections.changes import Projection
from projections.runner import model
from projections.runner.checkpoint import seize, settle_at
from projections.runner.park import Parked, apply_bisecting, is_fault_of_record, park, unpark
from projections.runner.project import Source
from projections.runner.target import Target
from projections.runner.values import Connection, speak
from projections.runner.write import apply

BATCH: Final = 20_000
"""Records folded together while nobody waits for them."""

Progress = Callable[[int, int], None]
"""Told after each batch of records: the position that is reached, and the one to be reached. Begins again when everything is done again."""


def tell_nobody(_position: int, _upto: int) -> None:
    """The `Progress` of those who do not watch."""


class Replay:
    """A projection's rows in a schema beside the live one, as of a position of the log."""

    def __init__(
        self, projection: Projection, *, connection: Connection, log: Log, codec: Codec, schema: str, progress: Progress = tell_nobody
    ) -> None:
        self.projection = projection
        self.connection = connection
        self.source = Source(projection, log, codec)
        self.schema = schema
        self.progress = progress
        self.position = 0
        self.parked: dict[UUID, Parked] = {}
        """Organizations whose rows stop before a record that cannot be applied."""

    async def fill(self, upto: int) -> None:
        """Make the schema anew with all rows as of a position, then add constraints and indexes. Raises what a record breaks."""
        await ddl.create_bare(self.connection, self.projection.metadata, self.schema)
        target = Target(self.connection, model.read(self.projection.metadata), schema=self.schema, indexed=False)
        async for records in self.source.batches(0, upto, BATCH):
            await apply(target, self.source.entries(records))
            self.progress(records[-1].position, upto)
        await ddl.complete(self.connection, self.projection.metadata, self.schema)
        self.position = upto

    async def start_over(self) -> None:
        """Make the schema anew without rows, with constraints and indexes."""
        await ddl.create_bare(self.connection, self.projection.metadata, self.schema)
        await ddl.complete(self.connection, self.projection.metadata, self.schema)
        self.position = 0

    async def follow(self, upto: int) -> None:
        """Bring the rows forward under all constraints, setting aside the organizations whose records break them."""
        target = Target(self.connection, model.read(self.projection.metadata), schema=self.schema)

        async def bring(part: Sequence[Record]) -> None:
            await apply(target, self.source.entries(part))

        async for records in self.source.batches(self.position, upto, BATCH):
            taking_part = [record for record in records if record.organization_id not in self.parked]
            self.parked |= await apply_bisecting(self.connection, taking_part, bring)
            self.progress(records[-1].position, upto)
        self.position = max(self.position, upto)


async def build(
    projection: Projection,
    *,
    connection: Connection,
    log: Log,
    codec: Codec,
    schema: str,
    upto: int | None = None,
    progress: Progress | None = None,
) -> Replay:
    """Make `schema` anew with the rows as of position `upto` (the head, if not given). Belongs into the caller's transaction.

    If the rows break a constraint, or a record cannot be read, it is done again with the constraints in place from the
    start, which is slower and finds whose record it is.
    """
    end = await log.head() if upto is None else upto
    replay = Replay(projection, connection=connection, log=log, codec=codec, schema=schema, progress=progress or tell_nobody)
    await speak(connection)
    try:
        async with connection.transaction():
            await replay.fill(end)
    except Exception as error:
        if not is_fault_of_record(error):
            raise
        await replay.start_over()
        await replay.follow(end)
    return replay


async def rebuild(projection: Projection, *, connection: Connection, log: Log, codec: Codec, progress: Progress | None = None) -> Replay:
    """Replace the live tables by what a replay gives. Readers see the old ones until the moment of the swap.

    One transaction: if it fails, nothing has happened. A live worker goes on meanwhile and is held up only while the
    last records are caught up; then it finds itself fenced and goes on with the new tables. The connection must admit
    statements of any length.
    """
    live = model.read(projection.metadata).schema
    async with connection.transaction():
        replay = await build(projection, connection=connection, log=log, codec=codec, schema=f"{live}_next", progress=progress)
        await replay.follow(await log.head())
        before = await seize(connection, projection.name)
        await replay.follow(await log.head())
        await ddl.swap(connection, live, replay.schema)
        await settle_at(connection, projection.name, version=projection.version, position=replay.position)
        await unpark(connection, projection.name, list(before.parked))
        await park(connection, projection.name, list(replay.parked.values()))
    # What this connection remembers of the tables is about the old ones.
    await connection.reload_schema_state()
    return replay
