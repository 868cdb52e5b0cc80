"""Field types of commands refuse absurd input, with a pointer to it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from application import fields

ABSURD: dict[str, list[object]] = {
    "Name": ["", " ", "x" * 201, 5, None],
    "Slug": ["", "A", "a--b", "-a", "a-", "a b", "a\n", "ä", "a" * 81],
    "Email": ["", "ada", "a@b", "a b@c.d", "a@" + "b" * 260 + ".c"],
    "Phone": ["call me", "1" * 41, "1\n", "١٢"],
    "Url": ["ftp://a", "javascript:alert(1)", "http://", "http://a b", "http://a\n"],
    "CurrencyCode": ["eur", "EURO", "EU", "EUR\n"],
    "Amount": ["-1", "1,5", "1.2345", "1" * 13, "", "1e3", "1.", ".5", "1\n", "\u0661", 1.5],
    "Percentage": ["-1", "100.01", "101", "1.234", "5\n"],
    "Quantity": [0, -1, 100_001, 1.5, True, 2**63],
    "Capacity": [0, 2**31, -1],
    "Count": [-1, 2**31],
    "SortOrder": [-(2**31) - 1, 2**31],
    "TimeZoneName": ["", "Europe/Berlin\n", "../etc/passwd", "x" * 65],
    "Time": ["2027-06-12", "2027-06-12 19:30", "2027-06-12T19:30\n", "2027-W24-6T19:30", "12.06.2027"],
    "Labels": [[""], ["x"] * 101, ["x" * 61]],
    "Json": [[], "x", {str(n): n for n in range(201)}],
    "Ids": [["x"]],
}
SANE: dict[str, list[object]] = {
    "Name": ["A", " Ada ", "x" * 200],
    "Slug": ["a", "harbour-lights-2027"],
    "Email": ["ada@harbour.example", "Ada+x@müller.de"],
    "Amount": ["0", "120.00", "1.234", "999999999999.999"],
    "Percentage": ["0", "100", "100.00", "12.5", "99.99"],
    "TimeZoneName": ["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+1"],
    "Time": ["2027-06-12T19:30", "2027-06-12T19:30:00.123456+02:00", "2027-06-12T19:30Z"],
}


@pytest.mark.parametrize("name", ABSURD)
def test_absurd_input_is_refused(name: str) -> None:
    for value in ABSURD[name]:
        with pytest.raises(msgspec.ValidationError):
            pytest.fail(f"{msgspec.convert(value, getattr(fields, name))!r} was accepted")


@pytest.mark.parametrize("name", SANE)
def test_sane_input_is_accepted(name: str) -> None:
    for value in SANE[name]:
        assert msgspec.convert(value, getattr(fields, name)) == value


def test_patterns_mean_the_same_in_json_schema() -> None:
    r"""No `\d`, `\Z` or other escapes that Python and ECMA 262 read differently."""
    patterns = re.findall(r"pattern=r\"(.*?)\"[,)]", Path(fields.__file__).read_text())
    assert len(patterns) > 10
    assert not [pattern for pattern in patterns if re.search(r"\\[dwbAZz]", pattern)]
