"""Exports as an operation: a whole list, written to a file that is kept for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, NamedTuple, TypeAlias

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from api.answers import Answer
from api.body import decode_object, escaped, field_error
from api.call import Call
from api.endpoints import Endpoint
from api.operations.view import NoResult, accepted, asker_of, check_readable, found, output_stream
from api.queries.lists import CONTENT_TYPES, export_statement
from api.queries.parameters import Parameters, export_query
from api.queries.reader import READ_PERMISSION, organization_of, position_header, reach
from api.refusals import FieldError, InvalidInput
from api.resources import collection, collections
from api.services import Services
from api.streams import Stream
from application.bus.port import CommandBus
from application.operations.model import NewOperation, Run, Work
from application.reading import Form, ReadStore
from application.unit import AccessHook
from domain.refusals import Forbidden
from projections.queries.sql import number

KIND: Final = "export"
PIECE: Final = 256 * 1024
"""Bytes that are written, sealed and read at once."""

Name = Annotated[str, Meta(max_length=40)]
Scalar: TypeAlias = str | int | float | bool
Operand: TypeAlias = Scalar | list[Scalar]


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to write, in the words of the list's query string."""

    collection: Annotated[str, Meta(description="What stands behind `/v1/`: `ticket-categories`")]
    format: Form
    filter: Annotated[
        dict[Name, Operand | dict[Name, Operand]],
        Meta(description='Per field a value, or values by operator: `{"status": "confirmed", "starts_at": {"gte": "2027-06-01"}}`'),
    ] = {}
    sort: Annotated[str | None, Meta(description="`-starts_at,name`; newest first where it is left out")] = None
    fields: Annotated[str | None, Meta(description="`id,name`; all of them where it is left out")] = None


class _Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What the writing needs to know."""

    collection: str
    format: Form
    given: dict[str, str]
    """The parameters as a query string would have them."""


class _Given(Parameters):
    """Parameters that do not stand in a query string."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.errors = []
        self._left = dict(given)


def export_endpoint(tables: Mapping[str, sa.Table], services: Services) -> Endpoint:
    """202."""
    served = _served(tables)

    async def run(call: Call) -> Answer:
        organization_id = await organization_of(call, services)
        body = await call.body()
        request = _request(decode_object(body))
        table = served.get(request.collection)
        if table is None:
            raise InvalidInput(FieldError(pointer="/collection", detail=f"Unknown; there is {', '.join(served)}"))
        asked = {parameter.name: parameter for parameter in _asked(request)}
        given = {name: parameter.text for name, parameter in asked.items()}
        try:
            export_query(_Given(given), table, organization_id)
        except InvalidInput as invalid:
            errors = (FieldError(pointer=asked[error.parameter or ""].pointer, detail=error.detail) for error in invalid.errors)
            raise InvalidInput(*errors) from None
        parameters = _Parameters(collection=request.collection, format=request.format, given=given)
        if wanted := call.min_position:
            await reach(organization_id, wanted, services)
        new = NewOperation(
            id=call.id,
            kind=KIND,
            principal=await asker_of(call, services),
            permissions=(READ_PERMISSION,),
            correlation_id=call.correlation_id,
            parameters=msgspec.json.encode(parameters),
            idempotency_key=call.idempotency_key,
            fingerprint=body,
        )
        operation, replayed = await services.operations.create(new)
        return accepted(operation, replayed=replayed)

    return run


def export_run(tables: Mapping[str, sa.Table], bus: CommandBus, reads: ReadStore, authorize: AccessHook) -> Run:
    """Writes the list, of one snapshot. After a crash it is written anew: the snapshot is gone."""
    served = _served(tables)

    async def run(work: Work) -> None:
        principal = work.claim.principal
        if principal.organization_id is None:
            raise Forbidden(permission=READ_PERMISSION)
        await bus.ask(principal, lambda unit: authorize(READ_PERMISSION, unit))
        parameters = msgspec.json.decode(await work.parameters(), type=_Parameters)
        select = export_query(_Given(parameters.given), served[parameters.collection], principal.organization_id)
        await work.begin_again()
        total = (await reads.fetch(principal.organization_id, *number(select))).rows[0]["count"]
        await work.step(done=0, total=total)
        form = parameters.format
        async with reads.export(principal.organization_id, *export_statement(select, form), form) as export:
            result = {"collection": collection(select.table.name), "format": form, "position": export.position}
            pieces = _Pieces(work, total, form, result)
            await export.copy(pieces.add)
            await pieces.end()

    return run


class _Pieces:
    """Gathers what is written to pieces of about one size, and counts the rows."""

    def __init__(self, work: Work, total: int, form: Form, result: Mapping[str, Any]) -> None:
        self._work = work
        self._total = total
        self._result = result
        self._waiting = bytearray()
        self._bytes = 0
        self._lines = 0
        self._header = int(form == "csv")
        self._quotes = form == "csv"
        self._quoted = False

    async def add(self, chunk: bytes) -> None:
        """Take the next bytes."""
        self._waiting += chunk
        self._bytes += len(chunk)
        self._count(chunk)
        if len(self._waiting) >= PIECE:
            await self._step()

    async def end(self) -> None:
        """Write the rest. The total was asked for a moment before the snapshot was taken; now it is known."""
        self._total = self._lines - self._header
        await self._step()

    async def _step(self) -> None:
        rows = max(0, self._lines - self._header)
        piece = bytes(self._waiting)
        self._waiting.clear()
        result = {**self._result, "rows": rows, "bytes": self._bytes}
        await self._work.step(done=rows, total=max(rows, self._total), result=result, output=piece)

    def _count(self, chunk: bytes) -> None:
        """Lines that have ended; in CSV a line may go on within quotes."""
        if not self._quotes:
            self._lines += chunk.count(b"\n")
            return
        for text in chunk.split(b'"'):
            if not self._quoted:
                self._lines += text.count(b"\n")
            self._quoted = not self._quoted
        self._quoted = not self._quoted  # one quote less than texts


def result_endpoint(services: Services) -> Endpoint:
    """The file."""

    async def run(call: Call) -> Stream:
        operation = await found(call, services)
        check_readable(operation, KIND)
        if operation.state != "succeeded":
            raise NoResult(state=operation.state)
        result = operation.result
        headers = [
            (b"content-type", CONTENT_TYPES[result["format"]]),
            (b"content-disposition", f'attachment; filename="{result["collection"]}.{result["format"]}"'.encode()),
            (b"content-length", b"%d" % result["bytes"]),
            position_header(result["position"]),
        ]
        return output_stream(call, operation, headers, services)

    return run


def _served(tables: Mapping[str, sa.Table]) -> dict[str, sa.Table]:
    """By the names that they have behind `/v1/`."""
    return {name: table for table in tables.values() for name in collections(table.name)}


def _request(body: dict[str, Any]) -> ExportRequest:
    try:
        return msgspec.convert(body, ExportRequest)
    except msgspec.ValidationError as error:
        raise InvalidInput(field_error(error)) from None


class _Asked(NamedTuple):
    """A parameter that the list's query string would have."""

    name: str
    text: str
    pointer: str
    """Where it stands in the body."""


def _asked(request: ExportRequest) -> Iterator[_Asked]:
    for name, value in request.filter.items():
        if isinstance(value, dict):
            for operator, operand in value.items():
                yield _Asked(f"filter[{name}][{operator}]", _text(operand), f"/filter/{escaped(name)}/{escaped(operator)}")
        else:
            yield _Asked(f"filter[{name}]", _text(value), f"/filter/{escaped(name)}")
    if request.sort is not None:
        yield _Asked("sort", request.sort, "/sort")
    if request.fields is not None:
        yield _Asked("fields", request.fields, "/fields")


def _text(operand: Operand) -> str:
    if isinstance(operand, list):
        return ",".join(map(_text, operand))
    return operand if isinstance(operand, str) else msgspec.json.encode(operand).decode()
