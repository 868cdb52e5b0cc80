"""What the bus knows of each organization's last record."""

from __future__ import annotations

from uuid import UUID

import pytest

from application.bus import activity
from application.bus.activity import Activity

ONE, OTHER = UUID(int=1), UUID(int=2)


def test_of_what_was_there_before_it_is_known_that_it_is_not_later() -> None:
    known = Activity()
    known.begin(7)
    assert known.last(ONE) == 7


def test_the_greatest_position_counts_in_whatever_order_records_are_reported() -> None:
    known = Activity()
    known.begin(7)
    known.recorded([(ONE, 9), (OTHER, 12), (ONE, 8)])
    assert (known.last(ONE), known.last(OTHER)) == (9, 12)


def test_nothing_is_known_before_the_log_was_looked_at_or_when_that_is_long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Activity()
    assert known.last(ONE) is None
    known.begin(7)
    monkeypatch.setattr(activity, "FRESH_SECONDS", -1.0)
    assert known.last(ONE) is None
