"""Whole lists as CSV and NDJSON: all rows in order, every value in a form that can be read back."""

from __future__ import annotations

import csv
import io
import json

from application.events.venues import AddVenue
from tests.integration.reads.conftest import Company

NAMES = ['Plain "quoted", with comma', "Two\nlines\\t", "\\.", "Ünïcode 🎪", "=1+1"]


async def _fill(company: Company) -> None:
    await company.send(*(AddVenue(name=name, capacity=7, address={"city": name, "n": [1, None]}, images=("a,b", 'c"')) for name in NAMES))
    await company.system.caught_up()


async def test_ndjson_is_the_rows_of_the_list_one_a_line(company: Company) -> None:
    await _fill(company)
    whole = await company.http.get("/v1/venues?sort=created_at", headers={"accept": "application/x-ndjson"})
    assert whole.headers["content-type"] == "application/x-ndjson"
    page = await company.get("venues", sort="created_at")
    assert [json.loads(line) for line in whole.text.splitlines()] == page["data"]
    assert int(whole.headers["stagebook-position"]) == page["position"]


async def test_csv_has_a_column_for_each_field_and_values_as_in_json(company: Company) -> None:
    await _fill(company)
    whole = await company.http.get("/v1/venues?sort=created_at", headers={"accept": "text/csv"})
    assert whole.headers["content-disposition"] == 'attachment; filename="venues.csv"'
    rows = list(csv.DictReader(io.StringIO(whole.text)))
    page = await company.get("venues", sort="created_at")
    for row, shown in zip(rows, page["data"], strict=True):
        assert row.keys() == shown.keys()
        for name, value in shown.items():
            expected = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            assert row[name].replace(": ", ":").replace(", ", ",") == expected.replace(": ", ":").replace(", ", ","), name


async def test_filters_order_and_fields_hold_for_a_whole_list_too_and_pages_do_not(company: Company) -> None:
    await _fill(company)
    parameters = {"filter[name][like]": "%e%", "sort": "-name", "fields": "name"}
    whole = await company.http.get("/v1/venues", params=parameters, headers={"accept": "text/csv;q=0.9, application/json;q=0.1"})
    names = [row["name"] for row in csv.DictReader(io.StringIO(whole.text))]
    assert names == await company.names("venues", **parameters)
    refused = await company.http.get("/v1/venues?limit=2&expand=events", headers={"accept": "text/csv"})
    assert refused.status_code == 422
    assert {error["parameter"] for error in refused.json()["errors"]} == {"limit", "expand"}


async def test_a_list_without_rows_is_a_header_line_or_nothing(company: Company) -> None:
    assert (await company.http.get("/v1/venues?fields=id,name", headers={"accept": "text/csv"})).text == "id,name\n"
    assert (await company.http.get("/v1/venues", headers={"accept": "application/x-ndjson"})).text == ""


async def test_what_cannot_be_had_is_406_and_says_what_can(company: Company) -> None:
    answer = await company.http.get("/v1/venues", headers={"accept": "image/png"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")
    assert "text/csv" in answer.json()["detail"]
