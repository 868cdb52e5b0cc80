"""The company that benchmarks work on: one organization, one Event on sale, categories with more places than anyone will buy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import NamedTuple
from uuid import UUID, uuid4

from application.bus.messages import Outcome, Request
from application.bus.port import CommandBus
from application.events.events import CreateEvent
from application.events.life_cycle import ConfirmEvent
from application.ids import fresh_uuid7
from application.organizations.organizations import CreateOrganization
from application.principal import PLATFORM, Principal, system
from application.registry import Command
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import LineRequest, PlaceOrder
from application.ticketing.ticket_categories import AddTicketCategory

CUSTOMERS = 4_000


class Festival(NamedTuple):
    """What orders need to know."""

    principal: Principal
    owner_key: str
    event_id: UUID
    category_ids: list[UUID]


async def open_festival(bus: CommandBus, categories: int) -> Festival:
    """Make it, by commands."""
    slug = f"bench-{uuid4().hex[:12]}"
    created = await send(
        bus,
        PLATFORM,
        CreateOrganization(
            name="Bench", slug=slug, default_currency="EUR", timezone="Europe/Berlin", owner_email=f"{slug}@example.org", owner_name="Owner"
        ),
    )
    principal = system("bench", created.replies[0].id)
    starts_at = (datetime.now(UTC) + timedelta(days=300)).isoformat(timespec="seconds")
    ends_at = (datetime.now(UTC) + timedelta(days=303)).isoformat(timespec="seconds")
    event = await send(
        bus,
        principal,
        CreateEvent(name="Festival", starts_at=starts_at, ends_at=ends_at, timezone="Europe/Berlin", online_url="https://example.org"),
    )
    event_id = event.replies[0].id
    category_ids = []
    for number in range(categories):
        added = await send(
            bus,
            principal,
            AddTicketCategory(event_id=event_id, name=f"Category {number}", quantity_total=1_000_000, price="25.00", tax_rate="19"),
        )
        category_ids.append(added.replies[0].id)
    await send(bus, principal, ConfirmEvent(event_id=event_id))
    await send(bus, principal, OpenSales(event_id=event_id))
    return Festival(principal, created.replies[0].secrets["owner_key"], event_id, category_ids)


def orders(festival: Festival) -> Iterator[PlaceOrder]:
    """Holds of two tickets for returning customers, spread over the categories."""
    for number in count():
        customer = number // len(festival.category_ids) % CUSTOMERS
        yield _order(festival, number, f"customer{customer}@example.org", f"Customer {customer}")


def door_orders(festival: Festival) -> Iterator[PlaceOrder]:
    """The same for people who do not say who they are; nobody counts how many of their holds are live."""
    return (_order(festival, number) for number in count())


def _order(festival: Festival, number: int, email: str | None = None, name: str | None = None) -> PlaceOrder:
    line = LineRequest(ticket_category_id=festival.category_ids[number % len(festival.category_ids)], quantity=2)
    return PlaceOrder(event_id=festival.event_id, lines=(line,), customer_email=email, customer_name=name)


async def send(bus: CommandBus, principal: Principal, command: Command, key: str | None = None) -> Outcome:
    """One command as a unit of its own."""
    return await bus.submit(
        Request(commands=[command], principal=principal, command_id=fresh_uuid7(), idempotency_key=key, correlation_id="bench")
    )
