"""Operations that read: a list, a row, a row's history; derived from what of a table can be read, filtered and sorted by."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from api.openapi.examples import EXAMPLE_ID, EXAMPLE_TIME
from api.openapi.parts import (
    EVERYWHERE,
    Failures,
    Operation,
    Schema,
    json_content,
    parameter_refs,
    problem_responses,
    reference,
    response_headers,
)
from api.openapi.query_parameters import history_parameters, list_parameters, row_parameters
from api.openapi.schemas import answer_name, some_name
from api.openapi.shared import Shared
from api.queries.history import HistoryPage
from api.queries.parameters import PAGE_LIMIT
from api.queries.reader import READ_PERMISSION
from api.refusals import InvalidHeader, InvalidInput, InvalidPath, NotAcceptable, NotYetProjected
from api.resources import collection, collections
from application.bus.messages import Busy
from domain.refusals import NotFound

_READING: Failures = (InvalidHeader, InvalidInput, NotYetProjected)
_ONE: Failures = (InvalidPath, NotFound)

URI_LIMIT = 65_534
"""Bytes that the HTTP server takes."""

_LISTS = (
    "A page in JSON; with `Accept: text/csv` or `application/x-ndjson` the whole list, streamed, without `limit`, `cursor`, `count` and "
    "`expand`. With `filter[log_position][gt]` rows come in the order in which they were changed, so that a client can follow."
)
_STEP: dict[str, Any] = {
    "position": 4711,
    "recorded_at": EXAMPLE_TIME,
    "type": "event.confirmed",
    "action": "changed",
    "changes": {"log_position": 4711, "stream_version": 3},
    "added": {},
    "actor": f"user:{EXAMPLE_ID}",
    "on_behalf_of": None,
    "reason": None,
    "command": "confirm_event",
    "command_id": EXAMPLE_ID,
    "causation_id": None,
    "correlation_id": "checkout-4711",
    "stream_id": EXAMPLE_ID,
    "stream_version": 3,
}


def list_operation(table: sa.Table, row: dict[str, Any], filters: Shared) -> Operation:
    """A page of rows, or all of them as a file. `row` is an example."""
    schema = _page(reference(answer_name(table)))
    schema["properties"]["count"] = {"type": "integer", "minimum": 0, "description": "Rows on all pages; with count=true"}
    content = json_content(schema, {"data": [row], "next_cursor": None, "position": 4711})["content"]
    content["text/csv"] = {"schema": {"type": "string", "description": "A line of column names, and a line per row"}, "example": _csv(row)}
    content["application/x-ndjson"] = {
        "schema": {"type": "string", "description": "A row per line, in JSON"},
        "example": f"{msgspec.json.encode(row).decode()}\n",
    }
    operation = _operation(
        table,
        "list",
        f"List {_words(table)}, newest first",
        description=_LISTS,
        parameters=list_parameters(table, filters),
        answer={"description": "A page, or the whole list", "headers": response_headers("Stagebook-Position"), "content": content},
        failures=(Busy, NotAcceptable),
    )
    # A filter may have hundreds of values: such URIs do not get to the program.
    operation["responses"]["414"] = {"description": f"The URI is longer than {URI_LIMIT} bytes; there is no body"}
    return operation


def get_operation(table: sa.Table, row: dict[str, Any]) -> Operation:
    """One row, as it is or as it was."""
    headers = response_headers("ETag", "Stagebook-Position")
    return _operation(
        table,
        "get",
        f"Read one of the {_words(table)}",
        description="As it is now, or with `as_of` as it was: the row that the records up to then had made.",
        parameters=row_parameters(table),
        answer={"description": "The row", "headers": headers, **json_content(reference(answer_name(table)), row)},
        failures=_ONE,
    )


def history_operation(table: sa.Table, step: Schema) -> Operation:
    """Who did what to a row. `step` is the schema of what one record did."""
    changes = {**reference(some_name(table)), "unevaluatedProperties": False, "description": "The new values of columns"}
    added = {**step["properties"]["added"], "additionalProperties": {"type": ["number", "string"]}}
    own = {**step, "title": f"{table.name}_step", "properties": {**step["properties"], "changes": changes, "added": added}}
    page = {"data": [_STEP], "next_cursor": None, "position": 4711}
    return _operation(
        table,
        "history_of",
        f"Read what happened to one of the {_words(table)}",
        description="The records that touched it, oldest first: who, when, why, and what changed. Also of one that is deleted.",
        parameters=history_parameters(table),
        answer={"description": "A page", "headers": response_headers("Stagebook-Position"), **json_content(_page(own), page)},
        failures=_ONE,
    )


def step_schema() -> Schema:
    """What one record did to a row of any table."""
    _, components = msgspec.json.schema_components([HistoryPage], ref_template=reference("{name}")["$ref"])
    step: Schema = components["Step"]
    return step


def _operation(table: sa.Table, kind: str, summary: str, *, failures: Failures, **more: Any) -> Operation:
    """Of all three kinds; `more` has description, parameters and the successful answer."""
    names = collections(table.name)
    served = [f"Served as {' and as '.join(f'/v1/{name}' for name in names)}."] if len(names) > 1 else []
    return {
        "operationId": f"{kind}_{table.name}",
        "tags": [collection(table.name)],
        "summary": summary,
        "description": "\n\n".join([more["description"], *served]),
        "parameters": [*more["parameters"], *parameter_refs("MinPosition", "CorrelationId")],
        "responses": {"200": more["answer"], **problem_responses(EVERYWHERE, _READING, failures)},
        "x-permission": READ_PERMISSION,
    }


def _page(item: Schema) -> Schema:
    properties = {
        "data": {"type": "array", "items": item, "maxItems": PAGE_LIMIT},
        "next_cursor": {"type": ["string", "null"], "description": "Null on the last page"},
        "position": {"type": "integer", "minimum": 0, "description": "The position in the log that this shows"},
    }
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


def _csv(row: dict[str, Any]) -> str:
    texts = ["" if value is None else str(value) for value in row.values() if not isinstance(value, dict | list)]
    names = [name for name, value in row.items() if not isinstance(value, dict | list)]
    return f"{','.join(names)}\n{','.join(texts)}\n"


def _words(table: sa.Table) -> str:
    return table.name.replace("_", " ")
