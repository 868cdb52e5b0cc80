"""How the bus cuts what waits into appends."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

import pytest

from application.ports import Component, Verdict
from tests.support.memory import MemoryLog
from tests.unit.application.bus.tills import PayTestTill, Till, World, a_till, send


class SlowLog(MemoryLog):
    """An append takes until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = asyncio.Event()
        self.units: list[int] = []
        """Of each append, as soon as it was asked for."""

    async def append(self, components: Sequence[Component]) -> Sequence[Verdict]:
        self.units.append(sum(len(component.units) for component in components))
        await self.let_go.wait()
        return await super().append(components)


@pytest.fixture
def slow(world: World) -> Iterator[SlowLog]:
    world.log = log = SlowLog()
    yield log
    log.let_go.set()


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each decision, in which pass of the event loop it was made."""
    made: list[int] = []
    now = 0

    def turn() -> None:
        nonlocal now
        now += 1
        asyncio.get_running_loop().call_soon(turn)

    pay = Till.pay

    def noted(till: Till, coins: int, at: datetime) -> None:
        if not made:
            turn()
        made.append(now)
        pay(till, coins, at)

    monkeypatch.setattr(Till, "pay", noted)
    return made


async def _idle() -> None:
    """Let everything happen that does not wait for the log."""
    for _ in range(50):
        await asyncio.sleep(0)


@pytest.mark.parametrize(("waiting", "appends"), [(1, [1]), (32, [32]), (50, [32, 18]), (100, [64, 36]), (300, [160, 140])])
async def test_about_half_of_what_waits_is_decided_while_the_rest_is_in_the_database(
    world: World, slow: SlowLog, passes: list[int], waiting: int, appends: list[int]
) -> None:
    bus = await world.process()
    slow.let_go.set()
    till = await a_till(bus, coins=1_000)
    slow.let_go.clear()
    sent = asyncio.gather(*(send(bus, PayTestTill(till_id=till)) for _ in range(waiting)))
    await _idle()
    assert slow.units[1:] == appends[:1]
    assert len(passes) == waiting
    slow.let_go.set()
    await sent
    assert slow.units[1:] == appends


async def test_a_batch_has_a_limit(world: World, slow: SlowLog) -> None:
    slow.let_go.set()
    bus = await world.process(batch_limit=8)
    till = await a_till(bus, coins=1_000)
    await asyncio.gather(*(send(bus, PayTestTill(till_id=till)) for _ in range(20)))
    assert slow.units[1:] == [8, 8, 4]


async def test_between_some_decisions_others_get_their_turn(world: World, passes: list[int]) -> None:
    bus = await world.process()
    till = await a_till(bus, coins=1_000)
    await asyncio.gather(*(send(bus, PayTestTill(till_id=till)) for _ in range(200)))
    assert max(passes.count(turn) for turn in set(passes)) == 32
