"""Work beside the rounds goes on whatever fails, and is stopped while it rests."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from application.bus import background
from application.bus.background import Background
from application.bus.messages import Unavailable
from application.unit import NotLoaded


@pytest.mark.parametrize(
    "fault", [Unavailable(), ValueError("a fault"), NotLoaded(person_key=uuid4())], ids=lambda fault: type(fault).__name__
)
@pytest.mark.parametrize("place", ["rest", "work"])
async def test_it_goes_on_after_a_fault(fault: BaseException, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "_PAUSE_AFTER_FAULT", 0)
    faults = [fault]
    done = asyncio.Event()

    async def rest() -> None:
        await asyncio.sleep(0)
        if place == "rest" and faults:
            raise faults.pop()

    async def work() -> None:
        if place == "work" and faults:
            raise faults.pop()
        done.set()

    running = Background(rest, work)
    await asyncio.wait_for(done.wait(), timeout=2)
    await running.stop()


async def test_it_is_never_stopped_in_the_middle_of_its_work() -> None:
    begun, finished = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await asyncio.sleep(0.02)
        finished.set()

    running = Background(lambda: asyncio.sleep(0), work)
    await begun.wait()
    await running.stop()
    assert finished.is_set()
