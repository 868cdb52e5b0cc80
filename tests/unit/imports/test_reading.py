"""What entries mean, which of them are the same thing, and why some do not come in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from api.cli import imports
from application.events.events import CreateEvent
from application.events.venues import AddVenue, ContactInfo
from infrastructure.imports.kinds import KINDS
from infrastructure.imports.reading import Reading, read

DATA = Path(__file__).parents[3].parent / "shared" / "data"
"""Public data beside the project."""


def venues(text: str, file: str = "venues.csv") -> Reading:
    return read(KINDS["venues"], [(file, text.encode())], {})


def events(*files: tuple[str, Any], **defaults: str) -> Reading:
    return read(KINDS["events"], [(name, msgspec.json.encode(content)) for name, content in files], defaults)


def event(**values: Any) -> CreateEvent:
    """The command of one entry that comes in."""
    reading = events(("own.json", [{"name": "Show", "starts_at": "2027-06-12", **values}]))
    assert reading.refused == ()
    (row,) = reading.rows
    assert isinstance(row.command, CreateEvent)
    return row.command


def reasons(reading: Reading) -> list[tuple[int, str]]:
    return [(refused.place.line, refused.reason) for refused in reading.refused]


def test_venues_have_an_address_a_contact_and_lists() -> None:
    reading = venues(
        "Name;Capacity;Venue Type;amenities;street;postal_code;city;latitude;contact_name;contact_email\n"
        " Alte  Oper ;2450;hall;bar; cloakroom;Opernplatz 1;01067;Frankfurt;50.1159;Ida;ida@oper.example\n".replace(
            "bar; cloak", "bar | cloak"
        )
    )
    assert [row.command for row in reading.rows] == [
        AddVenue(
            name="Alte Oper",
            capacity=2450,
            venue_type="hall",
            amenities=("bar | cloakroom",),
            address={"street": "Opernplatz 1", "postal_code": "01067", "city": "Frankfurt", "latitude": 50.1159},
            contact_info=ContactInfo(name="Ida", email="ida@oper.example"),
        )
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_column_that_the_help_names_means_something(kind: str) -> None:
    help_text = " ".join((getattr(imports, kind).__doc__ or "").split())
    columns = re.split(r", |; | and ", help_text.partition("Columns: ")[2].partition(". In a CSV")[0])
    assert {"name", "id", "city"} <= set(columns)
    cells = {"latitude": "50", "longitude": "8", "starts_at": "2027-06-12", "ends_at": "2027-06-12", "timezone": "UTC", "online": "no"}
    text = f"{','.join(columns)}\n{','.join(cells.get(column, '2027-06-12') for column in columns)}\n"
    reading = read(KINDS[kind], [("own.csv", text.encode())], {})
    assert reading.unused == ()
    assert ": Expected" in reading.refused[0].reason  # by the check against the command, which comes last


def test_a_list_in_a_cell_is_separated_by_semicolons() -> None:
    (row,) = venues("name,capacity,amenities\nHall,10,bar; cloakroom;\n").rows
    assert row.command == AddVenue(name="Hall", capacity=10, amenities=("bar", "cloakroom"))


def test_columns_that_mean_nothing_are_named() -> None:
    assert venues("name,capacity,Owner,colour\nHall,10,Ada,\n").unused == ("owner",)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("Hall,,", "capacity: missing"),
        ("Hall,many,", "capacity: Expected `int`, got `str`"),
        ("Hall,0,", "capacity: Expected `int` >= 1"),
        (",10,", "name: missing"),
        ("Hall,10,91", "latitude: expected a number from -90 to 90"),
        ("Hall,10,north", "latitude: expected a number from -90 to 90"),
        ("Hall,10,nan", "latitude: expected a number from -90 to 90"),
    ],
)
def test_a_wrong_venue_is_refused_with_its_line_and_the_good_ones_come_in(line: str, reason: str) -> None:
    reading = venues(f"name,capacity,latitude\nFirst,5,\n{line}\nLast,6,\n")
    assert reasons(reading) == [(3, reason)]
    assert [row.name for row in reading.rows] == ["First", "Last"]


def test_the_same_venue_twice_is_one_and_another_in_another_city_is_another() -> None:
    reading = venues("stadium,capacity,city\nArena,5,Ulm\nArena ,5,Ulm\nArena,5,Bonn\n")
    assert [(row.place.line, row.name) for row in reading.rows] == [(2, "Arena"), (4, "Arena")]
    assert [(duplicate.place.line, duplicate.first.line) for duplicate in reading.duplicates] == [(3, 2)]


def test_of_two_that_contradict_each_other_the_first_counts() -> None:
    reading = venues("name,capacity\nArena,5\nArena,6\n")
    assert [row.command for row in reading.rows] == [AddVenue(name="Arena", capacity=5)]
    assert reasons(reading) == [(3, "says something else than venues.csv:2 about capacity")]


def test_two_columns_for_one_field_are_refused() -> None:
    assert reasons(venues("name,stadium,capacity\nA,B,5\n")) == [(2, "stadium: this was said before under another name")]


def test_dates_alone_last_from_the_first_morning_to_the_last_evening() -> None:
    made = event(ends_at="2027-06-13", registration_deadline="2027-06-10")
    assert (made.starts_at, made.ends_at, made.registration_deadline) == ("2027-06-12T09:00", "2027-06-13T18:00", "2027-06-10T23:59")


def test_an_event_without_an_end_is_over_on_its_day() -> None:
    assert event().ends_at == "2027-06-12T18:00"


def test_times_stay_as_they_are() -> None:
    made = event(starts_at="2027-06-12 19:30", ends_at="2027-06-13T02:00:00+02:00", timezone="Europe/Berlin")
    assert (made.starts_at, made.ends_at, made.timezone) == ("2027-06-12T19:30", "2027-06-13T02:00:00+02:00", "Europe/Berlin")


def test_a_time_zone_is_taken_where_the_entry_has_none() -> None:
    reading = events(
        ("x.json", [{"name": "A", "starts_at": "2027-06-12"}, {"name": "B", "starts_at": "2027-06-12", "timezone": "UTC"}]),
        timezone="Asia/Tokyo",
    )
    assert [getattr(row.command, "timezone", None) for row in reading.rows] == ["Asia/Tokyo", "UTC"]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"starts_at": "2027-02-30"}, "2027-02-30T09:00 is not an ISO 8601 date and time between 1970 and 2200."),
        ({"starts_at": "12.06.2027"}, "12.06.2027 is not an ISO 8601 date and time between 1970 and 2200."),
        ({"ends_at": "2027-06-11"}, "The Event has to start before it ends."),
        ({"timezone": "Europe/Ulm"}, "Europe/Ulm is not an IANA time zone."),
        ({"starts_at": "2027-03-28T02:30", "ends_at": "2027-03-29", "timezone": "Europe/Berlin"}, None),
        ({"online": "perhaps"}, "online: expected true or false"),
        ({"tags": ["x", 5]}, "tags[1]: Expected `str`, got `int`"),
        ({"custom_fields": 5, "online": True}, "custom_fields: Expected `object | null`, got `int`"),
        ({"custom_fields": [], "city": "Ulm"}, "city: this was said before under another name"),
        ({"starts_at": 20270612}, "starts_at: Expected `str`, got `int`"),
    ],
)
def test_a_wrong_event_is_refused(values: dict[str, Any], reason: str | None) -> None:
    reading = events(("own.json", [{"name": "Show", "starts_at": "2027-06-12", **values}]))
    ((line, said),) = reasons(reading)
    assert line == 1
    assert said == reason or (reason is None and "does not exist in Europe/Berlin" in said)


def test_what_is_refused_is_called_by_its_name_as_far_as_that_could_be_read() -> None:
    refused = venues("stadium,capacity,name\n Old  Hall,0,\nA,1,B\n").refused
    assert [entry.name for entry in refused] == ["Old Hall", ""]


def test_a_conference_says_where_it_is_and_what_it_is_about() -> None:
    conference = {"name": "PyShow", "url": "https://py.example", "startDate": "2027-06-12", "endDate": "2027-06-13"}
    place = {"city": "Ulm", "country": "Germany", "online": True, "locales": "EN", "twitter": "@py"}
    (row,) = events(("2027/python.json", [conference | place])).rows
    assert row.command == CreateEvent(
        name="PyShow",
        starts_at="2027-06-12T09:00",
        ends_at="2027-06-13T18:00",
        event_type="hybrid",
        online_url="https://py.example",
        tags=("python",),
        custom_fields={"city": "Ulm", "country": "Germany", "languages": "EN"},
        social_links={"website": "https://py.example", "twitter": "@py"},
    )


def test_online_alone_is_virtual_and_not_online_is_in_person() -> None:
    at_home, out = event(online="yes", url="https://x.example"), event(online=False, url="https://x.example")
    assert (at_home.event_type, at_home.online_url) == ("virtual", "https://x.example")
    assert (out.event_type, out.online_url) == ("in_person", None)


def test_a_conference_in_several_files_is_one_with_all_topics() -> None:
    conference = {"name": "PyShow", "startDate": "2027-06-12", "endDate": "2027-06-13"}
    reading = events(("data.json", [conference]), ("python.json", [conference]), ("web.json", [conference | {"name": " PyShow  "}]))
    (row,) = reading.rows
    assert isinstance(row.command, CreateEvent)
    assert row.command.tags == ("data", "python", "web")
    assert [str(duplicate.place) for duplicate in reading.duplicates] == ["python.json:1", "web.json:1"]


def test_the_same_thing_has_the_same_key_in_every_run_whatever_else_is_said_about_it() -> None:
    first, again = venues("name,capacity,city\nArena,5,Ulm\n"), venues('[{"city": "Ulm", "name": "Arena", "capacity": 6}]', "x.json")
    other = venues("name,capacity,city\nArena,5,Bonn\n")
    assert first.rows[0].idempotency_key == again.rows[0].idempotency_key != other.rows[0].idempotency_key
    assert len(first.rows[0].idempotency_key) <= 255


def test_whoever_gives_ids_decides_by_them_what_is_the_same() -> None:
    ids = ["019a0000-0000-7000-8000-000000000001", "019a0000-0000-7000-8000-000000000002"]
    reading = venues("\n".join(["id,name,capacity", *(f"{own},Arena,5" for own in ids)]))
    assert len({row.idempotency_key for row in reading.rows}) == 2


@pytest.mark.skipif(not DATA.exists(), reason="the public data is not beside the project")
def test_all_stadiums_are_read() -> None:
    file = DATA / "jokecamp__FootballData/stadiums-with-GPS-coordinates.csv"
    reading = read(KINDS["venues"], [(file.name, file.read_bytes())], {})
    assert (len(reading.rows), reading.refused) == (136, ())
    assert sum(row.command.capacity for row in reading.rows if isinstance(row.command, AddVenue)) == 4_391_416


@pytest.mark.skipif(not DATA.exists(), reason="the public data is not beside the project")
def test_all_conferences_of_a_year_are_read() -> None:
    files = sorted((DATA / "tech-conferences__conference-data/2024").glob("*.json"))
    reading = read(KINDS["events"], [(file.name, file.read_bytes()) for file in files], {})
    assert (len(reading.rows), len(reading.duplicates), reading.refused, reading.unused) == (690, 199, (), ())
