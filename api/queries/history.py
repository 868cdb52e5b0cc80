"""The history of a row: who did what to it, when, why, and where that stands in the log."""

from __future__ import annotations

from typing import Final

import msgspec
import sqlalchemy as sa

from api.answers import JSON, PRIVATE, Answer
from api.call import Call
from api.endpoints import Endpoint
from api.queries.kept import Reading
from api.queries.parameters import DEFAULT_LIMIT, Parameters, limited
from api.queries.reader import fetch, id_of, organization_of, position_header
from api.queries.values import position
from api.services import Services
from domain.refusals import NotFound
from projections.history import Step, record_of, records_query, step
from projections.queries import singular

HISTORY_PARAMETERS: Final = ("limit", "cursor")


class HistoryPage(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of a history."""

    data: tuple[Step, ...]
    """Oldest first."""
    next_cursor: str | None
    """Null on the last page."""
    position: int
    """The position in the log that this shows."""


_encode: Final = msgspec.json.Encoder(decimal_format="number").encode


def history_endpoint(table: sa.Table, services: Services) -> Endpoint:
    """The records that touched one of the organization's rows; also of one that was deleted."""

    async def run(call: Call) -> Answer:
        organization_id = await organization_of(call, services)
        given = Parameters(call)
        limit = given.take("limit", limited, DEFAULT_LIMIT)
        after = given.take("cursor", position, 0)
        given.check(HISTORY_PARAMETERS)
        row_id = id_of(call)
        query = records_query(table, row_id, organization_id, after=after, limit=limit + 1)
        found = await fetch(organization_id, query, call.min_position, services)
        if not found.rows and not after:
            raise NotFound(what=singular(table.name).replace("_", " "))
        records = [record_of(row) for row in found.rows[:limit]]
        await services.codec.prepare(records)
        steps = tuple(step(table, row_id, services.codec.decode(record), record) for record in records)
        page = HistoryPage(
            data=steps,
            next_cursor=str(records[-1].position) if len(found.rows) > limit else None,
            position=found.position,
        )
        return Reading([JSON, PRIVATE, position_header(found.position)], _encode(page), organization_id, found.position)

    return run
