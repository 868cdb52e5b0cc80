"""Operations as clients see them, and who may see what."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from api.answers import JSON, PRIVATE, Answer, Header
from api.call import Call
from api.endpoints import failed
from api.problems import Problem
from api.queries.reader import id_of
from api.services import Services
from api.streams import Stream
from application.operations.model import ENDED, Operation, State
from application.principal import Principal
from application.reading import Sink
from application.unit import PLATFORM_ID, Unit
from domain.refusals import Conflict, NotFound

POLL_SECONDS = 1
"""How often a client that waits for the end should look, by the `Retry-After` of an operation that has not ended."""


class OperationView(msgspec.Struct, frozen=True, kw_only=True):
    """An operation: what is being done, and how far it is."""

    id: UUID
    kind: str
    state: State
    done: Annotated[int, Meta(description="Of `total`: commands of a batch, rows of an export")]
    total: Annotated[int | None, Meta(description="Null while nobody knows")]
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    results_until: Annotated[datetime | None, Meta(description="When what can be read of it is removed")]
    asked_by: Annotated[str, Meta(description="As the log names senders: `user:<id>`, `key:<id>`, `platform`")]
    correlation_id: str
    result: Annotated[dict[str, Any], Meta(description="What has come of it so far, in numbers that depend on the kind")]
    problem: Problem | None
    """When it has failed."""


class NotEnded(Conflict):
    """The operation is {state} still; what comes of it can be read when it has ended."""


class NoResult(Conflict):
    """The operation ended as {state}: there is no file."""


class ResultsRemoved(NotFound):
    """What came of the operation was removed at {results_until}."""


class NothingToRead(NotFound):
    """What comes of this operation, of the kind {kind}, is not read here."""


async def asker_of(call: Call, services: Services) -> Principal:
    """Whose credential it is. Raises `Unauthenticated`."""
    return await services.credentials.principal(call.headers.get(b"authorization"))


async def require(principal: Principal, permissions: Iterable[str], services: Services) -> None:
    """All of these, on the present state. Raises `Unauthenticated`, `Forbidden`."""

    def ask(unit: Unit) -> None:
        for permission in permissions:
            services.authorize(permission, unit)

    await services.bus.ask(principal, ask)


async def found(call: Call, services: Services) -> Operation:
    """The operation in the path. Raises `NotFound` for another organization's, `Forbidden` for who may not do what it does."""
    principal = await asker_of(call, services)
    operation = await services.operations.get(principal.organization_id or PLATFORM_ID, id_of(call))
    if operation is None:
        raise NotFound(what="operation")
    await require(principal, operation.permissions, services)
    return operation


def view(operation: Operation) -> OperationView:
    """What is shown of it."""
    own = {name: getattr(operation, name) for name in OperationView.__struct_fields__ if name not in ("asked_by", "problem")}
    return OperationView(**own, asked_by=operation.actor, problem=msgspec.convert(operation.problem, Problem | None))


def answer(operation: Operation, *, status: int = 200, headers: Iterable[Header] = ()) -> Answer:
    """The operation; while it has not ended, with the advice when to look again."""
    again = [] if operation.state in ENDED else [(b"retry-after", b"%d" % POLL_SECONDS)]
    return Answer(status, [JSON, PRIVATE, *again, *headers], msgspec.json.encode(view(operation)))


def accepted(operation: Operation, *, replayed: bool, headers: Iterable[Header] = ()) -> Answer:
    """202: the work will be done, and here is where to ask after it."""
    own = [(b"location", f"/v1/operations/{operation.id}".encode()), *headers]
    if replayed:
        own.append((b"idempotent-replayed", b"true"))
    return answer(operation, status=202, headers=own)


def check_readable(operation: Operation, kind: str) -> None:
    """Whether what came of it can be read. Raises `NothingToRead`, `NotEnded`, `ResultsRemoved`."""
    if operation.kind != kind:
        raise NothingToRead(kind=operation.kind)
    if operation.state not in ENDED:
        raise NotEnded(state=operation.state)
    if operation.outputs is None:
        raise ResultsRemoved(results_until=operation.results_until)


def output_stream(call: Call, operation: Operation, headers: Iterable[Header], services: Services) -> Stream:
    """All output, a piece at a time."""

    async def write(sink: Sink) -> None:
        async for piece in services.operations.outputs(operation):
            await sink(piece)

    return Stream([*headers, PRIVATE], write, lambda failure: failed(failure, "read_operation", call.correlation_id))
