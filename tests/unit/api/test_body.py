"""A body that cannot be read: what is wrong, and where."""

from __future__ import annotations

import json

import pytest

from api.body import decode_object
from api.refusals import ERRORS_LIMIT, InvalidInput

_HUGE = "9" * 10_000


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (f'{{"n": {_HUGE}}}', ["/n"]),
        (f'{{"n": -{_HUGE}}}', ["/n"]),
        (f'{{"a": [{{"b/c": {_HUGE}}}, 1, {_HUGE}]}}', ["/a/0/b~1c", "/a/2"]),
        (f"[{_HUGE}]", ["/0"]),
        ('{"n": 1e400, "m": -1e400}', ["/m", "/n"]),
        ('{"n": 1e400, "text": "a\\u0000b"}', ["/n", "/text"]),
    ],
)
def test_of_a_number_that_is_too_large_it_is_said_where_it_stands(body: str, pointers: list[str]) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_object(body.encode())
    assert sorted(error.pointer or "" for error in refused.value.errors) == pointers


@pytest.mark.parametrize(
    "rest",
    ["}", '"text": "unended', '"\\ud800": "\\u0000"}', '"nested": ' + "[" * 5_000 + "]" * 5_000 + "}"],
    ids=["no JSON", "cut off", "a lone surrogate", "nested deeply"],
)
def test_a_body_with_other_faults_behind_the_number_is_refused_all_the_same(rest: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_object(f'{{"n": {_HUGE}, {rest}'.encode())
    assert [error.pointer for error in refused.value.errors] == [""]
    json.dumps([error.detail for error in refused.value.errors])


def test_bytes_that_are_no_text_behind_the_number_are_refused_all_the_same() -> None:
    with pytest.raises(InvalidInput):
        decode_object(f'{{"n": {_HUGE}, "text": "'.encode() + b'\xff"}')


def test_of_very_much_that_is_wrong_a_part_is_named() -> None:
    with pytest.raises(InvalidInput) as refused:
        decode_object(json.dumps({"texts": ["\0"] * 50_000}).encode())
    *named, last = refused.value.errors
    assert len(named) == ERRORS_LIMIT
    assert all(error.pointer for error in named)
    assert (last.pointer, last.detail) == (None, "There is more that is wrong")
