"""How values travel to PostgreSQL: the one place that decides it.

New rows travel as binary COPY, all else as one JSON document per statement, which the statement reads with
`json_to_recordset`: that takes lists of text and JSON in the same way as numbers, and was measured as fast as arrays
with `unnest`. JSON columns are encoded by the same encoder on both ways, so that a row does not tell how it came about.
Numbers and instants are encoded here because the driver's own way was two thirds of the time that a COPY took.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from struct import Struct, pack, unpack_from
from typing import Any, Final, TypeAlias

import asyncpg
import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]"
Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"

DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialect classes untyped
_JSON = msgspec.json.Encoder()
_JSONB_VERSION = b"\x01"

_NUMERIC: Final = Struct(">HhHH")
"""Of a binary `numeric`: how many groups of digits follow, places of the first in base 10,000, sign, decimals shown."""
_GROUP: Final = 4
"""Decimal digits in a group."""
_SIGNS: Final = {0x0000: "", 0x4000: "-"}
_POSITIVE, _NEGATIVE = _SIGNS

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""From where PostgreSQL counts microseconds."""
_MICROSECOND: Final = timedelta(microseconds=1)


_PLANS_FOR_MANY: Final = """
    set plan_cache_mode = force_custom_plan;
    reset enable_seqscan;
    reset enable_hashjoin;
    reset enable_mergejoin
"""
_PLANS_FOR_FEW: Final = """
    reset plan_cache_mode;
    set enable_seqscan = off;
    set enable_hashjoin = off;
    set enable_mergejoin = off
"""


async def speak(connection: Connection) -> None:
    """Fit a connection for the runner: our encoding of values, and plans that fit the tables' present size.

    A plan made while a table was empty would read it from end to end for ever after. Belongs on connections that only
    the runner uses.
    """
    catalog = "pg_catalog"
    await connection.set_type_codec("jsonb", schema=catalog, encoder=_encode_json, decoder=_decode_json, format="binary")
    await connection.set_type_codec("numeric", schema=catalog, encoder=_encode_number, decoder=_decode_number, format="binary")
    await connection.set_type_codec("timestamptz", schema=catalog, encoder=_encode_instant, decoder=_decode_instant, format="tuple")
    await connection.execute(_PLANS_FOR_MANY)


async def keep_plans(connection: Connection) -> None:
    """Fit the connection for live batches, which are small, in tables with all their indexes: plans are kept, and look rows up in an index.

    That is right at every size of the tables. The checks of foreign keys are what it is for: PostgreSQL plans each of them
    anew where plans fit the present size, which was measured as more than half of its work for a batch.
    """
    await connection.execute(_PLANS_FOR_FEW)


def _encode_json(value: object) -> bytes:
    return _JSONB_VERSION + _JSON.encode(value)


def _decode_json(data: bytes) -> object:
    return msgspec.json.decode(data[len(_JSONB_VERSION) :])


@lru_cache(maxsize=16_384)
def _encode_number(number: Decimal | int) -> bytes:
    """Amounts repeat. Columns have a fixed scale (see `model`), so it does not matter with which scale an equal number came first."""
    decimal = Decimal(number)
    whole, _, fraction = format(decimal.copy_abs(), "f").partition(".")
    places = -(-len(whole) // _GROUP)
    digits = whole.zfill(places * _GROUP) + fraction.ljust(-(-len(fraction) // _GROUP) * _GROUP, "0")
    groups = [int(digits[at : at + _GROUP]) for at in range(0, len(digits), _GROUP)]
    sign = _NEGATIVE if decimal.is_signed() else _POSITIVE
    return _NUMERIC.pack(len(groups), places - 1, sign, len(fraction)) + pack(f">{len(groups)}H", *groups)


def _decode_number(data: bytes) -> Decimal:
    count, weight, sign, scale = _NUMERIC.unpack_from(data)
    digits = "".join(f"{group:04}" for group in unpack_from(f">{count}H", data, _NUMERIC.size))
    shown = (weight + 1) * _GROUP + scale
    return Decimal(f"{_SIGNS[sign]}{digits.ljust(shown, '0')[:shown] or 0}E-{scale}")


@lru_cache(maxsize=16_384)
def _encode_instant(instant: datetime) -> tuple[int]:
    """A record's instant stands in several columns of each of its rows."""
    return ((instant - _EPOCH) // _MICROSECOND,)


def _decode_instant(microseconds: tuple[int]) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds[0])


def document(rows: Iterable[Mapping[str, Any]]) -> str:
    """The rows as a JSON list, for a parameter that `json_to_recordset` reads."""
    return _JSON.encode(list(rows)).decode()


def quoted(name: str) -> str:
    """The name as an SQL identifier."""
    return DIALECT.identifier_preparer.quote(name)


def sql_type(column: sa.Column[Any]) -> str:
    """The column's type in SQL."""
    return column.type.compile(DIALECT)
