"""The demo's material, and what is kept of one that was interrupted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from infrastructure.demo import begun
from infrastructure.demo.begun import Begun
from infrastructure.demo.material import Conference, conferences, stadiums

NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


def test_what_is_kept_is_for_its_owners_eyes_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    one = Begun(organization_id=uuid4(), at=NOW, owner_key="sbk_secret")
    begun.keep(folder, one)
    (file,) = folder.iterdir()
    assert (file.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert begun.read(folder, NOW + timedelta(hours=5)) == one
    begun.forget(folder)
    begun.forget(folder)
    assert not begun.is_unfinished(folder)


def test_what_was_begun_long_ago_is_begun_anew(tmp_path: Path) -> None:
    begun.keep(tmp_path, Begun(organization_id=uuid4(), at=NOW))
    assert begun.read(tmp_path, NOW + timedelta(hours=7)) is None


def test_what_cannot_be_read_is_begun_anew(tmp_path: Path) -> None:
    begun.keep(tmp_path, Begun(organization_id=uuid4(), at=NOW))
    (tmp_path / "demo.json").write_text("{")
    assert begun.read(tmp_path, NOW) is None


def test_a_folder_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(begun.Unkept, match=r"demo\.json"):
        begun.keep(tmp_path / "data", Begun(organization_id=uuid4(), at=NOW))


@pytest.mark.parametrize("today", [date(2024, 1, 1), date(2026, 11, 24), date(2031, 6, 30)])
def test_conferences_take_place_soon_on_their_own_days_of_the_week(today: date) -> None:
    for conference in conferences().values():
        first, last = conference.days_after(today)
        assert today <= first < today + timedelta(weeks=104)
        assert first.weekday() == conference.start_date.weekday()
        assert last - first == conference.end_date - conference.start_date


def test_a_conference_that_is_still_to_come_keeps_its_dates() -> None:
    soon = Conference(name="Gala", url="", start_date=date(2027, 5, 4), end_date=date(2027, 5, 5))
    assert soon.days_after(date(2027, 5, 4)) == (date(2027, 5, 4), date(2027, 5, 5))


def test_every_city_of_a_conference_has_a_stadium() -> None:
    cities = {stadium.city for stadium in stadiums()}
    assert {conference.city for conference in conferences().values() if conference.city is not None} <= cities


def test_the_licences_stand_beside_the_data() -> None:
    data = Path(begun.__file__).parent / "data"
    notice = (data / "NOTICE").read_text()
    for name in ("stadiums", "conferences"):
        assert f"LICENSE.{name}" in notice
        assert "Permission is hereby granted" in (data / f"LICENSE.{name}").read_text()
