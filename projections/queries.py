"""From a description of what to read to one SQL statement that answers with JSON: pure, derived from the tables' metadata."""

from __future__ import annotations

from functools import cache
from typing import Literal, NamedTuple

import sqlalchemy as sa

from domain.money import EXPONENTS

Operator = Literal["="]


SECRETS = frozenset({("api_keys", "hash")})
"""(table, column) of what is no reader's business."""


class Condition(NamedTuple):
    """What holds of a column: `column operator value`."""

    column: str
    operator: Operator
    value: object


class Sort(NamedTuple):
    """One sort key."""

    column: str
    descending: bool = False


NEWEST_FIRST = (Sort("created_at", descending=True), Sort("id", descending=True))
"""The default order of every list; unique because `id` is."""


class Select(NamedTuple):
    """Rows of one table. All sort keys run in one direction, so that a page begins after one row comparison."""

    table: sa.Table
    where: tuple[Condition, ...]
    limit: int
    sort: tuple[Sort, ...] = NEWEST_FIRST
    after: tuple[object, ...] | None = None
    """Sort keys of the last row of the page before, as Python values of the columns' types."""


class Sql(NamedTuple):
    """A statement of (body, version, keys) per row, and its parameters, $1 and so on."""

    text: str
    parameters: tuple[object, ...]


def sql(select: Select) -> Sql:
    """The statement. Its text depends on the shape of the description only, never on a value."""
    parameters = [condition.value for condition in select.where]
    conditions = [f't."{c.column}" {c.operator} ${n}' for n, c in enumerate(select.where, 1)]
    if select.after is not None:
        keys = ", ".join(f't."{key.column}"' for key in select.sort)
        values = ", ".join(f"${n}" for n, _ in enumerate(select.after, len(parameters) + 1))
        conditions.append(f"({keys}) {'<' if select.sort[0].descending else '>'} ({values})")
        parameters.extend(select.after)
    parameters.append(select.limit)
    sort_keys = ", ".join(f'r."{key.column}"' for key in select.sort)
    text = (
        f"select row_to_json(r)::text as body, r.stream_version as version, json_build_array({sort_keys})::text as keys "  # noqa: S608  # names from metadata, values are parameters
        f"from ({_columns(select.table)} where {' and '.join(conditions)} order by {_order('t', select.sort)} limit ${len(parameters)}) r "
        f"order by {_order('r', select.sort)}"
    )
    return Sql(text, tuple(parameters))


def shown(table: sa.Table) -> list[sa.Column[object]]:
    """The columns that leave the program."""
    return [column for column in table.columns if (table.name, column.name) not in SECRETS]


def is_money(column: sa.Column[object]) -> bool:
    """Whether the column holds an amount in major units, `numeric(18,3)`."""
    kind = column.type
    return isinstance(kind, sa.Numeric) and (kind.precision, kind.scale) == (18, 3)


@cache
def _columns(table: sa.Table) -> str:
    columns = shown(table)
    texts = ", ".join(_money(column.name) if is_money(column) else f't."{column.name}"' for column in columns)
    source = f'select {texts} from "{table.schema}"."{table.name}" t'  # noqa: S608  # names from metadata
    if not any(map(is_money, columns)):
        return source
    return f"{source} cross join lateral (select {_DECIMALS.format(_currency(table))} as decimals) m"


def _money(name: str) -> str:
    """With the currency's decimals, as text (O5): `120.00`. No digit is ever rounded away: a percentage may share the column."""
    return f'round(t."{name}", greatest(min_scale(t."{name}"), m.decimals))::text as "{name}"'


def _currency(table: sa.Table) -> str:
    """Where the currency of a row's amounts stands: beside them, else at the row's Event, else at its organization."""
    if "currency" in table.c:
        return "t.currency"
    if "event_id" in table.c:
        return f'(select e.currency from "{table.schema}".events e where e.id = t.event_id)'  # noqa: S608  # names from metadata
    return f'(select o.default_currency from "{table.schema}".organizations o where o.id = t.organization_id)'  # noqa: S608  # names from metadata


def _codes(exponent: int) -> str:
    return ", ".join(f"'{code}'" for code, decimals in sorted(EXPONENTS.items()) if decimals == exponent)


_DECIMALS = f"case when {{0}} in ({_codes(0)}) then 0 when {{0}} in ({_codes(3)}) then 3 else 2 end"


def _order(alias: str, sort: tuple[Sort, ...]) -> str:
    return ", ".join(f'{alias}."{key.column}"{" desc" if key.descending else ""}' for key in sort)
