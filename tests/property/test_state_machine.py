"""Commands of two organizations against a model in plain Python: every answer, and in the end every row, is what the model says.

Meanwhile buses and projections are restarted, two buses write to one database, keyed commands are sent again.
`STAGEBOOK_STATE_MACHINE=<examples>x<steps>` makes the search longer.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Coroutine
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from application.bus.messages import IdempotencyMismatch, Outcome
from application.events.calendar import own_booking_id
from application.events.events import CreateEvent, DeleteEvent
from application.events.life_cycle import CancelEvent, ConfirmEvent, RescheduleEvent
from application.events.venues import AddVenue, BookVenue, ReleaseBooking
from application.organizations.api_keys import IssueApiKey
from application.organizations.organizations import CreateOrganization
from application.organizations.persons import ErasePerson
from application.organizations.users import AddUser, ChangeUserRole, DeactivateUser
from application.principal import PLATFORM, Principal, system
from application.registry import Command
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import CancelOrder, ConfirmOrder, DeleteOrder, ExpireOrder, LineRequest, PlaceOrder
from application.ticketing.ticket_categories import AddTicketCategory, ChangeTicketCategory, OverAllocateTicketCategory
from application.ticketing.ticket_pools import AddTicketPool, ChangeTicketPool, OverAllocateTicketPool
from domain.refusals import Refusal
from tests.support import truths
from tests.support.company import HOLD, MAY, Booking, Code, Company, Gathering, Order, Slot, Stock, Text, User, Venue
from tests.support.databases import Databases
from tests.support.inprocess import System

T = TypeVar("T")

START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
SEASON: Final = START + timedelta(days=30)
PEOPLE: Final = [
    Text("quilla.featherstone@mail.example", "Quilla Featherstone"),
    Text("oswin.marlowe-pike@mail.example", "Oswin Marlowe-Pike"),
    Text("tamsin.holt@mail.example", "Tamsin Übelhör"),
]
OWNERS: Final = [Text("wilhelmina.oakes@mail.example", "Wilhelmina Oakes"), Text("balthasar.rook@mail.example", "Balthasar Rook")]
UNKNOWN: Final = UUID(int=0)
"""Until the answer says the id."""

ROWS: Final = {
    "users": "select id, organization_id, email, full_name, role, status from read.users",
    "venues": "select id, organization_id, capacity from read.venues",
    "venue_bookings": "select id, organization_id, venue_id, event_id, starts_at, ends_at, exclusive from read.venue_bookings",
    "events": "select id, organization_id, slug, status, starts_at, ends_at, venue_id, max_capacity from read.events",
    "stocks": """
        select id, organization_id, event_id, quantity_total, over_allocation, quantity_sold, quantity_reserved, pool_id
        from read.ticket_categories
        union all
        select id, organization_id, event_id, quantity_total, over_allocation, quantity_sold, quantity_reserved, null
        from read.ticket_pools""",
    "orders": "select id, organization_id, event_id, customer_email, customer_name, order_status, (total_amount * 100)::int from read.orders",
    "order_items": "select order_id, organization_id, ticket_category_id, quantity from read.order_items",
}
"""What the model knows of each table."""


class Sent(NamedTuple):
    """A keyed command that was accepted."""

    principal: Principal
    command: Command
    key: str
    outcome: Outcome


def some(kind: str) -> st.SearchStrategy[Any]:
    """One of what there is, of whatever organization, also when it is gone."""
    return st.runner().flatmap(lambda machine: st.sampled_from(getattr(machine, kind)))


few = st.integers(1, 6)
slots = st.builds(lambda day, length: Slot(SEASON + timedelta(days=day), SEASON + timedelta(days=day + length)), st.integers(0, 5), few)
roles = st.sampled_from(sorted(MAY))
people = st.sampled_from(PEOPLE)
written = st.sampled_from([str, str.upper, str.title, "  {} ".format])
"""An e-mail address as somebody writes it."""


class Festival(RuleBasedStateMachine):
    """Two organizations at work, and what may happen meanwhile."""

    def __init__(self, databases: Databases) -> None:
        super().__init__()
        self.now = START
        self.companies: list[Company] = []
        self.principals: dict[User, Principal] = {}
        self.bookings: list[tuple[Venue, Booking]] = []
        self.categories: list[Stock] = []
        self.pools: list[Stock] = []
        self.done: list[Sent] = []
        self.sent = 0
        self.sound = True
        self.resources = ExitStack()
        url = self.resources.enter_context(databases.migrated())
        self.loop = self.resources.enter_context(asyncio.Runner())
        self.system = System(url, lambda: self.now)
        self.run(self.system.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run to the end. When something goes wrong, the end of the story is not checked as well."""
        self.sound = False
        result = self.loop.run(work)
        self.sound = True
        return result

    def do(self, actor: User, command: Command, expected: Code) -> UUID:
        """Send a command: its answer must be the model's. The id of what it made or changed."""
        self.sound = False
        try:
            outcome, code = self.loop.run(self.send(self.principals[actor], command)), None
        except Refusal as refusal:
            outcome, code = None, refusal.code
        assert code == expected, f"{command}: {code or 'accepted'}, but should be {expected or 'accepted'}"
        self.sound = True
        return UNKNOWN if outcome is None else outcome.replies[0].id

    async def send(self, principal: Principal, command: Command) -> Outcome:
        """By turns through one bus and the other; keyed, so that it can be sent again."""
        self.sent += 1
        self.now += timedelta(milliseconds=1)
        key = f"key {self.sent}"
        outcome = await self.system.processes[self.sent % 2].send(principal, command, key=key)
        assert not outcome.replayed
        self.done.append(Sent(principal, command, key, outcome))
        return outcome

    def teardown(self) -> None:
        try:
            if self.sound:
                self.run(self.check())
        finally:
            self.loop.run(self.system.stop())
            self.resources.close()

    async def check(self) -> None:
        """The model, the live rows and a replay are equal, and the promises hold."""
        await self.system.caught_up()
        async with self.system.pool.acquire() as connection:
            live: Counter[tuple[str, tuple[object, ...]]] = Counter()
            for table, query in ROWS.items():
                live.update((table, tuple(row)) for row in await connection.fetch(query))
            expected = Counter(row for company in self.companies for row in company.rows())
            assert live == expected, f"live alone: {live - expected}\nmodel alone: {expected - live}"
            await truths.a1_replay_gives_the_live_rows(connection, self.system.core.log, self.system.core.codec)
            await truths.a2_every_row_names_its_record(connection)
            await truths.a6_sequences_are_gapless(connection)
            await truths.t8_nothing_is_oversold(connection)
        superuser = await asyncpg.connect(self.system.url)
        try:
            await truths.a5_no_personal_text_in_the_log(superuser, {text for person in (*PEOPLE, *OWNERS) for text in person})
        finally:
            await superuser.close()

    @property
    def users(self) -> list[User]:
        return [user for company in self.companies for user in company.users]

    @property
    def venues(self) -> list[Venue]:
        return [venue for company in self.companies for venue in company.venues]

    @property
    def events(self) -> list[Gathering]:
        return [event for company in self.companies for event in company.events]

    @property
    def orders(self) -> list[Order]:
        return [order for company in self.companies for order in company.orders]

    # ------------------------------------------------------------------------------------------------------ surroundings

    @initialize()
    def begin(self) -> None:
        """Each organization has something to sell."""
        for owner in OWNERS:
            self.run(self._found(owner))
            company = self.companies[-1]
            actor = company.users[0]
            self.add_venue(actor, capacity=6)
            self.create_event(actor, company.venues[0], Slot(SEASON, SEASON + timedelta(days=1)), "gala", None, exclusive=True)
            self.confirm_event(actor, company.events[0])
            self.add_pool(actor, company.events[0], total=4)
            self.add_category(actor, company.events[0], 3, 0, 1, self.pools[-1])
            self.open_sales(actor, company.events[0])
            self.place_order(actor, company.events[0], {self.categories[-1]: 1}, PEOPLE[0], str)
            self.book_venue(actor, company.venues[0], None, Slot(SEASON + timedelta(days=4), SEASON + timedelta(days=5)), exclusive=False)

    async def _found(self, owner: Text) -> None:
        command = CreateOrganization(name="Festival", default_currency="EUR", owner_email=owner.email, owner_name=owner.name)
        reply = (await self.send(PLATFORM, command)).replies[0]
        company = Company(reply.id)
        company.users.append(User(company, UUID(reply.data["owner_id"]), "owner", owner))
        self.companies.append(company)
        await self._give_key(company.users[0])

    async def _give_key(self, user: User) -> None:
        reply = (await self.send(system("test", user.org.id), IssueApiKey(name="Key", user_id=user.id))).replies[0]
        self.principals[user] = Principal(organization_id=user.org.id, key_id=reply.id, user_id=user.id)

    @rule(minutes=st.integers(1, 12))
    def time_passes(self, minutes: int) -> None:
        """Holds come to their end."""
        self.now += timedelta(minutes=minutes)

    @rule(number=st.integers(0, 1))
    def restart_bus(self, number: int) -> None:
        """What a process knew is gone."""
        self.run(self.system.restart_process(number))

    @rule()
    def restart_projections(self) -> None:
        """They stop wherever they are."""
        self.run(self.system.restart_runners())

    @rule()
    def everything_is_right_in_between(self) -> None:
        """Not only at the end."""
        self.run(self.check())

    @rule(sent=some("done"), number=st.integers(0, 1))
    def send_again(self, sent: Sent, number: int) -> None:
        """T21: the first answer comes again, without secrets, whatever has happened since; another request is refused."""
        self.run(self._send_again(sent, number))

    async def _send_again(self, sent: Sent, number: int) -> None:
        process = self.system.processes[number]
        if any(self.principals[user] == sent.principal and not user.active for user in self.users):
            with pytest.raises(Refusal, match="credential"):
                await process.send(sent.principal, sent.command, key=sent.key)
            return
        again = await process.send(sent.principal, sent.command, key=sent.key)
        assert (again.replayed, again.position) == (True, sent.outcome.position)
        assert [(reply.id, reply.version, reply.data) for reply in again.replies] == [
            (reply.id, reply.version, reply.data) for reply in sent.outcome.replies
        ]
        assert not any(reply.secrets for reply in again.replies)
        if sent.principal is not PLATFORM:
            with pytest.raises(IdempotencyMismatch):
                await process.send(sent.principal, sent.command, sent.command, key=sent.key)

    # -------------------------------------------------------------------------------------------------- venues and Events

    @rule(actor=some("users"), capacity=few)
    def add_venue(self, actor: User, capacity: int) -> None:
        venue = Venue(actor.org, UNKNOWN, capacity)
        refused = actor.org.refuses(actor, "venues")
        venue.id = self.do(actor, AddVenue(name="Hall", capacity=capacity), refused)
        if not refused:
            actor.org.venues.append(venue)

    @rule(actor=some("users"), venue=some("venues"), event=st.none() | some("events"), slot=slots, exclusive=st.booleans())
    def book_venue(self, actor: User, venue: Venue, event: Gathering | None, slot: Slot, *, exclusive: bool) -> None:
        booking = Booking(UNKNOWN, slot, exclusive, event, own=False)
        refused = actor.org.refuses(actor, "venues", venue.org, *([event.org] if event else ()))
        if not refused:
            refused = "not_found" if event and event.deleted else actor.org.book(venue, booking)
        booking.id = self.do(
            actor,
            BookVenue(
                venue_id=venue.id,
                event_id=event.id if event else None,
                starts_at=slot.starts_at.isoformat(),
                ends_at=slot.ends_at.isoformat(),
                exclusive=exclusive,
            ),
            refused,
        )
        if not refused:
            self.bookings.append((venue, booking))

    @rule(actor=some("users"), where=some("bookings"))
    def release_booking(self, actor: User, where: tuple[Venue, Booking]) -> None:
        venue, booking = where
        refused = actor.org.refuses(actor, "venues", venue.org) or actor.org.release(venue, booking)
        self.do(actor, ReleaseBooking(venue_id=venue.id, booking_id=booking.id), refused)

    @rule(
        actor=some("users"),
        venue=st.none() | some("venues"),
        slot=slots,
        slug=st.sampled_from(["gala", "finale", "matinee"]),
        capacity=st.none() | few,
        exclusive=st.booleans(),
    )
    def create_event(self, actor: User, venue: Venue | None, slot: Slot, slug: str, capacity: int | None, *, exclusive: bool) -> None:
        event = Gathering(actor.org, UNKNOWN, slug, slot, venue, capacity)
        refused = actor.org.refuses(actor, "new events", *([venue.org] if venue else ()))
        refused = refused or actor.org.create_event(event, exclusive=exclusive)
        event.id = self.do(
            actor,
            CreateEvent(
                name="Show",
                slug=slug,
                starts_at=slot.starts_at.isoformat(),
                ends_at=slot.ends_at.isoformat(),
                timezone="Europe/Berlin",
                venue_id=venue.id if venue else None,
                venue_exclusive=exclusive,
                max_capacity=capacity,
            ),
            refused,
        )
        if venue and not refused:
            booking = venue.bookings[-1]
            booking.id = own_booking_id(event.id, venue.id)
            self.bookings.append((venue, booking))

    @rule(actor=some("users"), event=some("events"))
    def confirm_event(self, actor: User, event: Gathering) -> None:
        refused = self.about(actor, "events", event) or actor.org.confirm_event(event)
        self.do(actor, ConfirmEvent(event_id=event.id), refused)

    @rule(actor=some("users"), event=some("events"), slot=slots)
    def reschedule_event(self, actor: User, event: Gathering, slot: Slot) -> None:
        refused = self.about(actor, "events", event) or actor.org.reschedule(event, slot)
        times = {"starts_at": slot.starts_at.isoformat(), "ends_at": slot.ends_at.isoformat()}
        self.do(actor, RescheduleEvent(event_id=event.id, **times), refused)

    @rule(actor=some("users"), event=some("events"))
    def cancel_event(self, actor: User, event: Gathering) -> None:
        refused = self.about(actor, "cancel events", event) or actor.org.cancel_event(event)
        self.do(actor, CancelEvent(event_id=event.id, reason="Storm"), refused)

    @rule(actor=some("users"), event=some("events"))
    def delete_event(self, actor: User, event: Gathering) -> None:
        refused = self.about(actor, "delete events", event) or actor.org.delete_event(event)
        self.do(actor, DeleteEvent(event_id=event.id), refused)

    def about(self, actor: User, action: str, event: Gathering) -> Code:
        """What is refused whatever the command does with the Event."""
        return actor.org.refuses(actor, action, event.org) or ("not_found" if event.deleted else None)

    # ---------------------------------------------------------------------------------------------------------- ticketing

    @rule(actor=some("users"), event=some("events"), total=few)
    def add_pool(self, actor: User, event: Gathering, total: int) -> None:
        pool = Stock(event, UNKNOWN, total)
        refused = self.about(actor, "tickets", event) or actor.org.add_stock(pool)
        pool.id = self.do(actor, AddTicketPool(event_id=event.id, name="Hall", quantity_total=total), refused)
        if not refused:
            self.pools.append(pool)

    @rule(
        actor=some("users"),
        event=some("events"),
        total=few,
        price=st.sampled_from([0, 0, 1250]),
        admits=st.integers(0, 2),
        pool=st.none() | some("pools"),
    )
    def add_category(self, actor: User, event: Gathering, total: int, price: int, admits: int, pool: Stock | None) -> None:
        category = Stock(event, UNKNOWN, total, price, admits, pool)
        refused = self.about(actor, "tickets", event) or actor.org.add_stock(category)
        category.id = self.do(
            actor,
            AddTicketCategory(
                event_id=event.id,
                name="Stalls",
                quantity_total=total,
                ticket_type="paid" if price else "free",
                price=f"{price / 100:.2f}",
                admits=admits,
                pool_id=pool.id if pool else None,
            ),
            refused,
        )
        if not refused:
            self.categories.append(category)

    @rule(actor=some("users"), category=some("categories"), total=few)
    def resize_category(self, actor: User, category: Stock, total: int) -> None:
        refused = self.about(actor, "tickets", category.event) or actor.org.resize(category, total)
        self.do(actor, ChangeTicketCategory(ticket_category_id=category.id, quantity_total=total), refused)

    @rule(actor=some("users"), pool=some("pools"), total=few)
    def resize_pool(self, actor: User, pool: Stock, total: int) -> None:
        refused = self.about(actor, "tickets", pool.event) or actor.org.resize(pool, total)
        self.do(actor, ChangeTicketPool(ticket_pool_id=pool.id, quantity_total=total), refused)

    @rule(actor=some("users"), category=some("categories"), quantity=few)
    def over_allocate_category(self, actor: User, category: Stock, quantity: int) -> None:
        refused = self.about(actor, "tickets", category.event) or actor.org.over_allocate(category, quantity)
        self.do(actor, OverAllocateTicketCategory(ticket_category_id=category.id, quantity=quantity, reason="Chairs"), refused)

    @rule(actor=some("users"), pool=some("pools"), quantity=few)
    def over_allocate_pool(self, actor: User, pool: Stock, quantity: int) -> None:
        refused = self.about(actor, "tickets", pool.event) or actor.org.over_allocate(pool, quantity)
        self.do(actor, OverAllocateTicketPool(ticket_pool_id=pool.id, quantity=quantity, reason="Chairs"), refused)

    @rule(actor=some("users"), event=some("events"))
    def open_sales(self, actor: User, event: Gathering) -> None:
        refused = self.about(actor, "tickets", event) or actor.org.open_sales(event, self.categories)
        self.do(actor, OpenSales(event_id=event.id), refused)

    @rule(
        actor=some("users"),
        event=some("events"),
        lines=st.dictionaries(some("categories"), st.integers(1, 3), min_size=1, max_size=3),
        customer=st.none() | people,
        write=written,
    )
    def place_order(self, actor: User, event: Gathering, lines: dict[Stock, int], customer: Text | None, write: Any) -> None:
        order = self._order(event, lines, customer)
        refused = self.about(actor, "sell", event) or actor.org.place(order)
        command = PlaceOrder(
            event_id=event.id,
            lines=tuple(LineRequest(ticket_category_id=category.id, quantity=quantity) for category, quantity in lines.items()),
            customer_email=write(customer.email) if customer else None,
            customer_name=customer.name if customer else None,
        )
        order.id = self.do(actor, command, refused)
        order.expires_at = self.now + HOLD

    @rule(event=some("events"), category=some("categories"), clients=st.integers(2, 8))
    def many_want_the_same(self, event: Gathering, category: Stock, clients: int) -> None:
        """T8: through both buses at once, as many get a place as there are places."""
        company = category.event.org
        orders = [self._order(category.event, {category: 1}, None) for _ in range(clients)]
        owners = [user for user in company.users if user.role == "owner" and user.active]
        placed = [order for order in orders if not (self.about(owners[0], "sell", order.event) or company.place(order))]
        ids = self.run(self._race(self.principals[owners[0]], category, clients))
        assert len(ids) == len(placed)
        for order, order_id in zip(placed, ids, strict=True):
            order.id, order.expires_at = order_id, self.now + HOLD

    async def _race(self, principal: Principal, category: Stock, clients: int) -> list[UUID]:
        command = PlaceOrder(event_id=category.event.id, lines=(LineRequest(ticket_category_id=category.id, quantity=1),))
        racing = [self.system.processes[number % 2].send(principal, command) for number in range(clients)]
        answers = await asyncio.gather(*racing, return_exceptions=True)
        assert all(isinstance(answer, Outcome | Refusal) for answer in answers), answers
        return [answer.replies[0].id for answer in answers if isinstance(answer, Outcome)]

    def _order(self, event: Gathering, lines: dict[Stock, int], customer: Text | None) -> Order:
        total = sum(category.price * quantity for category, quantity in lines.items())
        return Order(event, UNKNOWN, lines, self.now + HOLD, customer, total)

    @rule(actor=some("users"), order=some("orders"))
    def confirm_order(self, actor: User, order: Order) -> None:
        self.settle(actor, "sell", order, ConfirmOrder(order_id=order.id), order.event.org.confirm_order)

    @rule(actor=some("users"), order=some("orders"))
    def cancel_order(self, actor: User, order: Order) -> None:
        self.settle(actor, "orders", order, CancelOrder(order_id=order.id), order.event.org.cancel_order)

    @rule(actor=some("users"), order=some("orders"))
    def expire_order(self, actor: User, order: Order) -> None:
        self.settle(actor, "orders", order, ExpireOrder(order_id=order.id), order.event.org.expire_order)

    @rule(actor=some("users"), order=some("orders"))
    def delete_order(self, actor: User, order: Order) -> None:
        self.settle(actor, "orders", order, DeleteOrder(order_id=order.id), lambda order, _: order.event.org.delete_order(order))

    def settle(self, actor: User, action: str, order: Order, command: Command, decide: Any) -> None:
        """A step of an order, at the time that the command will have."""
        refused = actor.org.refuses(actor, action, order.event.org) or ("not_found" if order.deleted else None)
        self.do(actor, command, refused or decide(order, self.now + timedelta(milliseconds=1)))

    # -------------------------------------------------------------------------------------------------- users and persons

    @rule(actor=some("users"), person=people, role=roles, write=written)
    def add_user(self, actor: User, person: Text, role: str, write: Any) -> None:
        user = User(actor.org, UNKNOWN, role, person)
        refused = actor.org.refuses(actor, "users") or actor.org.add_user(actor, user)
        user.id = self.do(actor, AddUser(email=write(person.email), full_name=person.name, role=role), refused)
        if not refused:
            self.run(self._give_key(user))

    @rule(actor=some("users"), user=some("users"), role=roles)
    def change_role(self, actor: User, user: User, role: str) -> None:
        refused = actor.org.refuses(actor, "users", user.org) or actor.org.change_role(actor, user, role)
        self.do(actor, ChangeUserRole(user_id=user.id, role=role), refused)

    @rule(actor=some("users"), user=some("users"))
    def deactivate_user(self, actor: User, user: User) -> None:
        refused = actor.org.refuses(actor, "users", user.org) or actor.org.deactivate(actor, user)
        self.do(actor, DeactivateUser(user_id=user.id), refused)

    @rule(actor=some("users"), person=people, write=written)
    def erase_person(self, actor: User, person: Text, write: Any) -> None:
        refused = actor.org.refuses(actor, "persons") or actor.org.erase(actor, person.email)
        self.do(actor, ErasePerson(email=write(person.email)), refused)


def test_a1_a2_a5_a6_t8_t21_whatever_happens_the_rows_are_those_of_the_model_and_of_a_replay(databases: Databases) -> None:
    examples, steps = map(int, os.environ.get("STAGEBOOK_STATE_MACHINE", "8x30").split("x"))
    run_state_machine_as_test(
        lambda: Festival(databases),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck), database=None
        ),
    )
