"""The demo's material: real stadiums and conferences (see data/NOTICE), and invented persons."""

from __future__ import annotations

import csv
from datetime import date, timedelta
from importlib.resources import files
from typing import Final, NamedTuple

import msgspec

TIMEZONES: Final = {"Germany": "Europe/Berlin", "England": "Europe/London", "Spain": "Europe/Madrid", "France": "Europe/Paris"}
_YEAR: Final = timedelta(weeks=52)
"""What a year is to those who plan: the same days of the week."""


class Stadium(msgspec.Struct, frozen=True):
    """A place."""

    name: str
    city: str
    country: str
    capacity: int
    latitude: float
    longitude: float

    @property
    def timezone(self) -> str:
        """An IANA time zone."""
        return TIMEZONES[self.country]


class Conference(msgspec.Struct, frozen=True, rename="camel"):
    """A gathering, as its own year had it."""

    name: str
    url: str
    start_date: date
    end_date: date
    city: str | None = None

    def days_after(self, day: date) -> tuple[date, date]:
        """Its first and last day the next time that it takes place after `day`, on the same days of the week."""
        years = max(0, -((self.start_date - day) // _YEAR))
        return self.start_date + years * _YEAR, self.end_date + years * _YEAR


class Person(NamedTuple):
    """Somebody who does not exist."""

    name: str
    mail_host: str

    @property
    def email(self) -> str:
        """An address that nobody can have (RFC 2606)."""
        return f"{self.name.lower().replace(' ', '.')}@{self.mail_host}"


def stadiums() -> list[Stadium]:
    """Some stadiums, one in each of their cities, except for London's two."""
    text = _data("stadiums.csv")
    return [
        Stadium(
            name=row["Stadium"].strip(),
            city=row["City"].strip(),
            country=row["Country"].strip(),
            capacity=int(row["Capacity"]),
            latitude=float(row["Latitude"]),
            longitude=float(row["Longitude"]),
        )
        for row in csv.DictReader(text.splitlines())
    ]


def conferences() -> dict[str, Conference]:
    """Some conferences by name, each in a city that has a stadium, or online."""
    return {found.name: found for found in msgspec.json.decode(_data("conferences.json"), type=list[Conference])}


def _data(name: str) -> str:
    return (files("infrastructure.demo") / "data" / name).read_text(encoding="utf-8")


BUYERS: Final = tuple(
    Person(name, "post.example")
    for name in (
        "Ines Vogt",
        "Karim Saleh",
        "Lotte Berg",
        "Noah Winter",
        "Olga Petrova",
        "Sam Ritter",
        "Tilda Nyberg",
        "Ugo Ferri",
        "Vera Lindt",
        "Wim Jansen",
        "Yara Haddad",
        "Zoe Keller",
    )
)
