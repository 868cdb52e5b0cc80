"""Rows as JSON objects, made by PostgreSQL: columns with their conventions, and expanded relations."""

# ruff: noqa: S608  # only names of the metadata are put into statements

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

from domain.money import EXPONENTS
from projections.queries.fields import Field, fields, is_money
from projections.queries.relations import Relation, relations
from projections.queries.select import NEWEST_FIRST, Sort, View

EXPANDED_LIMIT: Final = 100
"""Rows of an expanded list; the others are found by its own collection."""

TRUNCATED: Final = "{name}_truncated"
"""The property that says whether an expanded list has more rows than are shown."""


def rendered(table: sa.Table, found: str, view: View, *columns: str) -> str:
    """A query of the rows that the query `found` finds: `body`, the JSON object, and further columns, expressions over the row `t`."""
    expanded = [relations(table)[name] for name in view.expand]
    shown = _shown(table, view)
    values = [*(_value(field, "t") for field in shown), *(text for relation in expanded for text in _expanded(relation))]
    sources = [f"({found}) t", *_decimals(table, shown, "t"), *map(_source, expanded), _properties("x", values)]
    return f"select {', '.join(['row_to_json(x) as body', *columns])} from {' '.join(sources)}"


def order(sort: tuple[Sort, ...], alias: str = "t") -> str:
    """The ORDER BY clause's content."""
    return ", ".join(f'{alias}."{key.column}"{" desc" if key.descending else ""}' for key in sort)


def name_of(table: sa.Table) -> str:
    """The table in SQL."""
    return f'"{table.schema}"."{table.name}"'


def as_cells(table: sa.Table, found: str, view: View) -> str:
    """A query of the rows as text, a column each, for CSV: instants in ISO 8601, lists and JSON as JSON, no value as no text."""
    shown = _shown(table, view)
    values = ", ".join(_cell(field) for field in shown)
    return f"select {values} from {' '.join([f'({found}) t', *_decimals(table, shown, 't')])}"


def _shown(table: sa.Table, view: View) -> list[Field]:
    return [field for name, field in fields(table).items() if not view.fields or name in view.fields]


def _properties(alias: str, values: list[str]) -> str:
    """A row of these values and no others."""
    return f"cross join lateral (select {', '.join(values)}) {alias}"


def _value(field: Field, alias: str) -> str:
    return _amount(field.name, alias) if is_money(field.column) else f'{alias}."{field.name}"'


def _amount(name: str, alias: str) -> str:
    """With the currency's decimals, as text (O5): `120.00`. No digit is ever rounded away: a percentage may share the column."""
    column = f'{alias}."{name}"'
    return f'round({column}, greatest(min_scale({column}), m.decimals))::text as "{name}"'


def _cell(field: Field) -> str:
    if is_money(field.column):
        return _amount(field.name, "t")
    if field.kind in (list, dict):
        return f'to_json(t."{field.name}")::text as "{field.name}"'
    if field.kind in (bool, int, str):
        return f't."{field.name}"::text as "{field.name}"'
    # As in JSON, without the quotes.
    return f'to_json(t."{field.name}") #>> \'{{}}\' as "{field.name}"'


def _expanded(relation: Relation) -> Iterator[str]:
    yield f'"x_{relation.name}".body as "{relation.name}"'
    if relation.many:
        yield f'"x_{relation.name}".truncated as "{TRUNCATED.format(name=relation.name)}"'


def _source(relation: Relation) -> str:
    """The lateral query of an expanded relation; never a row of another organization."""
    other = relation.table
    shown = list(fields(other).values())
    beside = " ".join([*_decimals(other, shown, "e"), _properties("y", [_value(field, "e") for field in shown])])
    own = "e.organization_id = t.organization_id"
    if not relation.many:
        query = f'select row_to_json(y) as body from {name_of(other)} e {beside} where e.id = t."{relation.column}" and {own}'
        return f'left join lateral ({query}) "x_{relation.name}" on true'
    # Through an alias of its own, so that the rows are found by the index before anything is rendered.
    found = f'select * from {name_of(other)} e where e."{relation.column}" = t.id and {own} order by {order(NEWEST_FIRST, "e")}'
    numbered = f"select *, row_number() over () as n from ({found} limit {EXPANDED_LIMIT + 1}) e"
    query = (
        f"select coalesce(json_agg(c.body order by c.n) filter (where c.n <= {EXPANDED_LIMIT}), '[]') as body, "
        f"count(*) > {EXPANDED_LIMIT} as truncated from (select row_to_json(y) as body, e.n from ({numbered}) e {beside}) c"
    )
    return f'cross join lateral ({query}) "x_{relation.name}"'


def _decimals(table: sa.Table, shown: list[Field], alias: str) -> Iterator[str]:
    """A row `m` with the number of decimals of the row's currency, where an amount is shown; found out once a row by `offset 0`."""
    if any(is_money(field.column) for field in shown):
        yield f"cross join lateral (select {_DECIMALS.format(_currency(table, alias))} as decimals offset 0) m"


def _currency(table: sa.Table, alias: str) -> str:
    """Where the currency of a row's amounts stands: beside them, else at the row's Event, else at its organization."""
    if "currency" in table.c:
        return f"{alias}.currency"
    if "event_id" in table.c:
        return f'(select v.currency from "{table.schema}".events v where v.id = {alias}.event_id)'
    return f'(select o.default_currency from "{table.schema}".organizations o where o.id = {alias}.organization_id)'


def _codes(exponent: int) -> str:
    return ", ".join(f"'{code}'" for code, decimals in sorted(EXPONENTS.items()) if decimals == exponent)


_DECIMALS: Final = f"case when {{0}} in ({_codes(0)}) then 0 when {{0}} in ({_codes(3)}) then 3 else 2 end"
