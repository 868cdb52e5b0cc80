"""Lists over HTTP on a real server: filters, order, cursors, what is shown, what is counted, what has changed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from application.events.events import CreateEvent, DeleteEvent, UpdateEvent
from application.events.venues import AddVenue
from application.ticketing.ticket_categories import AddTicketCategory
from tests.integration.reads.conftest import Company

VENUES = (("Arena", 900, "hall"), ("Barn", 80, None), ("Cellar", 80, "club"), ("Dock", 4000, None), ("École", 300, "club"))


async def _venues(company: Company) -> None:
    await company.send(*(AddVenue(name=name, capacity=capacity, venue_type=kind) for name, capacity, kind in VENUES))


def _event(name: str, **more: Any) -> CreateEvent:
    times = {"starts_at": "2027-06-12T18:00:00Z", "ends_at": "2027-06-12T23:00:00Z"}
    return CreateEvent(name=name, timezone="Europe/Berlin", **{**times, **more})


FILTERS = [
    ({"filter[name]": "Barn"}, ["Barn"]),
    ({"filter[name][ne]": "Barn"}, ["École", "Dock", "Cellar", "Arena"]),
    ({"filter[venue_type][ne]": "club"}, ["Dock", "Barn", "Arena"]),
    ({"filter[name][in]": "Barn,Dock,Nowhere"}, ["Dock", "Barn"]),
    ({"filter[capacity][gt]": "300"}, ["Dock", "Arena"]),
    ({"filter[capacity][gte]": "300", "filter[capacity][lt]": "4000"}, ["École", "Arena"]),
    ({"filter[capacity][lte]": "80"}, ["Cellar", "Barn"]),
    ({"filter[name][like]": "%E%"}, ["École", "Cellar", "Arena"]),
    ({"filter[name][like]": "\\%"}, []),
    ({"filter[venue_type][is_null]": "true"}, ["Dock", "Barn"]),
    ({"filter[venue_type][is_null]": "false"}, ["École", "Cellar", "Arena"]),
    ({"filter[is_active]": "true", "filter[venue_type]": "hall"}, ["Arena"]),
    ({"filter[created_at][gte]": "2027-01-01T13:04:00 01:00"}, ["École", "Dock"]),
    ({"filter[created_at][lt]": "2027-01-01"}, []),
]


async def test_filters_say_which_rows(company: Company) -> None:
    await _venues(company)
    for parameters, names in FILTERS:
        assert await company.names("venues", **parameters) == names, parameters


async def test_pages_in_any_order_show_every_row_once(company: Company) -> None:
    """Also by columns with equal and with missing values, in mixed directions, page by page of two."""
    await _venues(company)
    for first, second in itertools.product(("venue_type", "-venue_type", "capacity", "-capacity"), ("name", "-name", "-id")):
        whole = await company.names("venues", sort=f"{first},{second}")
        assert sorted(whole) == sorted(name for name, _, _ in VENUES)
        paged: list[str] = []
        cursor: dict[str, str] = {}
        while True:
            page = await company.get("venues", sort=f"{first},{second}", limit="2", **cursor)
            paged += [row["name"] for row in page["data"]]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert paged == whole, (first, second)


async def test_a_cursor_is_stable_while_rows_come_and_go(company: Company) -> None:
    await _venues(company)
    page = await company.get("venues", limit="2")
    await company.send(AddVenue(name="Newer", capacity=1))
    rest = await company.get("venues", cursor=page["next_cursor"])
    assert [row["name"] for row in page["data"] + rest["data"]] == ["École", "Dock", "Cellar", "Barn", "Arena"]


async def test_a_cursor_of_another_order_is_refused(company: Company) -> None:
    await _venues(company)
    page = await company.get("venues", limit="2")
    problem = await company.problem("venues", cursor=page["next_cursor"], sort="name")
    assert problem["errors"] == [{"detail": "This cursor belongs to another sort order", "parameter": "cursor"}]


async def test_only_the_fields_that_were_asked_for_are_shown_and_rows_are_counted_on_demand(company: Company) -> None:
    await _venues(company)
    page = await company.get("venues", fields="capacity,name", limit="1", count="true", **{"filter[capacity]": "80"})
    assert page["data"] == [{"name": "Cellar", "capacity": 80}]
    assert page["count"] == 2
    assert "count" not in await company.get("venues")


async def test_expanding_shows_what_belongs_to_a_row_in_one_statement(company: Company) -> None:
    """However many rows there are: nothing is looked up row by row."""
    venue = await company.send(AddVenue(name="Arena", capacity=900))
    for number in range(3):
        event = await company.send(_event(f"Event {number}"))
        await company.send(*(AddTicketCategory(event_id=event.id, name=f"{number}{kind}", price="5.5", quantity_total=1) for kind in "abc"))
    await company.send(_event("Housed", venue_id=venue.id, starts_at="2027-07-01T18:00:00Z", ends_at="2027-07-01T20:00:00Z"))
    await company.system.caught_up()
    company.pool.statements.clear()
    page = await company.get("events", expand="venue,ticket_categories", fields="name")
    assert len(company.pool.statements) == 1
    assert [row["name"] for row in page["data"]] == ["Housed", "Event 2", "Event 1", "Event 0"]
    assert [row["venue"] and row["venue"]["name"] for row in page["data"]] == ["Arena", None, None, None]
    assert [[category["name"] for category in row["ticket_categories"]] for row in page["data"]][:2] == [[], ["2c", "2b", "2a"]]
    assert page["data"][1]["ticket_categories"][0]["price"] == "5.50"
    assert {row["ticket_categories_truncated"] for row in page["data"]} == {False}


async def test_an_expanded_list_says_when_it_is_cut(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projections.queries.render.EXPANDED_LIMIT", 2)
    event = await company.send(_event("Many"))
    await company.send(*(AddTicketCategory(event_id=event.id, name=kind, price="1", quantity_total=1) for kind in "abc"))
    row = await company.get(f"events/{event.id}", expand="ticket_categories", fields="slug")
    assert [category["name"] for category in row["ticket_categories"]] == ["c", "b"]
    assert row["ticket_categories_truncated"] is True


async def test_what_has_changed_since_a_position_comes_in_the_order_in_which_it_did_with_what_was_deleted(company: Company) -> None:
    first, second, third = [(await company.send(_event(name))).id for name in ("One", "Two", "Three")]
    since = (await company.get("events"))["position"]
    await company.send(UpdateEvent(event_id=second, name="Two, renamed"), UpdateEvent(event_id=first, name="One, renamed"))
    await company.send(DeleteEvent(event_id=third))
    after = {"filter[log_position][gt]": str(since)}
    assert await company.names("events", **after) == ["Two, renamed", "One, renamed"]
    gone = (await company.get("deletions", **after, **{"filter[entity]": "events"}))["data"]
    assert [row["entity_id"] for row in gone] == [str(third)]
    assert (await company.get("events", **{"filter[log_position][gt]": str(gone[0]["log_position"])}))["data"] == []


async def test_what_does_not_exist_is_named_with_what_does(company: Company) -> None:
    parameters = {"filter[nmae]": "x", "filter[name][most]": "x", "sort": "tags", "fields": "nmae", "expand": "orders", "page": "2"}
    problem = await company.problem("venues", **parameters)
    details = {error["parameter"]: error["detail"] for error in problem["errors"]}
    assert details.keys() == {"filter[nmae]", "filter[name][most]", "sort", "fields", "expand", "page"}
    assert "capacity" in details["filter[nmae]"]
    assert details["filter[name][most]"].endswith("there is eq, ne, in, gt, gte, lt, lte, like")
    assert "capacity" in details["sort"]
    assert "capacity" in details["fields"]
    assert "events" in details["expand"]
    assert "cursor" in details["page"]


WRONG = [
    {"filter[capacity]": "many"},
    {"filter[capacity]": "9" * 19},
    {"filter[capacity][in]": "1,,2"},
    {"filter[capacity][in]": ",".join("1" * 201)},
    {"filter[id]": "1"},
    {"filter[is_active]": "yes"},
    {"filter[created_at]": "yesterday"},
    {"filter[created_at]": "2027-01-01T00:00:00"},
    {"filter[created_at]": "0001-01-01T00:00:00+14:00"},
    {"filter[name]": "\x00"},
    {"filter[name][like]": "x" * 1001},
    {"filter[name][is_null]": "true"},
    {"filter[address]": "{}"},
    {"sort": ""},
    {"sort": "name,-name"},
    {"sort": "name,capacity,venue_type,created_at,updated_at,id"},
    {"fields": ""},
    {"count": "yes"},
]


async def test_values_that_no_column_can_have_are_refused(company: Company) -> None:
    for parameters in WRONG:
        assert (await company.problem("venues", **parameters))["code"] == "invalid_input", parameters
