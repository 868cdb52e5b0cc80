"""Reading the tables: from a description of what to read to SQL that answers in JSON. Pure, derived from the tables' metadata."""

from __future__ import annotations

from projections.queries.fields import Field, fields, is_money, shown
from projections.queries.relations import Relation, relations, singular
from projections.queries.select import IN_LOG_ORDER, NEWEST_FIRST, Condition, Select, Sort, View

__all__ = [
    "IN_LOG_ORDER",
    "NEWEST_FIRST",
    "Condition",
    "Field",
    "Relation",
    "Select",
    "Sort",
    "View",
    "fields",
    "is_money",
    "relations",
    "shown",
    "singular",
]
