"""What the API's description says of operations."""

from __future__ import annotations

from typing import Any, Final, get_args

from api.description import Content, Description
from api.openapi.parts import PARAMETERS, WITH_BODY, WITH_KEY, reference
from api.operations.batch import Line
from api.operations.export import ExportRequest
from api.operations.view import NoResult, NotEnded, NothingToRead, OperationView, ResultsRemoved
from api.queries.parameters import DEFAULT_LIMIT, PAGE_LIMIT
from api.queries.reader import READ_PERMISSION
from api.refusals import NotAcceptable, NotYetProjected
from application.operations.model import OperationEnded, State, TooManyOperations

_ID: Final = "019760f4-8a00-7c3e-9d41-5b6f0a1c2d3e"
_TAG: Final = "operations"
_HOLDERS: Final = "of all that it does"
"""Instead of one permission's name: whoever may do what the operation does."""

EXAMPLE: Final[dict[str, Any]] = {
    "id": _ID,
    "kind": "batch",
    "state": "running",
    "done": 300,
    "total": 4000,
    "created_at": "2027-06-12T19:30:00Z",
    "started_at": "2027-06-12T19:30:01Z",
    "ended_at": None,
    "results_until": None,
    "asked_by": f"user:{_ID}",
    "correlation_id": "import-4711",
    "result": {"by_status": {"201": 298, "409": 2}, "position": 4711},
    "problem": None,
}
_LINE: Final[dict[str, Any]] = {"index": 0, "status": 201, "body": {"id": _ID, "version": 1, "position": 4711}}


def _query(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": description, "schema": schema}


_LIMIT: Final = _query(
    "limit", "Of a page, at most", {"type": "integer", "minimum": 1, "maximum": PAGE_LIMIT, "default": DEFAULT_LIMIT, "examples": [100]}
)


def _cursor(example: str) -> dict[str, Any]:
    return _query("cursor", "`next_cursor` of the page before", {"type": "string", "examples": [example]})


def _page(kind: dict[str, Any], cursor: str) -> dict[str, Any]:
    """The schema of a page of these."""
    properties = {"data": {"type": "array", "items": kind}, "next_cursor": {"type": ["string", "null"], "description": cursor}}
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


OPERATION: Final = Content(OperationView, EXAMPLE)

LIST: Final = Description(
    summary="List operations, newest first",
    text="Work that goes on in the background, or did within the last 30 days.",
    contents=(Content(_page(reference("OperationView"), "Null on the last page"), {"data": [EXAMPLE], "next_cursor": None}),),
    tag=_TAG,
    permission=READ_PERMISSION,
    parameters=(
        _query("filter[state]", "Only those in this state", {"enum": [*get_args(State)], "examples": ["running"]}),
        _query("filter[kind]", "Only those of this kind", {"type": "string", "examples": ["batch"]}),
        _LIMIT,
        _cursor(_ID),
    ),
)
GET: Final = Description(
    summary="Ask how far an operation is",
    text="While it has not ended, the answer says with `Retry-After` when to ask again. Whoever may do what it does may see it.",
    contents=(OPERATION,),
    tag=_TAG,
    permission=_HOLDERS,
)
CANCEL: Final = Description(
    summary="Stop an operation",
    text="One that is queued ends at once. One that runs stops at its next step; what it has done stays done, and its result says so.",
    contents=(OPERATION,),
    statuses=((200, "It is cancelled"), (202, "It stops at its next step")),
    tag=_TAG,
    permission=_HOLDERS,
    failures=(OperationEnded,),
)
RESULTS: Final = Description(
    summary="Read the answers of a batch",
    text="One per command that was sent, in order; what a command shows once is not among it. As NDJSON, all of them.",
    contents=(
        Content(_page(reference("Line"), "Null on the last page"), {"data": [_LINE], "next_cursor": None}),
        Content(Line, _LINE, "application/x-ndjson"),
    ),
    tag=_TAG,
    permission=_HOLDERS,
    failures=(NotEnded, ResultsRemoved, NothingToRead, NotAcceptable),
    parameters=(_LIMIT, _cursor("50")),
)
RESULT: Final = Description(
    summary="Read the file of an export",
    text="It shows one position of the log, which stands in the header.",
    contents=(
        Content({"type": "string"}, f"id,name\n{_ID},Main Hall\n", "text/csv"),
        Content(
            {"type": "object", "description": "A row, with the fields that were asked for"},
            {"id": _ID, "name": "Main Hall"},
            "application/x-ndjson",
        ),
    ),
    tag=_TAG,
    permission=_HOLDERS,
    failures=(NotEnded, NoResult, ResultsRemoved, NothingToRead),
    headers=("Stagebook-Position",),
)
EXPORT: Final = Description(
    summary="Export a list in the background",
    text="`filter`, `sort` and `fields` are those of the list's query string. Read the file at `/v1/operations/{id}/result`.",
    contents=(OPERATION,),
    statuses=((202, "It will be done"),),
    tag=_TAG,
    permission=READ_PERMISSION,
    failures=(*WITH_BODY, *WITH_KEY, NotYetProjected, TooManyOperations),
    headers=("Location", "Idempotent-Replayed"),
    parameters=(PARAMETERS["IdempotencyKey"], PARAMETERS["MinPosition"]),
    body=Content(ExportRequest, {"collection": "venues", "format": "csv", "filter": {"capacity": {"gte": 100}}, "sort": "name"}),
)

PREFER: Final[dict[str, Any]] = {
    "name": "Prefer",
    "in": "header",
    "required": False,
    "description": "`respond-async` (RFC 7240): do it in the background",
    "schema": {"type": "string", "examples": ["respond-async"]},
}
