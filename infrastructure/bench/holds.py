"""The smallest domain whose units have two records: a hold, and the stock that it takes from. Known to benchmarks alone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from application.registry import COMMANDS, Command, Reply, command
from application.unit import Unit
from domain.aggregate import AGGREGATE_TYPES, EVENT_TYPES, Aggregate, Created, DomainEvent
from domain.personal import Personal


class BenchStockOpened(Created):
    """A limited number."""

    type_name = "bench_stock.opened"


class BenchStockReserved(DomainEvent):
    """A part of it is held."""

    type_name = "bench_stock.reserved"
    hold_id: UUID
    quantity: int

    def apply(self, aggregate: BenchStock) -> None:
        """Less is left."""
        aggregate.reserved += self.quantity


class BenchHoldPlaced(Created):
    """Somebody holds it."""

    type_name = "bench_hold.placed"
    person: UUID
    email: Personal[str | None, "person"]
    name: Personal[str | None, "person"]
    quantity: int


class BenchStock(Aggregate):
    """The contested side of a unit."""

    stream_type = "bench_stock"
    reserved: int = 0


class BenchHold(Aggregate):
    """The new side of a unit."""

    stream_type = "bench_hold"
    quantity: int = 0


class OpenBenchStock(Command, frozen=True, kw_only=True):
    """Begin a stock."""


class PlaceBenchHold(Command, frozen=True, kw_only=True):
    """Hold a part of a stock for a person."""

    stock_id: UUID
    email: str
    name: str
    quantity: int


def open_stock(_: OpenBenchStock, unit: Unit) -> Reply:
    """Begin a stock."""
    stock = BenchStock.begin(BenchStockOpened, id=unit.new_id(), now=unit.now, organization_id=unit.organization_id)
    unit.add(stock)
    return Reply(id=stock.id, version=1, collection="stocks")


def place_hold(command: PlaceBenchHold, unit: Unit) -> Reply:
    """Hold a part of a stock for a person: two records."""
    stock = unit.get(BenchStock, command.stock_id)
    hold = BenchHold.begin(
        BenchHoldPlaced,
        id=unit.new_id(),
        now=unit.now,
        organization_id=unit.organization_id,
        person=unit.person(command.email),
        email=command.email,
        name=command.name,
        quantity=command.quantity,
    )
    unit.add(hold)
    stock.trigger(BenchStockReserved, now=unit.now, hold_id=hold.id, quantity=command.quantity)
    return Reply(id=hold.id, version=1, collection="holds")


EVENTS = {name: EVENT_TYPES.pop(name) for name in ("bench_stock.opened", "bench_stock.reserved", "bench_hold.placed")}
AGGREGATES = {name: AGGREGATE_TYPES.pop(name) for name in ("bench_stock", "bench_hold")}
"""Taken out again of what the program can have recorded."""


@contextmanager
def registered() -> Iterator[None]:
    """The two commands exist inside the block."""
    before = set(COMMANDS)
    command("POST /bench-stocks", permission="bench")(open_stock)
    command("POST /bench-holds", permission="bench")(place_hold)
    try:
        yield
    finally:
        for name in set(COMMANDS) - before:
            del COMMANDS[name]
