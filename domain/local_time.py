"""Local times: a text and an IANA zone become an instant, or are refused (E1)."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from domain.refusals import Invalid

EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
"""Instants outside are taken for mistakes."""

_MACHINE_DEPENDENT = frozenset({"localtime", "Factory"})


class UnknownTimeZone(Invalid, rule="E1", pointer="/timezone"):
    """{timezone} is not an IANA time zone."""


class NotATime(Invalid, rule="E1"):
    """{time} is not an ISO 8601 date and time between 1970 and 2200."""


class NonexistentLocalTime(Invalid, rule="E1"):
    """{time} does not exist in {timezone}: the clocks are put forward over it."""


class AmbiguousLocalTime(Invalid, rule="E1"):
    """{time} happens twice in {timezone}: send it with an offset, such as {example}."""


@cache
def zone(name: str) -> ZoneInfo:
    """The IANA time zone. Raises `UnknownTimeZone`."""
    if name not in _zone_names():
        raise UnknownTimeZone(timezone=name)
    return ZoneInfo(name)


def instant(text: str, timezone: str, pointer: str) -> datetime:
    """The UTC instant of an ISO 8601 text; without an offset it is local in `timezone`. `pointer` names the field in refusals.

    Raises `UnknownTimeZone`, also when the text has an offset; `NotATime`, `NonexistentLocalTime`, `AmbiguousLocalTime`.
    """
    zone(timezone)
    try:
        time = datetime.fromisoformat(text)
        moment = time.astimezone(UTC) if time.tzinfo is not None else _local(time, timezone, pointer)
    except (ValueError, OverflowError):
        raise NotATime(time=text).at(pointer) from None
    if not EARLIEST <= moment < LATEST:
        raise NotATime(time=text).at(pointer)
    return moment


def _local(time: datetime, timezone: str, pointer: str) -> datetime:
    first, second = (time.replace(tzinfo=zone(timezone), fold=fold) for fold in (0, 1))
    moment = first.astimezone(UTC)
    if first.utcoffset() == second.utcoffset():
        return moment
    if moment.astimezone(zone(timezone)).replace(tzinfo=None) != time:
        raise NonexistentLocalTime(time=time.isoformat(), timezone=timezone).at(pointer)
    raise AmbiguousLocalTime(time=time.isoformat(), timezone=timezone, example=first.isoformat()).at(pointer)


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(available_timezones()) - _MACHINE_DEPENDENT
