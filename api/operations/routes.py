"""The routes of operations: a list, one, cancel, and what has come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, get_args
from uuid import UUID

import msgspec
import sqlalchemy as sa
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from api.answers import JSON, PRIVATE, Answer
from api.call import Call, HttpRequest
from api.description import described
from api.endpoints import Endpoint, handler
from api.operations.batch import results_endpoint
from api.operations.description import CANCEL, EXPORT, GET, LIST, RESULT, RESULTS
from api.operations.export import export_endpoint, result_endpoint
from api.operations.view import OperationView, answer, found, view
from api.queries.parameters import DEFAULT_LIMIT, Parameters, limited
from api.queries.reader import organization_of
from api.queries.values import Unfit
from api.services import Services
from application.operations.model import ENDED, Operation, State
from domain.refusals import NotFound

_STATES: Final[dict[str, State]] = {state: state for state in get_args(State)}
_PARAMETERS: Final = ("filter[state]", "filter[kind]", "limit", "cursor")


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the list."""

    data: tuple[OperationView, ...]
    """Newest first."""
    next_cursor: UUID | None
    """Null on the last page."""


def operation_routes(tables: Mapping[str, sa.Table], services: Services) -> list[HTTPRouteHandler]:
    """All below `/v1/operations`, and `/v1/exports`, which begins one."""
    path = "/v1/operations/{id:str}"

    def handled(name: str, endpoint: Endpoint) -> Callable[[HttpRequest], Awaitable[ASGIApp]]:
        return handler(name, endpoint, services)

    begin = handled("begin_export", export_endpoint(tables, services))
    results = handled("operation_results", results_endpoint(services))
    return [
        get("/v1/operations", name="list_operations", opt=described(LIST))(handled("list_operations", _list(services))),
        get(path, name="get_operation", opt=described(GET))(handled("get_operation", _get(services))),
        post(f"{path}/cancel", name="cancel_operation", opt=described(CANCEL))(handled("cancel_operation", _cancel(services))),
        get(f"{path}/result", name="operation_result", opt=described(RESULT))(handled("operation_result", result_endpoint(services))),
        get(f"{path}/results", name="operation_results", opt=described(RESULTS))(results),
        post("/v1/exports", status_code=202, name="begin_export", opt=described(EXPORT))(begin),
    ]


def _list(services: Services) -> Endpoint:
    async def run(call: Call) -> Answer:
        organization_id = await organization_of(call, services)
        given = Parameters(call)
        state = given.take("filter[state]", _state, None)
        kind = given.take("filter[kind]", _kind, None)
        limit = given.take("limit", limited, DEFAULT_LIMIT)
        before = given.take("cursor", _cursor, None)
        given.check(_PARAMETERS)
        operations = await services.operations.page(organization_id, limit=limit + 1, before=before, state=state, kind=kind)
        page = Page(
            data=tuple(map(view, operations[:limit])),
            next_cursor=operations[limit - 1].id if len(operations) > limit else None,
        )
        return Answer(200, [JSON, PRIVATE], msgspec.json.encode(page))

    return run


def _get(services: Services) -> Endpoint:
    async def run(call: Call) -> Answer:
        return answer(await found(call, services))

    return run


def _cancel(services: Services) -> Endpoint:
    """At once, where nobody has begun; else 202: it stops at its next step."""

    async def run(call: Call) -> Answer:
        operation: Operation | None = await found(call, services)
        assert operation is not None  # noqa: S101
        operation = await services.operations.cancel(operation.organization_id, operation.id)
        if operation is None:  # it was removed in between
            raise NotFound(what="operation")
        return answer(operation, status=200 if operation.state in ENDED else 202)

    return run


def _state(text: str) -> State:
    if text not in _STATES:
        raise Unfit(detail=f"Expected one of {', '.join(_STATES)}")
    return _STATES[text]


def _kind(text: str) -> str:
    if "\0" in text:
        raise Unfit(detail="Expected the name of a kind, such as batch")
    return text


def _cursor(text: str) -> UUID:
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise Unfit(detail="Not a cursor of this list") from None
