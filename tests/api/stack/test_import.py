"""Files of real data brought into the running system."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest

from api.cli import main
from tests.support.stack import Stack, Tenant

DATA = Path(__file__).parents[3].parent / "shared" / "data"
"""Public data beside the project."""
STADIUMS = DATA / "jokecamp__FootballData/stadiums-with-GPS-coordinates.csv"
CONFERENCES = DATA / "tech-conferences__conference-data/2024"
beside = pytest.mark.skipif(not (STADIUMS.exists() and CONFERENCES.exists()), reason="the public data is not beside the project")

Import = Callable[..., tuple[int, list[dict[str, Any]], dict[str, Any]]]


@pytest.fixture
def bring(stack: Stack, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Import:
    """Import as the tenant: exit code, refusals, summary."""
    monkeypatch.setenv("STAGEBOOK_URL", stack.url)
    monkeypatch.setenv("STAGEBOOK_KEY", tenant.key)

    def run(*arguments: str | Path) -> tuple[int, list[dict[str, Any]], dict[str, Any]]:
        code = main.run(["import", *map(str, arguments), "--json"])
        *refused, summary = [msgspec.json.decode(line) for line in capsys.readouterr().out.splitlines()]
        return code, refused, summary

    return run


@pytest.fixture
def rows(stack: Stack, tenant: Tenant) -> Callable[[str], list[Any]]:
    """What a query of the tenant's rows gives, once they are as far as the log."""

    def run(query: str) -> list[Any]:
        made = tenant.made("/v1/api-keys", {"name": "to wait for"})
        tenant.row(f"/v1/api-keys/{made['id']}", made["position"])
        with psycopg.connect(stack.database_url) as connection:
            return connection.execute(query, [tenant.founded["id"]]).fetchall()

    return run


@beside
def test_all_stadiums_and_all_conferences_come_in_once(bring: Import, rows: Callable[[str], list[Any]]) -> None:
    code, refused, summary = bring("venues", STADIUMS)
    assert (code, refused) == (0, [])
    assert summary["new"] == 136
    code, refused, summary = bring("events", CONFERENCES)
    assert (code, refused) == (0, [])
    assert (summary["read"], summary["duplicate"], summary["new"]) == (889, 199, 690)
    assert bring("venues", STADIUMS)[2] | {"kind": ""} == {
        "kind": "",
        "read": 136,
        "duplicate": 0,
        "new": 0,
        "already_there": 136,
        "refused": 0,
        "unused_columns": ["fdcouk", "team"],
    }
    assert rows("select count(*), sum(capacity) from read.venues where organization_id = %s") == [(136, 4_391_416)]
    assert rows("select count(*), count(distinct (name, starts_at)), count(distinct slug) from read.events where organization_id = %s") == [
        (690, 690, 690)
    ]


def test_what_is_refused_by_whomever_is_told_with_its_place_and_the_rest_comes_in(bring: Import, tmp_path: Path) -> None:
    file, report = tmp_path / "shows.json", tmp_path / "report.csv"
    file.write_text(
        '[{"name": "First", "starts_at": "2027-06-12"},\n'
        ' {"name": "Lost", "starts_at": "2027-06-12",\n  "venue_id": "019a0000-0000-7000-8000-000000000001"},\n'
        ' {"name": "Never", "starts_at": "2027-13-12"},\n'
        ' {"name": "First", "starts_at": "2027-06-12", "description": "again"},\n'
        ' {"name": "Last", "starts_at": "2027-06-13"}]\n'
    )
    code, refused, summary = bring("events", file, "--report", report)
    assert code == 1
    assert [(one["line"], one["name"], one["reason"].split(":")[0]) for one in refused] == [
        (2, "Lost", "There is no venue with this id."),
        (4, "Never", "2027-13-12T09"),
        (5, "First", f"says something else than {file}"),
    ]
    assert (summary["read"], summary["new"], summary["refused"]) == (5, 2, 3)
    with report.open() as lines:
        told = list(csv.DictReader(lines))
    assert [(line["line"], line["outcome"], bool(line["id"]), bool(line["reason"])) for line in told] == [
        ("1", "new", True, False),
        ("2", "refused", False, True),
        ("4", "refused", False, True),
        ("5", "refused", False, True),
        ("6", "new", True, False),
    ]


def test_what_changed_in_the_file_since_is_told_and_what_came_to_it_comes_in(bring: Import, tmp_path: Path) -> None:
    file = tmp_path / "venues.csv"
    file.write_text("name,capacity\nHall,10\nYard,20\n")
    assert bring("venues", file)[2]["new"] == 2
    file.write_text("name,capacity\nLoft,5\nHall,11\nYard,20\n")
    code, refused, summary = bring("venues", file)
    assert (code, summary["new"], summary["already_there"], summary["refused"]) == (1, 1, 1, 1)
    assert (refused[0]["line"], refused[0]["reason"].startswith("came in before")) == (3, True)


def test_two_events_of_one_name_on_two_days_both_come_in(bring: Import, rows: Callable[[str], list[Any]], tmp_path: Path) -> None:
    file = tmp_path / "shows.csv"
    file.write_text("name,starts_at\nShow,2027-06-12\nShow,2027-06-13\n")
    assert bring("events", file, "--timezone", "Asia/Tokyo")[2]["new"] == 2
    found = rows("select starts_at at time zone 'UTC', timezone from read.events where organization_id = %s order by starts_at")
    assert [(start.isoformat(), zone) for start, zone in found] == [
        ("2027-06-12T00:00:00", "Asia/Tokyo"),
        ("2027-06-13T00:00:00", "Asia/Tokyo"),
    ]


def test_a_dry_run_sends_nothing_and_needs_no_api(bring: Import, rows: Callable[[str], list[Any]], tmp_path: Path) -> None:
    file = tmp_path / "venues.csv"
    file.write_text("name,capacity\nHall,10\nYard,\n")
    code, refused, summary = bring("venues", file, "--dry-run", "--url", "http://127.0.0.1:1")
    assert (code, summary["to_send"], summary["refused"]) == (1, 1, 1)
    assert refused == [{"kind": "refused", "file": str(file), "line": 3, "name": "Yard", "reason": "capacity: missing"}]
    assert rows("select count(*) from read.venues where organization_id = %s") == [(0,)]


@pytest.mark.usefixtures("bring")
def test_with_a_key_that_opens_nothing_the_import_stops(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, report = tmp_path / "venues.csv", tmp_path / "report.csv"
    file.write_text("name,capacity\n" + "".join(f"Hall {number},10\n" for number in range(40)))
    assert main.run(["import", "venues", str(file), "--key", "wrong", "--report", str(report)]) == 1
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "stagebook: 401 unauthenticated: No valid credential was given.\n")
    assert report.read_text().splitlines() == ["file,line,name,outcome,id,reason"]


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("absent.csv", "there is no file {path}"),
        ("text.txt", "{path} cannot be read: expected a file that ends with .csv, .json, .ndjson, .jsonl"),
        (".", "{path} has no file that ends with .csv, .json, .ndjson, .jsonl"),
    ],
)
def test_nothing_to_import_is_wrong_use(name: str, line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.txt").write_text("x")
    path = tmp_path / name
    assert main.run(["import", "venues", str(path)]) == 2
    assert capsys.readouterr().err == f"stagebook: {line.format(path=path)}\n"
