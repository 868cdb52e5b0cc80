"""The description of what to read: shape and values apart, so that statements of one shape have one text."""

from __future__ import annotations

from typing import Final, NamedTuple

import sqlalchemy as sa

from projections.queries.fields import Operator


class Condition(NamedTuple):
    """What holds of a column."""

    column: str
    operator: Operator
    value: object
    """Of the column's Python type; a list of them for `in`, a bool for `is_null`."""


class Sort(NamedTuple):
    """One sort key. NULL counts as the greatest value."""

    column: str
    descending: bool = False


NEWEST_FIRST: Final = (Sort("created_at", descending=True), Sort("id", descending=True))
"""The default order of every list; unique because `id` is."""

IN_LOG_ORDER: Final = (Sort("log_position"), Sort("id"))
"""The order in which a client follows changes."""


class View(NamedTuple):
    """What is shown of each row."""

    fields: tuple[str, ...] = ()
    """Columns; none means all."""
    expand: tuple[str, ...] = ()
    """Names of relations."""


class Select(NamedTuple):
    """Rows of one table."""

    table: sa.Table
    where: tuple[Condition, ...]
    limit: int | None
    """Rows at most; None for all of them."""
    sort: tuple[Sort, ...] = NEWEST_FIRST
    """Ends with a unique column, or is empty where order does not matter."""
    after: tuple[object, ...] | None = None
    """Sort keys of the last row of the page before, as Python values of the columns' types."""
    view: View = View()
