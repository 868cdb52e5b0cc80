"""The query string of a list or a row: read, checked, and refused by name with what exists."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Final, NamedTuple, TypeVar, get_args
from urllib.parse import parse_qsl
from uuid import UUID

import sqlalchemy as sa

from api.call import Call
from api.queries.cursor import keys_of
from api.queries.values import Unfit, flag, value
from api.refusals import FieldError, InvalidInput
from projections.queries import IN_LOG_ORDER, NEWEST_FIRST, Condition, Field, Select, Sort, View, fields, relations
from projections.queries.fields import Operator

PAGE_LIMIT: Final = 500
"""Most rows of a page."""
DEFAULT_LIMIT: Final = 50
SORT_LIMIT: Final = 5
"""Most sort keys."""
IN_LIMIT: Final = 200
"""Most values of an `in`."""

_PARAMETERS_LIMIT: Final = 100
_FILTER: Final = re.compile(r"filter\[(\w+)\](?:\[(\w+)\])?")

V = TypeVar("V")


class ListQuery(NamedTuple):
    """What a list was asked for."""

    select: Select
    counted: bool


class Parameters:
    """The parameters of one request. Every reading method takes note of what is wrong; `check` raises all of it at once."""

    def __init__(self, call: Call) -> None:
        self.errors: list[FieldError] = []
        self._left = _pairs(call, self.errors)

    def take(self, name: str, read: Callable[[str], V], default: V) -> V:
        """The value of a parameter, or the default where it is missing or wrong. `read` raises `Unfit`."""
        text = self._left.pop(name, None)
        return default if text is None else self._read(name, read, text, default)

    def filters(self, table: sa.Table) -> list[Condition]:
        """The conditions of all `filter[…]`."""
        given = [(name, match, self._left.pop(name)) for name in list(self._left) if (match := _FILTER.fullmatch(name))]
        none: list[Condition] = []
        found = [self._read(name, partial(_conditions, table, match), text, none) for name, match, text in given]
        return [condition for conditions in found for condition in conditions]

    def check(self, known: Collection[str]) -> None:
        """Raise `InvalidInput` when anything was wrong; `known` are the parameters that exist."""
        there = f"there is {', '.join(known)}" if known else "there are none"
        self.errors += [FieldError(parameter=name[:100], detail=f"Unknown; {there}") for name in self._left]
        if self.errors:
            raise InvalidInput(*self.errors)

    def _read(self, name: str, read: Callable[[str], V], text: str, default: V) -> V:
        try:
            return read(text)
        except Unfit as unfit:
            self.errors.append(FieldError(parameter=name, detail=str(unfit)))
            return default


LIST_PARAMETERS: Final = ("filter[<field>]", "filter[<field>][<operator>]", "sort", "fields", "expand", "limit", "cursor", "count")
EXPORT_PARAMETERS: Final = ("filter[<field>]", "filter[<field>][<operator>]", "sort", "fields")


def list_query(call: Call, table: sa.Table, organization_id: UUID) -> ListQuery:
    """What a list was asked for. Raises `InvalidInput`."""
    given = Parameters(call)
    where = (Condition("organization_id", "eq", organization_id), *given.filters(table))
    sort = _sorted(given, table, where)
    view = view_of(given, table)
    limit = given.take("limit", limited, DEFAULT_LIMIT)
    counted = given.take("count", flag, False)
    after = given.take("cursor", lambda text: keys_of(table, sort, text), None)
    given.check(LIST_PARAMETERS)
    return ListQuery(Select(table, where, limit, sort, after, view), counted)


def export_query(given: Parameters, table: sa.Table, organization_id: UUID) -> Select:
    """What an export of a whole list was asked for. Raises `InvalidInput`."""
    where = (Condition("organization_id", "eq", organization_id), *given.filters(table))
    sort = _sorted(given, table, where)
    shown = _fields(given, table)
    given.check(EXPORT_PARAMETERS)
    return Select(table, where, None, sort, view=View(shown))


def _sorted(given: Parameters, table: sa.Table, where: Iterable[Condition]) -> tuple[Sort, ...]:
    """By default newest first; who asks for what was changed after a position gets it in the order in which it was."""
    follows = any(condition.column == "log_position" and condition.operator in ("gt", "gte") for condition in where)
    return given.take("sort", lambda text: _sort(table, text), IN_LOG_ORDER if follows else NEWEST_FIRST)


def view_of(given: Parameters, table: sa.Table) -> View:
    """What is to be shown of each row."""
    return View(_fields(given, table), given.take("expand", lambda text: _names(text, relations(table), "relation"), ()))


def _fields(given: Parameters, table: sa.Table) -> tuple[str, ...]:
    return given.take("fields", lambda text: _names(text, fields(table), "field"), ())


def _pairs(call: Call, errors: list[FieldError]) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            call.request.scope["query_string"].decode(), keep_blank_values=True, errors="strict", max_num_fields=_PARAMETERS_LIMIT
        )
    except ValueError:
        detail = f"The query string is not UTF-8, or has more than {_PARAMETERS_LIMIT} parameters"
        raise InvalidInput(FieldError(detail=detail)) from None
    given = dict(pairs)
    if len(given) < len(pairs):
        errors.append(FieldError(detail="A query parameter is repeated"))
    return given


def _conditions(table: sa.Table, match: re.Match[str], text: str) -> list[Condition]:
    name, operator = match[1], match[2] or "eq"
    filterable = {name: field for name, field in fields(table).items() if field.operators}
    field = filterable.get(name)
    if field is None:
        raise Unfit(detail=f"There is no such filter; there is {', '.join(filterable)}")
    if operator not in field.operators:
        raise Unfit(detail=f"There is no such operator of {name}; there is {', '.join(field.operators)}")
    return [Condition(name, _OPERATORS[operator], _operand(field, operator, text))]


_OPERATORS: Final[Mapping[str, Operator]] = {operator: operator for operator in get_args(Operator)}


def _operand(field: Field, operator: str, text: str) -> object:
    if operator == "is_null":
        return flag(text)
    if operator == "in":
        texts = text.split(",")
        if len(texts) > IN_LIMIT:
            raise Unfit(detail=f"Expected at most {IN_LIMIT} values")
        return [value(field, each) for each in texts]
    return value(field, text)


def _sort(table: sa.Table, text: str) -> tuple[Sort, ...]:
    sortable = {name for name, field in fields(table).items() if field.sortable}
    keys = [Sort(key.removeprefix("-"), descending=key.startswith("-")) for key in text.split(",")]
    names = [key.column for key in keys]
    if unknown := [name for name in names if name not in sortable]:
        raise Unfit(detail=f"Cannot sort by {unknown[0][:100] or 'nothing'}; there is {', '.join(sorted(sortable))}")
    if len(set(names)) < len(names) or len(names) > SORT_LIMIT:
        raise Unfit(detail=f"Expected at most {SORT_LIMIT} different fields")
    # The id makes the order total, in the direction that lets one index serve.
    return tuple(keys) if "id" in names else (*keys, Sort("id", descending=keys[-1].descending))


def _names(text: str, known: Mapping[str, object], what: str) -> tuple[str, ...]:
    """Names in the order of the table, so that one set of names has one statement."""
    given = set(text.split(","))
    if unknown := sorted(given - known.keys()):
        raise Unfit(detail=f"There is no {what} {unknown[0][:100]!r}; there is {', '.join(known) or 'none'}")
    return tuple(name for name in known if name in given)


def limited(text: str) -> int:
    """The number of rows of a page. Raises `Unfit`."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(PAGE_LIMIT)) and 1 <= int(text) <= PAGE_LIMIT):
        raise Unfit(detail=f"Expected an integer from 1 to {PAGE_LIMIT}")
    return int(text)
