"""`stagebook import`."""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, NamedTuple

from cyclopts import App, Parameter

from api.cli.connection import connected
from api.cli.names import known_name
from api.cli.options import DEFAULT_URL, Flag, Json, Key, Url
from api.cli.output import json_line, progress, show
from infrastructure.faults import Fault

if TYPE_CHECKING:
    from infrastructure.imports.entries import Place
    from infrastructure.imports.reading import Reading, Row

app = App(name="import", help="Bring in venues and Events from files. A second run brings in what is new.")

TO_SEND, NEW, ALREADY_THERE, REFUSED = "to send", "new", "already there", "refused"
_SHOWN = 20
"""Refusals that a person gets to read; the report has all of them."""

Source = Annotated[
    Path, Parameter(help="A file (.csv, .json, .ndjson, .jsonl), or a folder of them. CSV begins with the names of its columns.")
]


class ReportFailed(Fault):
    """The report cannot be written."""


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Options:
    """What all imports have in common."""

    url: Url = DEFAULT_URL
    key: Key = ""
    dry_run: Flag = False
    """Read and check the files, and send nothing. Needs no API."""
    report: Path | None = None
    """Write what became of every entry to this file, as CSV: file, line, name, outcome, id, reason."""
    as_json: Json = False


@app.command
def venues(path: Source, /, *, options: Options | None = None) -> int:
    """Bring in venues. Two with the same name, city and country are one.

    Columns: name and capacity; venue_type, amenities, images; street, postal_code, city, region, country, latitude, longitude;
    contact_name, contact_email, contact_phone; id. In a CSV file the items of a list are separated by semicolons. Lists of stadiums
    (Stadium, Capacity, City, Country, Latitude, Longitude) are read as they are.

    Exit code 1 when something was refused; everything else came in.
    """
    return _import("venues", path, {}, options or Options())


@app.command
def events(path: Source, /, *, timezone: str | None = None, options: Options | None = None) -> int:
    """Bring in Events. Two with the same name and beginning are one, with the tags of both.

    Columns: name and starts_at; ends_at, timezone, currency, event_type, visibility, description, slug, tags, venue_id, category_id,
    max_capacity, registration_deadline, online, online_url, url, city, country; id. In a CSV file the items of a list are separated by
    semicolons. Files of conferences by topic (name, startDate, endDate, city, country, online, url, …) are read as they are; the file's
    name becomes a tag.

    Where there are dates only, an Event lasts from 09:00 of the first to 18:00 of the last day. What is online is virtual, or hybrid
    when it also has a city, with the url as its online_url.

    Exit code 1 when something was refused; everything else came in.

    Parameters
    ----------
    timezone
        Of Events that name none, such as Europe/Berlin. Default: the organization's
    """
    from zoneinfo import available_timezones

    defaults = {} if timezone is None else {"timezone": known_name("time zone", timezone, available_timezones())}
    return _import("events", path, defaults, options or Options())


def _import(name: str, path: Path, defaults: Mapping[str, Any], options: Options) -> int:
    from infrastructure.imports.files import files
    from infrastructure.imports.kinds import KINDS
    from infrastructure.imports.reading import read

    reading, ends = read(KINDS[name], files(path), defaults), _Ends()
    for duplicate in reading.duplicates:
        ends.note(duplicate.place, duplicate.name, "duplicate", reason=f"the same as {duplicate.first}")
    for refused in reading.refused:
        ends.note(refused.place, refused.name, REFUSED, reason=refused.reason)
    with _reported(options.report, ends):
        if options.dry_run:
            for row in reading.rows:
                ends.note(row.place, row.name, TO_SEND)
        else:
            asyncio.run(_send(name, reading.rows, ends, options))
    return _say(ends, reading, outcomes=(TO_SEND,) if options.dry_run else (NEW, ALREADY_THERE), as_json=options.as_json)


async def _send(name: str, rows: Sequence[Row], ends: _Ends, options: Options) -> None:
    from infrastructure.imports.sending import Sent, send

    with progress(quiet=options.as_json) as advance:
        done = 0

        def tell(sent: Sent) -> None:
            nonlocal done
            done += 1
            ends.note(sent.row.place, sent.row.name, sent.outcome, id=str(sent.id or ""), reason=sent.reason)
            advance(name, done, len(rows))

        async with connected(options.url, options.key) as stagebook:
            await send(stagebook, rows, tell)


class _End(NamedTuple):
    """What became of an entry; the columns of the report."""

    file: str
    line: int
    name: str
    outcome: str
    id: str
    reason: str


class _Ends:
    """What became of every entry, in any order."""

    def __init__(self) -> None:
        self._ends: list[_End] = []

    def note(self, place: Place, name: str, outcome: str, *, id: str = "", reason: str = "") -> None:  # noqa: A002  # the column's name
        """One entry's end."""
        self._ends.append(_End(place.file, place.line, name, outcome, id, reason))

    def count(self, outcome: str) -> int:
        """How many ended so."""
        return sum(end.outcome == outcome for end in self._ends)

    @property
    def refused(self) -> list[_End]:
        """By file and line."""
        return sorted(end for end in self._ends if end.outcome == REFUSED)

    def write(self, file: IO[str]) -> None:
        """The report, by file and line."""
        csv.writer(file).writerows([_End._fields, *sorted(self._ends)])


@contextmanager
def _reported(path: Path | None, ends: _Ends) -> Iterator[None]:
    """Write the report at the end, also when the import stops half-way. Raises `ReportFailed`, before anything is sent."""
    if path is None:
        yield
        return
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        message = f"the report {path} cannot be written: {error.strerror}"
        raise ReportFailed(message) from None
    with file:
        try:
            yield
        finally:
            ends.write(file)


def _say(ends: _Ends, reading: Reading, *, outcomes: tuple[str, ...], as_json: bool) -> int:
    """How it went, in words or in JSON; the exit code."""
    refused = ends.refused
    counts = {outcome: ends.count(outcome) for outcome in ("duplicate", *outcomes, REFUSED)}
    summary = {"read": sum(counts.values()), **counts}
    if as_json:
        for end in refused:
            json_line({"kind": REFUSED, "file": end.file, "line": end.line, "name": end.name, "reason": end.reason})
        json_line({"kind": "summary", **{name.replace(" ", "_"): n for name, n in summary.items()}, "unused_columns": reading.unused})
        return 1 if refused else 0
    if refused:
        show([{"place": f"{end.file}:{end.line}", "name": end.name, "reason": end.reason} for end in refused[:_SHOWN]], as_json=False)
        more = len(refused) - _SHOWN
        print(f"… and {more:,} more; --report FILE has all of them\n" if more > 0 else "")
    show([summary], as_json=False)
    if reading.unused:
        print(f"\nColumns that were not used: {', '.join(reading.unused)}")
    return 1 if refused else 0
