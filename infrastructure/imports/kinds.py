"""What can be imported: each kind names its command, its columns and what makes two entries the same thing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import Any, NamedTuple

from application.events.events import CreateEvent
from application.events.venues import AddVenue
from application.registry import Command
from domain.events.event import EventEndsBeforeStart
from domain.local_time import instant
from domain.refusals import Refusal
from infrastructure.imports.columns import Fields, WrongEntry, inner, number, one_line, truth
from infrastructure.imports.entries import Entry

FIRST_HOUR, LAST_HOUR, END_OF_DAY = "09:00", "18:00", "23:59"
"""Where a file knows dates only: an Event lasts from the first day's morning to the last day's evening."""


class Kind(NamedTuple):
    """Something that can be imported. All kinds have a name."""

    name: str
    """In the plural, as the command line says it."""
    command: type[Command]
    aliases: Mapping[str, str]
    """Fields of the command by other names, in normal form; `address.city` is inside of an object."""
    complete: Callable[[Fields, Entry], None]
    """Give the fields what follows from the others, and take from the others what that makes use of. Raises `WrongEntry`."""
    key: Callable[[Any], tuple[str, ...]]
    """What makes a command the same thing as another one, or as one sent before; without an id of its own."""
    merged: str | None
    """The list that is put together when the same thing stands in several places."""


_VENUE_ALIASES = {
    "stadium": "name",
    **{name: f"address.{name}" for name in ("street", "postal_code", "city", "region", "country", "latitude", "longitude")},
    **{f"contact_{name}": f"contact_info.{name}" for name in ("name", "email", "phone")},
}
_COORDINATES = {"latitude": 90.0, "longitude": 180.0}


def _complete_venue(fields: Fields, _: Entry) -> None:
    address = inner(fields.given, "address")
    for name in address.keys() & _COORDINATES.keys():
        address[name] = number(address[name], name, _COORDINATES[name])


def _venue_key(venue: AddVenue) -> tuple[str, ...]:
    address = venue.address or {}
    return venue.name, *(one_line(str(address.get(part, ""))) for part in ("city", "country"))


_EVENT_ALIASES = {
    "start_date": "starts_at",
    "end_date": "ends_at",
    "url": "social_links.website",
    "twitter": "social_links.twitter",
    "mastodon": "social_links.mastodon",
    "city": "custom_fields.city",
    "country": "custom_fields.country",
    "locales": "custom_fields.languages",
    "coc_url": "custom_fields.code_of_conduct_url",
    "cfp_url": "custom_fields.call_for_papers_url",
    "cfp_end_date": "custom_fields.call_for_papers_until",
    "offers_sign_language_or_cc": "custom_fields.sign_language_or_captions",
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_HOURS = {"starts_at": FIRST_HOUR, "ends_at": LAST_HOUR, "registration_deadline": END_OF_DAY}


def _complete_event(fields: Fields, entry: Entry) -> None:
    given = fields.given
    if truth(fields.others.pop("online", False), "online"):
        given.setdefault("event_type", "hybrid" if "city" in inner(given, "custom_fields") else "virtual")
        if "website" in (links := inner(given, "social_links")):
            given.setdefault("online_url", links["website"])
    if "startDate" in entry.values:
        # A collection of conferences has a file for each topic.
        given.setdefault("tags", [PurePath(entry.place.file).stem])
    _add_hours(given)


def _add_hours(given: dict[str, Any]) -> None:
    """Dates get their hours; an Event without an end is over on the day on which it begins. Raises `WrongEntry` for what is no time."""
    begin = given.get("starts_at")
    if isinstance(begin, str) and _DATE.fullmatch(begin):
        given.setdefault("ends_at", begin)
    moments = {}
    for name, hour in _HOURS.items():
        if isinstance(text := given.get(name), str):
            given[name] = f"{text}T{hour}" if _DATE.fullmatch(text) else text.replace(" ", "T", 1)
            try:
                moments[name] = instant(given[name], str(given.get("timezone", "UTC")), f"/{name}")
            except Refusal as refusal:
                raise WrongEntry(refusal.message) from None
    if moments.keys() >= {"starts_at", "ends_at"} and moments["ends_at"] <= moments["starts_at"]:
        raise WrongEntry(EventEndsBeforeStart().message)


def _event_key(event: CreateEvent) -> tuple[str, ...]:
    return event.name, event.starts_at


KINDS = {
    kind.name: kind
    for kind in (
        Kind("venues", AddVenue, _VENUE_ALIASES, _complete_venue, _venue_key, merged=None),
        Kind("events", CreateEvent, _EVENT_ALIASES, _complete_event, _event_key, merged="tags"),
    )
}
