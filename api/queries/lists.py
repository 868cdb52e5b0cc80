"""Lists: a page in JSON, or the whole of it as CSV or NDJSON."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import sqlalchemy as sa

from api.answers import JSON, PRIVATE, Answer
from api.call import Call
from api.endpoints import Endpoint, failed
from api.queries.accept import accepted
from api.queries.cursor import cursor_of
from api.queries.kept import Reading
from api.queries.parameters import Parameters, export_query, list_query
from api.queries.reader import fetch, organization_of, position_header, reach
from api.resources import collection
from api.services import Services
from api.streams import Stream
from application.reading import Form, Sink
from projections.queries import Select
from projections.queries.sql import Sql, cells, lines, page

MEDIA_TYPES: Final[dict[str, Form | None]] = {"application/json": None, "application/x-ndjson": "ndjson", "text/csv": "csv"}
"""What a list can be had as; JSON comes by pages."""

CONTENT_TYPES: Final[dict[Form, bytes]] = {"ndjson": b"application/x-ndjson", "csv": b"text/csv; charset=utf-8; header=present"}


def list_endpoint(table: sa.Table, services: Services) -> Endpoint:
    """The organization's rows of a table."""

    async def run(call: Call) -> Answer | Stream:
        organization_id = await organization_of(call, services)
        form = MEDIA_TYPES[accepted(call.headers.get(b"accept"), MEDIA_TYPES)]
        if form is not None:
            return await _whole(call, export_query(Parameters(call), table, organization_id), organization_id, form, services)
        query = list_query(call, table, organization_id)
        found = await fetch(organization_id, page(query.select, counted=query.counted), call.min_position, services)
        row = found.rows[0]
        cursor = b"null" if row["last"] is None else b'"%b"' % cursor_of(query.select.sort, row["last"]).encode()
        count = b',"count":%d' % row["count"] if query.counted else b""
        body = b'{"data":[%b],"next_cursor":%b,"position":%d%b}' % (row["data"], cursor, found.position, count)
        return Reading([JSON, PRIVATE, position_header(found.position)], body, organization_id, found.position)

    return run


async def _whole(call: Call, select: Select, organization_id: UUID, form: Form, services: Services) -> Stream:
    """All rows, of one snapshot, whose position stands in the header."""
    if wanted := call.min_position:
        await reach(organization_id, wanted, services)
    name = f"{collection(select.table.name)}.{form}"
    headers = [(b"content-type", CONTENT_TYPES[form]), (b"content-disposition", f'attachment; filename="{name}"'.encode()), PRIVATE]

    async def write(sink: Sink) -> None:
        async with services.reads.export(organization_id, *export_statement(select, form), form) as export:
            headers.append(position_header(export.position))
            await export.copy(sink)

    return Stream(headers, write, lambda failure: failed(failure, f"list_{select.table.name}", call.correlation_id))


def export_statement(select: Select, form: Form) -> Sql:
    """The statement of a whole list in this form."""
    return cells(select) if form == "csv" else lines(select)
