"""Files are read with the true line of every entry."""

from __future__ import annotations

from typing import Any

import pytest

from infrastructure.imports.entries import Entry, Refused, entries


def found(file: str, text: str | bytes) -> list[tuple[int, Any]]:
    """(line, values or reason) of everything in a file."""
    content = text.encode() if isinstance(text, str) else text
    everything = list(entries(file, content))
    assert {entry.place.file for entry in everything} <= {file}
    return [(entry.place.line, dict(entry.values) if isinstance(entry, Entry) else entry.reason) for entry in everything]


def test_csv_lines_count_line_breaks_inside_of_cells_and_empty_lines() -> None:
    text = 'name,note\nA,"one\ntwo"\n\nB,\nC,three\n'
    assert found("x.csv", text) == [(2, {"name": "A", "note": "one\ntwo"}), (5, {"name": "B"}), (6, {"name": "C", "note": "three"})]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_of_every_system_is_read(end: str) -> None:
    assert found("x.csv", end.join(["name,city", "A,Ulm", "B,Bonn"])) == [
        (2, {"name": "A", "city": "Ulm"}),
        (3, {"name": "B", "city": "Bonn"}),
    ]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter_and_a_byte_order_mark_is_none_of_its_names(delimiter: str) -> None:
    assert found("x.CSV", f"\ufeffname{delimiter}city\nA{delimiter}Ulm\n") == [(2, {"name": "A", "city": "Ulm"})]


def test_a_csv_row_of_another_length_is_refused_and_the_others_are_read() -> None:
    assert found("x.csv", "a,b\n1\n2,3\n4,5,6\n") == [
        (2, "has 1 cells, the header 2"),
        (3, {"a": "2", "b": "3"}),
        (4, "has 3 cells, the header 2"),
    ]


def test_a_header_that_names_a_column_twice_is_refused() -> None:
    assert found("x.csv", "\na,b,a\n1,2,3\n") == [(2, "the header names a more than once")]


def test_a_quote_that_is_never_closed_is_refused_where_it_begins() -> None:
    assert found("x.csv", 'a,b\n1,2\n3,"4\n5,6\n') == [(2, {"a": "1", "b": "2"}), (3, "not CSV from here on: unexpected end of data")]


def test_json_lists_have_the_line_on_which_each_object_begins() -> None:
    assert found("x.json", '[\n  {"a": 1},\n\n  {\n    "a": 2\n  }, {"a": 3}\n]\n') == [(2, {"a": 1}), (4, {"a": 2}), (6, {"a": 3})]


@pytest.mark.parametrize("file", ["x.ndjson", "x.jsonl", "x.json"])
def test_objects_line_by_line_are_read(file: str) -> None:
    assert found(file, '{"a": 1}\n\n{"a": 2}\n') == [(1, {"a": 1}), (3, {"a": 2})]


@pytest.mark.parametrize("text", ["", "  \n", "[]", "[\n]\n"])
def test_nothing_is_in_an_empty_file(text: str) -> None:
    assert found("x.json", text) == []


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('[{"a": 1},\n\n{"a" 2}\n]', 3, "not JSON from here on: Expecting ':' delimiter"),
        ('[{"a": 1}\n{"a": 2}]', 2, "not JSON from here on: a comma is missing"),
        ('[{"a": 1},\n', 2, "not JSON from here on: Expecting value"),
        ('[{"a": 1}\n', 2, "not JSON from here on: the list is not closed"),
        ('[{"a": 1}\n]\n{"a": 2}', 2, "not JSON from here on: something follows the list"),
        ('[{"a": 1},\n{"a": NaN}]', 2, "not JSON from here on: JSON is malformed: invalid character (byte 6)"),
        ('[{"a": 1},\n{"a": "\\ud800"}]', 2, "not JSON from here on: Input data was truncated"),
        ('[{"a": 1},\n{"a": ' + "[" * 100_000, 2, None),
    ],
)
def test_after_something_that_is_no_json_nothing_follows_and_what_was_before_is_read(text: str, line: int, reason: str | None) -> None:
    first, last = found("x.json", text)
    assert first == (1, {"a": 1})
    assert last[0] == line
    assert reason is None or last[1] == reason


def test_what_is_no_object_is_refused_alone() -> None:
    assert found("x.json", '[1,\n{"a": 1}, "x"]') == [(1, "not a JSON object"), (2, {"a": 1}), (2, "not a JSON object")]


def test_another_encoding_is_refused_with_its_line() -> None:
    assert found("x.csv", "name\nMünchen\n".encode("latin-1")) == [(2, "not UTF-8: save the file with this encoding")]


def test_what_is_refused_knows_its_place() -> None:
    (refused,) = entries("a/b.json", b"[\n1]")
    assert isinstance(refused, Refused)
    assert str(refused.place) == "a/b.json:2"
