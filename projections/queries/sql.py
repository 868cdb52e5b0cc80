"""The statements: one per request, whatever is expanded. Names come from the metadata, values are parameters."""

# ruff: noqa: S608  # only names of the metadata are put into statements

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import sqlalchemy as sa

from projections.queries.fields import Operator
from projections.queries.render import as_cells, name_of, order, rendered
from projections.queries.select import Condition, Select, Sort, View

_COMPARISONS: Final[dict[Operator, str]] = {
    "eq": "{column} = {value}",
    "ne": "{column} is distinct from {value}",
    "in": "{column} = any({value})",
    "gt": "{column} > {value}",
    "gte": "{column} >= {value}",
    "lt": "{column} < {value}",
    "lte": "{column} <= {value}",
    # Without an escape character no pattern is malformed.
    "like": "{column} ilike {value} escape ''",
}


class Sql(NamedTuple):
    """A statement and its parameters, $1 and so on. Statements of one shape have one text, so that the database plans them once."""

    text: str
    parameters: tuple[object, ...]


class _Shape(NamedTuple):
    """What of a statement depends on the description, without its values."""

    table: sa.Table
    where: str
    beyond: str
    """Where the page begins, if not with the first row."""
    limit: int | None
    """In the text: with an unknown number of rows no plan would be kept, and planning costs more than running."""
    sort: tuple[Sort, ...]
    view: View


def one(select: Select) -> Sql:
    """At most one row: `body` (JSON object, as bytes) and `version` (its ETag)."""
    shape, parameters = _shape(select)
    return Sql(_one(shape), parameters)


def page(select: Select, *, counted: bool = False) -> Sql:
    """One row that holds a page.

    `data`: the objects with commas between them, as bytes. `last`: JSON list of the sort keys of the last one; NULL when no page follows.
    `count`, when asked for: the number of rows on all pages.
    """
    assert select.limit is not None  # noqa: S101  # for the type checker: a page has an end
    # One row more than the page holds tells whether another page follows.
    shape, parameters = _shape(select._replace(limit=select.limit + 1))
    return Sql(_page(shape, counted), parameters)


def lines(select: Select) -> Sql:
    """All rows in order: `line`, the JSON object as text."""
    shape, parameters = _shape(select)
    return Sql(f"select r.body::text as line from ({rendered(select.table, _found(shape), select.view)}) r", parameters)


def cells(select: Select) -> Sql:
    """All rows in order, a column each, as text for CSV."""
    shape, parameters = _shape(select)
    return Sql(as_cells(select.table, _found(shape), select.view), parameters)


def number(select: Select) -> Sql:
    """One row: `count`, the number of rows on all pages."""
    shape, parameters = _shape(select._replace(after=None, limit=None))
    return Sql(f"select {_count(shape)} as count", parameters)


def _shape(select: Select) -> tuple[_Shape, tuple[object, ...]]:
    """The conditions with numbered parameters, and the parameters."""
    parameters: list[object] = []

    def placed(value: object) -> str:
        parameters.append(value)
        return f"${len(parameters)}"

    def holds(condition: Condition) -> str:
        column = f't."{condition.column}"'
        if condition.operator == "is_null":
            return f"{column} is {'null' if condition.value else 'not null'}"
        return _COMPARISONS[condition.operator].format(column=column, value=placed(condition.value))

    conditions = [holds(condition) for condition in select.where]
    beyond = ""
    if select.after is not None:
        keys = [(key, None if value is None else placed(value)) for key, value in zip(select.sort, select.after, strict=True)]
        beyond = f" and {_beyond(select.table, keys)}"
    return _Shape(select.table, " and ".join(conditions), beyond, select.limit, select.sort, select.view), tuple(parameters)


def _beyond(table: sa.Table, keys: list[tuple[Sort, str | None]]) -> str:
    """The rows after a row with these keys: where the order allows it one comparison of rows, which an index can answer."""
    if len({key.descending for key, _ in keys}) == 1 and not any(table.c[key.column].nullable for key, _ in keys):
        names, values = ", ".join(f't."{key.column}"' for key, _ in keys), ", ".join(str(value) for _, value in keys)
        return f"({names}) {'<' if keys[0][0].descending else '>'} ({values})"
    alternatives = []
    for n, (key, value) in enumerate(keys):
        same = [f't."{k.column}" is null' if v is None else f't."{k.column}" = {v}' for k, v in keys[:n]]
        alternatives.append(" and ".join([*same, _past(key, value, nullable=bool(table.c[key.column].nullable))]))
    return f"({' or '.join(f'({alternative})' for alternative in alternatives)})"


def _past(key: Sort, value: str | None, *, nullable: bool) -> str:
    """One key beyond a value. PostgreSQL puts NULL last when it ascends and first when it descends."""
    column = f't."{key.column}"'
    if value is None:
        return f"{column} is not null" if key.descending else "false"
    if key.descending:
        return f"{column} < {value}"
    return f"({column} > {value} or {column} is null)" if nullable else f"{column} > {value}"


def _found(shape: _Shape) -> str:
    sort = f" order by {order(shape.sort)}" if shape.sort else ""
    limit = "" if shape.limit is None else f" limit {shape.limit}"
    return f"select * from {name_of(shape.table)} t where {shape.where}{shape.beyond}{sort}{limit}"


def _count(shape: _Shape) -> str:
    return f"(select count(*) from {name_of(shape.table)} t where {shape.where})"


@lru_cache(maxsize=1024)
def _one(shape: _Shape) -> str:
    query = rendered(shape.table, _found(shape), shape.view, "t.stream_version as version")
    return f"select convert_to(r.body::text, 'UTF8') as body, r.version from ({query}) r"


@lru_cache(maxsize=1024)
def _page(shape: _Shape, counted: bool) -> str:
    assert shape.limit is not None  # noqa: S101  # for the type checker: a page has an end
    size = shape.limit - 1
    numbered = f"select *, row_number() over () as n from ({_found(shape)}) t"
    keys = ", ".join(f't."{key.column}"' for key in shape.sort)
    query = rendered(shape.table, numbered, shape.view, "t.n", f"case when t.n = {size} then json_build_array({keys})::text end as keys")
    # Rows come numbered as they are; only a join could change their order.
    order_by = " order by r.n" if shape.view.expand else ""
    count = f", {_count(shape)} as count" if counted else ""
    return (
        f"select convert_to(coalesce(string_agg(r.body::text, ','{order_by}) filter (where r.n <= {size}), ''), 'UTF8') as data, "
        f"case when count(*) > {size} then max(r.keys) end as last{count} from ({query}) r"
    )
