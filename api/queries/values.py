"""From text in a query string to a value of a column's type. Whatever PostgreSQL could choke on is refused here."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Final
from uuid import UUID

import msgspec
import sqlalchemy as sa

from projections.queries import Field

_INTEGER = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_LONGEST: Final = 1000
_POSITION_DIGITS: Final = 18


class Unfit(ValueError):
    """The text is no value of the column; says what would be."""

    def __init__(self, *, detail: str) -> None:
        super().__init__(detail)


def value(field: Field, text: str) -> object:
    """The value. Raises `Unfit`."""
    if field.choices and text not in field.choices:
        raise Unfit(detail=f"Expected one of {', '.join(field.choices)}")
    return _READERS[field.kind](field, text)


def checked(field: Field, key: object) -> object:
    """A sort key that a cursor brings back, fit for the database. Raises `Unfit`."""
    if isinstance(key, datetime):
        return _in_utc(key)
    if isinstance(key, int) and not isinstance(key, bool):
        return _in_range(field, key)
    if isinstance(key, str) and "\x00" in key:
        raise Unfit(detail="Expected text without NUL")
    return key


def _integer(field: Field, text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise Unfit(detail="Expected an integer")
    return _in_range(field, int(text))


def _in_range(field: Field, number: int) -> int:
    bits = 63 if isinstance(field.column.type, sa.BigInteger) else 31
    if not -(2**bits) <= number < 2**bits:
        raise Unfit(detail=f"Expected an integer from -2^{bits} to 2^{bits} - 1")
    return number


def _number(_: Field, text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise Unfit(detail="Expected a number such as 120.00")
    return Decimal(text)


def _identifier(_: Field, text: str) -> UUID:
    try:
        return msgspec.convert(text, UUID)
    except msgspec.ValidationError:
        raise Unfit(detail="Expected a UUID") from None


def _instant(text: str) -> datetime:
    """A day alone is its beginning in UTC. The plus sign of an offset means a space in a query string, unless it is escaped."""
    try:
        if _DAY.fullmatch(text):
            return datetime.combine(date.fromisoformat(text), time(), UTC)
        instant = msgspec.convert(text.replace(" ", "+"), datetime)
    except (ValueError, msgspec.ValidationError):
        raise Unfit(detail="Expected an instant such as 2027-06-12T19:30:00Z, or a day") from None
    if instant.tzinfo is None:
        raise Unfit(detail="Expected an instant with its offset, such as 2027-06-12T19:30:00Z")
    return _in_utc(instant)


def _in_utc(instant: datetime) -> datetime:
    """At the end of the calendar an offset leads out of it."""
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        raise Unfit(detail="Expected an instant from year 1 to 9999 in UTC") from None


def _day(_: Field, text: str) -> date:
    try:
        return msgspec.convert(text, date)
    except msgspec.ValidationError:
        raise Unfit(detail="Expected a day such as 2027-06-12") from None


def _text(_: Field, text: str) -> str:
    if "\x00" in text or len(text) > _LONGEST:
        raise Unfit(detail=f"Expected text of at most {_LONGEST} characters, without NUL")
    return text


_READERS: Final[dict[type, Callable[[Field, str], object]]] = {
    bool: lambda _, text: flag(text),
    int: _integer,
    Decimal: _number,
    UUID: _identifier,
    datetime: lambda _, text: _instant(text),
    date: _day,
    str: _text,
}


def flag(text: str) -> bool:
    """A yes or no. Raises `Unfit`."""
    if text not in ("true", "false"):
        raise Unfit(detail="Expected true or false")
    return text == "true"


def moment(text: str) -> int | datetime:
    """A position in the log, or an instant. Raises `Unfit`."""
    if text.isascii() and text.isdigit():
        return position(text)
    return _instant(text)


def position(text: str) -> int:
    """A position in the log. Raises `Unfit`."""
    if not (text.isascii() and text.isdigit() and len(text) <= _POSITION_DIGITS):
        raise Unfit(detail="Expected a position in the log, a whole number")
    return int(text)
