"""One row: as it is, or as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa

from api.answers import JSON, PRIVATE, Answer, Header
from api.call import Call
from api.endpoints import Endpoint
from api.queries.kept import Reading
from api.queries.parameters import Parameters, view_of
from api.queries.reader import fetch, id_of, organization_of, position_header
from api.queries.values import moment
from api.refusals import FieldError
from api.services import Services
from domain.refusals import NotFound
from projections.history import Past, record_of, records_query, row_query
from projections.queries import Condition, Select, singular
from projections.queries.sql import one

ONE_PARAMETERS: Final = ("fields", "expand", "as_of")

_YIELD_EVERY: Final = 500
"""Records that are folded in a row, before others of the process get their turn."""


def get_endpoint(table: sa.Table, services: Services) -> Endpoint:
    """One of the organization's rows; another's does not exist (O1)."""

    async def run(call: Call) -> Answer:
        organization_id = await organization_of(call, services)
        given = Parameters(call)
        view = view_of(given, table)
        as_of = given.take("as_of", moment, None)
        if as_of is not None and view.expand:
            given.errors.append(FieldError(parameter="expand", detail="Rows of the past cannot be expanded"))
        given.check(ONE_PARAMETERS)
        row_id = id_of(call)
        if as_of is not None:
            past = Past(table, row_id)
            position = await _fold(past, organization_id, as_of, services)
            if past.row is None:
                raise _not_found(table)
            shown = await fetch(organization_id, row_query(table, past.row, view), 0, services)
            return Answer(200, _headers(shown.rows[0], position), shown.rows[0]["body"])
        where = (Condition("id", "eq", row_id), Condition("organization_id", "eq", organization_id))
        found = await fetch(organization_id, one(Select(table, where, None, (), view=view)), call.min_position, services)
        if not found.rows:
            raise _not_found(table)
        row = found.rows[0]
        return Reading(_headers(row, found.position), row["body"], organization_id, found.position)

    return run


async def _fold(past: Past, organization_id: UUID, as_of: int | datetime, services: Services) -> int:
    """Apply the records that touched the row up to a moment; returns its position."""
    position = as_of if isinstance(as_of, int) else await services.reads.position_at(as_of)
    found = await fetch(organization_id, records_query(past.table, past.id, organization_id, upto=position), position, services)
    records = [record_of(row) for row in found.rows]
    await services.codec.prepare(records)
    for n, record in enumerate(records, 1):
        past.apply(services.codec.decode(record), record)
        if n % _YIELD_EVERY == 0:
            await asyncio.sleep(0)
    return position


def _headers(row: Mapping[str, Any], position: int) -> list[Header]:
    return [JSON, PRIVATE, position_header(position), (b"etag", b'"%d"' % row["version"])]


def _not_found(table: sa.Table) -> NotFound:
    return NotFound(what=singular(table.name).replace("_", " "))
