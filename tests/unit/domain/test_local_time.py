"""Local times and zones (E1)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.local_time import AmbiguousLocalTime, NonexistentLocalTime, NotATime, UnknownTimeZone, instant, zone

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "timezone", "utc"),
    [
        ("2027-06-12T19:30", BERLIN, "2027-06-12T17:30"),
        ("2027-01-12T19:30:15", BERLIN, "2027-01-12T18:30:15"),
        ("2027-06-12T19:30+09:00", BERLIN, "2027-06-12T10:30"),
        ("2027-06-12T19:30Z", "America/New_York", "2027-06-12T19:30"),
    ],
)
def test_e1_a_local_time_is_an_instant_of_its_zone(text: str, timezone: str, utc: str) -> None:
    assert instant(text, timezone, "/starts_at") == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(("text", "timezone"), [("2027-03-28T02:30", BERLIN), ("2011-12-30T12:00", "Pacific/Apia")])
def test_e1_local_times_that_do_not_exist_are_refused(text: str, timezone: str) -> None:
    with pytest.raises(NonexistentLocalTime) as refused:
        instant(text, timezone, "/ends_at")
    assert refused.value.pointer == "/ends_at"


def test_e1_ambiguous_local_times_need_an_offset() -> None:
    with pytest.raises(AmbiguousLocalTime):
        instant("2027-10-31T02:30", BERLIN, "/starts_at")
    first, second = (instant(f"2027-10-31T02:30{offset}", BERLIN, "/starts_at") for offset in ("+02:00", "+01:00"))
    assert second - first == timedelta(hours=1)


@pytest.mark.parametrize("name", ["Berlin", "", "../etc/passwd", "/etc/localtime", "America", "localtime", "Europe/Berlin\x00", "UTC+1"])
def test_e1_zones_are_iana_names(name: str) -> None:
    with pytest.raises(UnknownTimeZone):
        zone(name)


@pytest.mark.parametrize(
    "text", ["2027-13-01T00:00", "2027-02-30T12:00", "tomorrow", "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59", "1969-12-31T23:59Z"]
)
def test_e1_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(NotATime):
        instant(text, BERLIN, "/starts_at")


@given(
    st.datetimes(datetime.fromisoformat("1971-01-01"), datetime.fromisoformat("2199-01-01")),
    st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "UTC"]),
)
def test_e1_an_accepted_local_time_reads_the_same_on_the_clocks_there(local: datetime, timezone: str) -> None:
    try:
        moment = instant(local.isoformat(), timezone, "/starts_at")
    except (NonexistentLocalTime, AmbiguousLocalTime):
        pass
    else:
        assert moment.astimezone(ZoneInfo(timezone)).replace(tzinfo=None) == local
