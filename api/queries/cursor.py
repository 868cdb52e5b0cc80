"""Cursors: where the next page begins, opaque to clients. A cursor holds sort keys, so rows that come or go move nothing."""

from __future__ import annotations

import base64
from functools import lru_cache

import msgspec
import sqlalchemy as sa

from api.queries.values import Unfit, checked
from projections.queries import Sort, fields


def cursor_of(sort: tuple[Sort, ...], keys: str) -> str:
    """The cursor after a row with these sort keys, a JSON list."""
    return base64.urlsafe_b64encode(f'["{signature(sort)}",{keys[1:]}'.encode()).decode().rstrip("=")


def keys_of(table: sa.Table, sort: tuple[Sort, ...], cursor: str) -> tuple[object, ...]:
    """The sort keys in a cursor, checked against the columns' types: whoever made it up gets no further. Raises `Unfit`."""
    try:
        given, *keys = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=_type(table, sort))
    except (ValueError, RecursionError):
        raise Unfit(detail="Not a cursor of this list in this sort order") from None
    if given != signature(sort):
        raise Unfit(detail="This cursor belongs to another sort order")
    return tuple(checked(fields(table)[key.column], value) for key, value in zip(sort, keys, strict=True))


def signature(sort: tuple[Sort, ...]) -> str:
    """The sort order as a client writes it: `-created_at,-id`."""
    return ",".join(f"{'-' if key.descending else ''}{key.column}" for key in sort)


@lru_cache(maxsize=1024)
def _type(table: sa.Table, sort: tuple[Sort, ...]) -> object:
    kinds = [fields(table)[key.column].kind for key in sort]
    nullable = [kind | None if table.c[key.column].nullable else kind for kind, key in zip(kinds, sort, strict=True)]
    return tuple[(str, *nullable)]  # type: ignore[valid-type]  # made at run time, for the decoder
