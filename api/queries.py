"""Two routes per table of the read model: a page of rows, and one row."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
import sqlalchemy as sa
from litestar import get
from litestar.handlers import HTTPRouteHandler

from api.answers import JSON, PRIVATE, Answer
from api.call import Call
from api.endpoints import Endpoint, handler
from api.refusals import FieldError, InvalidInput, InvalidPath, NotYetProjected
from api.resources import collection, collections
from api.services import Services
from application.principal import Principal
from application.reading import Rows
from domain.refusals import Forbidden, NotFound
from projections.queries import NEWEST_FIRST, Condition, Select, sql

READ_PERMISSION = "data.read"
"""Of `application.access`: what every query needs."""

PAGE_LIMIT = 500
"""Most rows of a page."""
DEFAULT_LIMIT = 50


class Page(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query parameters of a list."""

    limit: int = DEFAULT_LIMIT
    cursor: str | None = None


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row takes no query parameters."""


P = TypeVar("P", Page, Nothing)


def query_routes(table: sa.Table, services: Services) -> list[HTTPRouteHandler]:
    """The two routes of a table, under all its names."""
    paths = [f"/v1/{name}" for name in collections(table.name)]
    list_name, get_name = f"list_{table.name}", f"get_{table.name}"
    return [
        get(paths, name=list_name)(handler(list_name, list_endpoint(table, services), services)),
        get([f"{path}/{{id:str}}" for path in paths], name=get_name)(handler(get_name, get_endpoint(table, services), services)),
    ]


def list_endpoint(table: sa.Table, services: Services) -> Endpoint:
    """A page of the organization's rows, newest first."""

    async def run(call: Call) -> Answer:
        organization_id = await _reader_of(call, services)
        page = _parameters(call, Page)
        if not 1 <= page.limit <= PAGE_LIMIT:
            raise InvalidInput(FieldError(parameter="limit", detail=f"Expected an integer from 1 to {PAGE_LIMIT}"))
        after = None if page.cursor is None else _after(table, page.cursor)
        where = (Condition("organization_id", "=", organization_id),)
        found = await _rows(call, organization_id, Select(table, where, page.limit + 1, after=after), services)
        rows = found.rows[: page.limit]
        cursor = "null" if len(found.rows) <= page.limit else f'"{_cursor(rows[-1].keys)}"'
        body = f'{{"data":[{",".join(row.body for row in rows)}],"next_cursor":{cursor},"position":{found.position}}}'
        return Answer(200, [JSON, PRIVATE, _position(found)], body.encode())

    return run


def get_endpoint(table: sa.Table, services: Services) -> Endpoint:
    """One of the organization's rows; another's does not exist (O1)."""

    async def run(call: Call) -> Answer:
        organization_id = await _reader_of(call, services)
        _parameters(call, Nothing)
        where = (Condition("id", "=", _id(call.path["id"])), Condition("organization_id", "=", organization_id))
        found = await _rows(call, organization_id, Select(table, where, 1), services)
        if not found.rows:
            raise NotFound(what=table.name.removesuffix("s").replace("_", " "))
        row = found.rows[0]
        return Answer(200, [JSON, PRIVATE, _position(found), (b"etag", b'"%d"' % row.version)], row.body.encode())

    return run


async def _reader_of(call: Call, services: Services) -> UUID:
    """The organization whose rows the credential may read."""
    principal: Principal = await services.credentials.principal(call.headers.get(b"authorization"))
    if principal.organization_id is None:
        raise Forbidden(permission=READ_PERMISSION)
    await services.bus.ask(principal, lambda unit: services.authorize(READ_PERMISSION, unit))
    return principal.organization_id


async def _rows(call: Call, organization_id: UUID, select: Select, services: Services) -> Rows:
    """The rows, as of the position that the client wants to see or later. Mostly it is there already: look first, wait then."""
    wanted = call.min_position
    text, parameters = sql(select)
    found = await services.reads.rows(organization_id, text, parameters)
    if found.position < wanted:
        if not await services.reads.wait(organization_id, wanted, services.settings.wait_seconds):
            raise NotYetProjected(position=wanted)
        found = await services.reads.rows(organization_id, text, parameters)
    return found


def _parameters(call: Call, kind: type[P]) -> P:
    """The query parameters; what is unknown, repeated or of another type is refused by name."""
    try:
        pairs = parse_qsl(call.request.scope["query_string"].decode(), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise InvalidInput(FieldError(detail="The query string is not UTF-8, or has more than 100 parameters")) from None
    given = dict(pairs)
    known = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    errors = [FieldError(parameter=name, detail=f"Unknown; there is {', '.join(known) or 'none'}") for name in given if name not in known]
    if len(given) < len(pairs):
        errors.append(FieldError(detail="A query parameter is repeated"))
    for name, text in given.items():
        if name in known:
            try:
                msgspec.convert(text, known[name].type, strict=False)
            except msgspec.ValidationError as error:
                errors.append(FieldError(parameter=name, detail=str(error)))
    if errors:
        raise InvalidInput(*errors)
    return msgspec.convert(given, kind, strict=False)


def _id(text: str) -> UUID:
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise InvalidPath(parameter="id") from None


def _cursor(keys: str) -> str:
    return base64.urlsafe_b64encode(keys.encode()).decode().rstrip("=")


def _after(table: sa.Table, cursor: str) -> tuple[object, ...]:
    """The sort keys in a cursor, checked against the columns' types: whoever made it up gets no further."""
    kinds = [table.c[key.column].type.python_type for key in NEWEST_FIRST]
    try:
        texts = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[str | int])
        return tuple(_utc(msgspec.convert(text, kind)) for text, kind in zip(texts, kinds, strict=True))
    except (ValueError, OverflowError):
        raise InvalidInput(FieldError(parameter="cursor", detail=f"Not a cursor of {collection(table.name)}")) from None


def _utc(key: object) -> object:
    """Instants in UTC: an offset at the end of the calendar has none (OverflowError)."""
    return key.astimezone(UTC) if isinstance(key, datetime) else key


def _position(found: Rows) -> tuple[bytes, bytes]:
    return (b"stagebook-position", b"%d" % found.position)
