"""How values travel to PostgreSQL: the one place that decides it.

New rows travel as binary COPY, all else as one JSON document per statement, which the statement reads with
`json_to_recordset`: that takes lists of text and JSON in the same way as numbers, and was measured as fast as arrays
with `unnest`. JSON columns are encoded by the same encoder on both ways, so that a row does not tell how it came about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import asyncpg
import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialect classes untyped
_JSON = msgspec.json.Encoder()
_JSONB_VERSION = b"\x01"


async def speak(connection: Connection) -> None:
    """Fit a connection for the runner: our encoding of `jsonb`, and plans that fit the tables' present size.

    A plan made while a table was empty would read it from end to end for ever after. Belongs on connections that only
    the runner uses.
    """
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=_encode, decoder=_decode, format="binary")
    await connection.execute("set plan_cache_mode = force_custom_plan")


def _encode(value: object) -> bytes:
    return _JSONB_VERSION + _JSON.encode(value)


def _decode(data: bytes) -> object:
    return msgspec.json.decode(data[len(_JSONB_VERSION) :])


def document(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as a JSON list, for a parameter that `json_to_recordset` reads."""
    return _JSON.encode(list(rows)).decode()


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return DIALECT.identifier_preparer.quote(name)


def sql_type(column: sa.Column[Any]) -> str:
    """The column's type in SQL."""
    return column.type.compile(DIALECT)
