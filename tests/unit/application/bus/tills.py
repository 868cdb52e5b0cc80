"""A small domain for the bus: tills with coins; and a world of processes on one log in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID, uuid4

from application.bus.bus import Bus, Watch
from application.bus.messages import Outcome, Request
from application.principal import Principal
from application.registry import COMMANDS, Command, Reply, command
from application.unit import Scope, Unit
from domain.aggregate import AGGREGATE_TYPES, EVENT_TYPES, Aggregate, Created, DomainEvent
from domain.refusals import Conflict
from tests.support.memory import MemoryCodec, MemoryKeys, MemoryLog


class TillOpened(Created):
    type_name = "testtill.opened"
    coins: int


class TillPaid(DomainEvent):
    type_name = "testtill.paid"
    coins: int

    def apply(self, aggregate: Till) -> None:
        aggregate.coins -= self.coins


class Till(Aggregate):
    stream_type = "testtill"
    coins: int = 0

    def pay(self, coins: int, now: datetime) -> None:
        if coins > self.coins:
            raise TillEmpty(left=self.coins)
        if coins:
            self.trigger(TillPaid, now=now, coins=coins)


class TillEmpty(Conflict, rule="X1"):
    """Only {left} coins are left."""


class NameTaken(Conflict, rule="X2"):
    """The name {key} is taken."""


NAMES = Scope("till_names", NameTaken)
NUMBERS = Scope("till_numbers", None)


class OpenTestTill(Command, frozen=True, kw_only=True):
    id: UUID | None = None
    coins: int = 10
    name: str | None = None
    number: int | None = None


class PayTestTill(Command, frozen=True, kw_only=True):
    till_id: UUID
    coins: int = 1


class PayTwoTestTills(Command, frozen=True, kw_only=True):
    first_id: UUID
    second_id: UUID
    coins: int = 1


class PeekTestTill(Command, frozen=True, kw_only=True):
    till_id: UUID


def open_till(command: OpenTestTill, unit: Unit) -> Reply:
    """Open a till."""
    till = Till.begin(TillOpened, id=unit.resource_id(command.id), now=unit.now, organization_id=unit.organization_id, coins=command.coins)
    unit.add(till)
    if command.name is not None:
        unit.claim(NAMES, command.name, till.id)
    if command.number is not None:
        unit.claim(NUMBERS, str(command.number + unit.attempt), till.id)
    return Reply(id=till.id, version=till.version, collection="tills", secrets={"word": "hush"})


def pay(command: PayTestTill, unit: Unit) -> Reply:
    """Pay from a till."""
    till = unit.get(Till, command.till_id)
    unit.match(till.version)
    till.pay(command.coins, unit.now)
    return Reply(id=till.id, version=till.version, collection="tills")


def pay_two(command: PayTwoTestTills, unit: Unit) -> Reply:
    """Pay from two tills, all or nothing."""
    for till_id in (command.first_id, command.second_id):
        unit.get(Till, till_id).pay(command.coins, unit.now)
    return Reply(id=command.first_id, version=0, collection="tills")


def peek(command: PeekTestTill, unit: Unit) -> Reply:
    """Look into a till."""
    till = unit.get(Till, command.till_id)
    return Reply(id=till.id, version=till.version, collection="tills")


_EVENTS = {name: EVENT_TYPES.pop(name) for name in ("testtill.opened", "testtill.paid")}
_AGGREGATES = {name: AGGREGATE_TYPES.pop(name) for name in ("testtill",)}


@contextmanager
def registered() -> Iterator[None]:
    """Register these commands and types, and take them out again: other tests go through all that there are."""
    names = set(COMMANDS)
    for route, handler in (("POST /tills", open_till), ("POST /pay", pay), ("POST /pay-two", pay_two), ("POST /peek", peek)):
        command(route, permission="tills.use")(handler)
    EVENT_TYPES.update(_EVENTS)
    AGGREGATE_TYPES.update(_AGGREGATES)
    yield
    for name in set(COMMANDS) - names:
        del COMMANDS[name]
    for name in _EVENTS:
        del EVENT_TYPES[name]
    for name in _AGGREGATES:
        del AGGREGATE_TYPES[name]


ORG = uuid4()
OTHER_ORG = uuid4()
MEMBER = Principal(organization_id=ORG, system="test")


class World:
    """A log, and buses on it as if in several processes."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.codec = MemoryCodec()
        self.keys = MemoryKeys()
        ticks = count()
        self.clock = lambda: datetime(2030, 1, 1, tzinfo=UTC) + timedelta(milliseconds=next(ticks))
        self.buses: list[Bus] = []

    async def process(self, *, watch: Watch | None = None, **limits: int) -> Bus:
        bus = Bus(
            log=self.log,
            codec=self.codec,
            keys=self.keys,
            authorize=lambda _permission, _unit: None,
            clock=self.clock,
            watch=watch,
            **limits,
        )
        await bus.start()
        self.buses.append(bus)
        return bus


async def send(bus: Bus, *commands: Command, key: str | None = None, principal: Principal = MEMBER, if_match: int | None = None) -> Outcome:
    return await bus.submit(
        Request(commands=commands, principal=principal, command_id=uuid4(), idempotency_key=key, if_match=if_match, correlation_id="t")
    )


async def a_till(bus: Bus, coins: int = 10) -> UUID:
    return (await send(bus, OpenTestTill(coins=coins))).replies[0].id
