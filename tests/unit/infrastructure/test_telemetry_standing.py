"""Asking the database how the projections are: seldom, and without waiting for one that does not answer."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from application.bus.messages import Unavailable
from application.ports import Log
from infrastructure.postgres.pool import Pool
from infrastructure.telemetry import standing
from infrastructure.telemetry.standing import Standing, Standings
from tests.support.watching import status


class Database(Standings):
    """Answers `answer`, once it is `there`."""

    def __init__(self, answer: Standing | Exception) -> None:
        super().__init__(cast("Pool", None), cast("Log", None), ())
        self.answer = answer
        self.there = asyncio.Event()
        self.there.set()
        self.questions = 0
        self._pool = cast("Pool", self)

    def acquire(self) -> Database:
        return self

    async def __aenter__(self) -> None:
        self.questions += 1
        await self.there.wait()

    async def __aexit__(self, *_: object) -> None:
        """Nothing to give back."""

    async def _look(self, connection: object) -> Standing:  # noqa: ARG002
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


UP_TO_DATE = Standing([status(), status("deadlines")], {}, 0.0)
NOT_BUILT = Standing([status(), status("deadlines", tables_version=0)], {}, 0.0)


async def test_many_who_want_to_know_within_a_second_are_one_question() -> None:
    database = Database(UP_TO_DATE)
    assert list(await asyncio.gather(database.now(), database.now())) == [UP_TO_DATE, UP_TO_DATE]
    assert await database.now() == UP_TO_DATE
    assert database.questions == 1


async def test_a_second_later_it_is_asked_again() -> None:
    database = Database(UP_TO_DATE)
    await database.now()
    await database.now()
    database._known_until -= 1.0
    await database.now()
    assert database.questions == 2


async def test_tables_that_are_being_made_are_looked_at_again_at_once() -> None:
    database = Database(NOT_BUILT)
    await database.now()
    database.answer = UP_TO_DATE
    assert await database.now() == UP_TO_DATE


async def test_a_database_that_does_not_answer_is_not_waited_for_nor_asked_again_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standing, "_PATIENCE_SECONDS", 0.01)
    database = Database(UP_TO_DATE)
    database.there.clear()
    for _ in range(3):
        with pytest.raises(Unavailable):
            await database.now()
    assert database.questions == 1
    database.there.set()
    await asyncio.sleep(0)
    assert await database.now() == UP_TO_DATE


async def test_a_database_that_is_away_is_asked_anew_each_time() -> None:
    database = Database(UP_TO_DATE)

    database.answer = ConnectionResetError()
    with pytest.raises(Unavailable):
        await database.now()
    database.answer = UP_TO_DATE
    assert await database.now() == UP_TO_DATE
