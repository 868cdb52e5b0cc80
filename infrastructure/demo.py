"""A small company to look at, made by sending commands like any client would. All names are invented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from application.bus.messages import Request
from application.bus.port import CommandBus
from application.events.events import CreateEvent
from application.events.life_cycle import ConfirmEvent
from application.events.venues import AddVenue
from application.ids import fresh_uuid7
from application.organizations.organizations import CreateOrganization
from application.organizations.users import AddUser
from application.principal import PLATFORM, Principal, system
from application.registry import Command, Reply
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import CancelOrder, ConfirmOrder, LineRequest, PlaceOrder
from application.ticketing.ticket_categories import AddTicketCategory
from domain.organizations.facts import Role

_USERS: tuple[tuple[str, str, Role], ...] = (
    ("mara.feld@lakeside.example", "Mara Feld", "event_director"),
    ("jonas.brandt@lakeside.example", "Jonas Brandt", "finance_manager"),
    ("aylin.demir@lakeside.example", "Aylin Demir", "marketing_manager"),
    ("tom.okafor@lakeside.example", "Tom Okafor", "coordinator"),
    ("petra.lang@lakeside.example", "Petra Lang", "auditor"),
)
_VENUES = (("Boathouse Stage", 1200, "hall"), ("Lake Meadow", 9000, "open_air"), ("Mill Cinema", 180, "theatre"))
_BUYERS = (("Ines", "Vogt"), ("Karim", "Saleh"), ("Lotte", "Berg"), ("Noah", "Winter"), ("Olga", "Petrova"), ("Sam", "Ritter"))


class _Show(NamedTuple):
    name: str
    venue: int
    days_ahead: int
    hours: int
    categories: tuple[tuple[str, str, int], ...]
    """(name, price in EUR, places)"""


_SHOWS = (
    _Show("Lakeside Festival", 1, 210, 52, (("Weekend", "129.00", 6000), ("Saturday", "69.00", 2000), ("Crew guest", "0", 150))),
    _Show("Winter Sessions", 0, 75, 5, (("Standing", "34.50", 900), ("Balcony", "49.00", 250))),
    _Show("Volunteers' Evening", 2, 40, 4, (("Free entry", "0", 160),)),
)


async def load(bus: CommandBus) -> str:
    """Make the company. Returns its owner's API key."""
    founded = await _send(
        bus,
        PLATFORM,
        CreateOrganization(
            name="Lakeside Events",
            slug="lakeside",
            default_currency="EUR",
            timezone="Europe/Berlin",
            owner_email="hanna.seewald@lakeside.example",
            owner_name="Hanna Seewald",
        ),
    )
    demo = system("demo", founded.id)
    for email, name, role in _USERS:
        await _send(bus, demo, AddUser(email=email, full_name=name, role=role))
    venues = [await _send(bus, demo, AddVenue(name=name, capacity=capacity, venue_type=kind)) for name, capacity, kind in _VENUES]
    for show in _SHOWS:
        await _put_on(bus, demo, show, venues[show.venue].id)
    return founded.secrets["owner_key"]


async def _put_on(bus: CommandBus, demo: Principal, show: _Show, venue_id: UUID) -> None:
    """Plan, confirm, put on sale, and sell a little: free orders are confirmed, one is cancelled, the others are live holds."""
    begins = datetime.now(UTC).replace(hour=18, minute=0, second=0, microsecond=0) + timedelta(days=show.days_ahead)
    ends = begins + timedelta(hours=show.hours)
    event = await _send(
        bus,
        demo,
        CreateEvent(name=show.name, starts_at=begins.isoformat(), ends_at=ends.isoformat(), timezone="Europe/Berlin", venue_id=venue_id),
    )
    categories = [
        await _send(
            bus,
            demo,
            AddTicketCategory(
                event_id=event.id,
                name=name,
                ticket_type="free" if price == "0" else "paid",
                price=price,
                quantity_total=places,
                tax_rate="7",
            ),
        )
        for name, price, places in show.categories
    ]
    await _send(bus, demo, ConfirmEvent(event_id=event.id))
    await _send(bus, demo, OpenSales(event_id=event.id, hold_minutes=60))
    for number, (first, last) in enumerate(_BUYERS):
        category = number % len(categories)
        order = await _send(
            bus,
            demo,
            PlaceOrder(
                event_id=event.id,
                customer_email=f"{first}.{last}@post.example".lower(),
                customer_name=f"{first} {last}",
                lines=(LineRequest(ticket_category_id=categories[category].id, quantity=1 + number % 3),),
            ),
        )
        if number == len(_BUYERS) - 1:
            await _send(bus, demo, CancelOrder(order_id=order.id, reason="Cannot come after all"))
        elif show.categories[category][1] == "0":
            await _send(bus, demo, ConfirmOrder(order_id=order.id))


async def _send(bus: CommandBus, principal: Principal, command: Command) -> Reply:
    outcome = await bus.submit(Request(commands=[command], principal=principal, command_id=fresh_uuid7(), correlation_id="demo"))
    return outcome.replies[0]
