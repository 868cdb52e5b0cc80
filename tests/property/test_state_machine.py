"""Commands of two organizations against a model in plain Python: every answer, and in the end every row, is what the model says.

Meanwhile buses and projections are restarted, two buses write to one database, keyed commands are sent again.
`STAGEBOOK_STATE_MACHINE=<examples>x<steps>` makes the search longer.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule, run_state_machine_as_test

from application.bus.encode import without_secrets
from application.bus.messages import IdempotencyMismatch, Outcome
from application.events.calendar import own_booking_id
from application.events.events import CreateEvent, DeleteEvent
from application.events.life_cycle import CancelEvent, ConfirmEvent, RescheduleEvent
from application.events.venues import AddVenue, BookVenue, ReleaseBooking
from application.organizations.persons import ErasePerson
from application.organizations.users import AddUser, ChangeUserRole, DeactivateUser
from application.principal import PLATFORM, Principal
from application.registry import Command
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import CancelOrder, ConfirmOrder, DeleteOrder, ExpireOrder, LineRequest, PlaceOrder
from application.ticketing.ticket_categories import AddTicketCategory, ChangeTicketCategory, OverAllocateTicketCategory
from application.ticketing.ticket_pools import AddTicketPool, ChangeTicketPool, OverAllocateTicketPool
from domain.organizations.facts import Role
from domain.refusals import Refusal, Unauthenticated
from tests.support.company import HOLD, MAY, Booking, Code, Company, Gathering, Order, Slot, Stock, Text, User, Venue
from tests.support.databases import Databases
from tests.support.festival import OWNERS, PEOPLE, START, UNKNOWN, Sent, World, acting_on, some

SEASON: Final = START + timedelta(days=30)

few = st.integers(1, 6)
slots = st.builds(lambda day, length: Slot(SEASON + timedelta(days=day), SEASON + timedelta(days=day + length)), st.integers(0, 5), few)
roles = st.sampled_from(sorted(MAY))
people = st.sampled_from(PEOPLE)
written = st.sampled_from([str, str.upper, str.title, "  {} ".format])
"""An e-mail address as somebody writes it."""

Write = Callable[[str], str]


class Festival(World):
    """Two organizations at work, and what may happen meanwhile."""

    looked = 0

    @initialize()
    def begin(self) -> None:
        """Each organization has something to sell."""
        for person in OWNERS:
            company = self.run(self.found(person))
            owner = company.users[0]
            self.add_venue((owner, company), 6)
            self.create_event((owner, company), company.venues[0], Slot(SEASON, SEASON + timedelta(days=1)), "gala", None, exclusive=True)
            gala = company.events[0]
            self.confirm_event((owner, gala))
            self.add_pool((owner, gala), 4)
            self.add_category((owner, self.pools[-1]), 3, 0, 1)
            self.open_sales((owner, gala))
            self.place_order((owner, self.categories[-1]), {self.categories[-1]: 1}, PEOPLE[0], str)

    # ------------------------------------------------------------------------------------------------------ surroundings

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

    @precondition(lambda self: self.looked < 1)
    @rule()
    def everything_is_right_in_between(self) -> None:
        """Not only at the end."""
        self.looked += 1
        self.run(self.check())

    @rule(sent=some("done"), number=st.integers(0, 1))
    def send_again(self, sent: Sent, number: int) -> None:
        """T21: the first answer comes again, without secrets, whatever has happened since; another request is refused."""
        self.run(self._send_again(sent, number))

    async def _send_again(self, sent: Sent, number: int) -> None:
        process = self.system.processes[number]
        if any(principal == sent.principal and not user.active for user, principal in self.principals.items()):
            with pytest.raises(Unauthenticated):  # O9: what is revoked opens nothing, not even the ledger
                await process.send(sent.principal, sent.command, key=sent.key)
            return
        again = await process.send(sent.principal, sent.command, key=sent.key)
        first = sent.outcome.replies[0]
        assert (again.replayed, again.position) == (True, sent.outcome.position)
        assert [msgspec.to_builtins(reply) for reply in again.replies] == [msgspec.to_builtins(without_secrets(first))]
        if sent.principal is not PLATFORM:
            with pytest.raises(IdempotencyMismatch):
                await process.send(sent.principal, sent.command, sent.command, key=sent.key)

    # -------------------------------------------------------------------------------------------------- venues and Events

    @rule(to=acting_on("companies"), capacity=few)
    def add_venue(self, to: tuple[User, Company], capacity: int) -> None:
        actor, _ = to
        refused = actor.org.refuses(actor, "venues")
        venue = Venue(actor.org, self.do(actor, AddVenue(name="Hall", capacity=capacity), refused), capacity)
        if not refused:
            actor.org.venues.append(venue)

    @rule(to=acting_on("venues"), event=st.none() | some("events"), slot=slots, exclusive=st.booleans())
    def book_venue(self, to: tuple[User, Venue], event: Gathering | None, slot: Slot, *, exclusive: bool) -> None:
        actor, venue = to
        booking = Booking(UNKNOWN, slot, exclusive, event, own=False)
        refused = self.about(actor, "venues", event) if event else None
        refused = refused or actor.org.refuses(actor, "venues", venue.org) or actor.org.book(venue, booking)
        command = BookVenue(venue_id=venue.id, event_id=event.id if event else None, **_times(slot), exclusive=exclusive)
        booking.id = self.do(actor, command, refused)
        if not refused:
            self.bookings.append((venue, booking))

    @rule(to=acting_on("bookings"))
    def release_booking(self, to: tuple[User, tuple[Venue, Booking]]) -> None:
        actor, (venue, booking) = to
        refused = actor.org.refuses(actor, "venues", venue.org) or actor.org.release(venue, booking)
        self.do(actor, ReleaseBooking(venue_id=venue.id, booking_id=booking.id), refused)

    @rule(
        to=acting_on("companies"),
        venue=st.none() | some("venues"),
        slot=slots,
        slug=st.sampled_from(["gala", "finale", "matinee"]),
        capacity=st.none() | few,
        exclusive=st.booleans(),
    )
    def create_event(
        self, to: tuple[User, Company], venue: Venue | None, slot: Slot, slug: str, capacity: int | None, *, exclusive: bool
    ) -> None:
        actor, _ = to
        event = Gathering(actor.org, UNKNOWN, slug, slot, venue, capacity)
        refused = actor.org.refuses(actor, "new events", *([venue.org] if venue else ()))
        refused = refused or actor.org.create_event(event, exclusive=exclusive)
        command = CreateEvent(
            name="Show",
            slug=slug,
            **_times(slot),
            venue_id=venue.id if venue else None,
            venue_exclusive=exclusive,
            max_capacity=capacity,
        )
        event.id = self.do(actor, command, refused)
        if venue and not refused:
            booking = venue.bookings[-1]
            booking.id = own_booking_id(event.id, venue.id)
            self.bookings.append((venue, booking))

    @rule(to=acting_on("events"))
    def confirm_event(self, to: tuple[User, Gathering]) -> None:
        actor, event = to
        refused = self.about(actor, "events", event) or actor.org.confirm_event(event)
        self.do(actor, ConfirmEvent(event_id=event.id), refused)

    @rule(to=acting_on("events"), slot=slots)
    def reschedule_event(self, to: tuple[User, Gathering], slot: Slot) -> None:
        actor, event = to
        refused = self.about(actor, "events", event) or actor.org.reschedule(event, slot)
        self.do(actor, RescheduleEvent(event_id=event.id, **_times(slot)), refused)

    @rule(to=acting_on("events"))
    def cancel_event(self, to: tuple[User, Gathering]) -> None:
        actor, event = to
        refused = self.about(actor, "cancel events", event) or actor.org.cancel_event(event)
        self.do(actor, CancelEvent(event_id=event.id, reason="Storm"), refused)

    @rule(to=acting_on("events"))
    def delete_event(self, to: tuple[User, Gathering]) -> None:
        actor, event = to
        refused = self.about(actor, "delete events", event) or actor.org.delete_event(event)
        self.do(actor, DeleteEvent(event_id=event.id), refused)

    # ---------------------------------------------------------------------------------------------------------- ticketing

    @rule(to=acting_on("events"), total=few)
    def add_pool(self, to: tuple[User, Gathering], total: int) -> None:
        actor, event = to
        pool = Stock(event, UNKNOWN, total)
        refused = self.about(actor, "tickets", event) or actor.org.add_stock(pool)
        pool.id = self.do(actor, AddTicketPool(event_id=event.id, name="Hall", quantity_total=total), refused)
        if not refused:
            self.pools.append(pool)

    @rule(
        to=acting_on("events") | acting_on("pools"),
        total=few,
        price=st.sampled_from([0, 0, 1250]),
        admits=st.integers(0, 2),
        elsewhere=st.none() | st.none() | st.none() | some("events"),
    )
    def add_category(
        self, to: tuple[User, Gathering | Stock], total: int, price: int, admits: int, elsewhere: Gathering | None = None
    ) -> None:
        actor, place = to
        pool = place if isinstance(place, Stock) else None
        event = elsewhere or (place.event if isinstance(place, Stock) else place)
        category = Stock(event, UNKNOWN, total, price, admits, pool)
        refused = self.about(actor, "tickets", event) or actor.org.add_stock(category)
        command = AddTicketCategory(
            event_id=event.id,
            name="Stalls",
            quantity_total=total,
            ticket_type="paid" if price else "free",
            price=f"{price / 100:.2f}",
            admits=admits,
            pool_id=pool.id if pool else None,
        )
        category.id = self.do(actor, command, refused)
        if not refused:
            self.categories.append(category)

    @rule(to=acting_on("stocks"), total=few)
    def resize(self, to: tuple[User, Stock], total: int) -> None:
        actor, stock = to
        refused = self.about(actor, "tickets", stock.event) or actor.org.resize(stock, total)
        category = ChangeTicketCategory(ticket_category_id=stock.id, quantity_total=total)
        self.do(actor, ChangeTicketPool(ticket_pool_id=stock.id, quantity_total=total) if stock in self.pools else category, refused)

    @rule(to=acting_on("stocks"), quantity=few)
    def over_allocate(self, to: tuple[User, Stock], quantity: int) -> None:
        actor, stock = to
        refused = self.about(actor, "tickets", stock.event) or actor.org.over_allocate(stock, quantity)
        category = OverAllocateTicketCategory(ticket_category_id=stock.id, quantity=quantity, reason="Chairs")
        pool = OverAllocateTicketPool(ticket_pool_id=stock.id, quantity=quantity, reason="Chairs")
        self.do(actor, pool if stock in self.pools else category, refused)

    @rule(to=acting_on("events"))
    def open_sales(self, to: tuple[User, Gathering]) -> None:
        actor, event = to
        refused = self.about(actor, "tickets", event) or actor.org.open_sales(event, self.categories)
        self.do(actor, OpenSales(event_id=event.id), refused)

    @rule(
        to=acting_on("categories"),
        lines=st.dictionaries(some("categories"), st.integers(1, 3), min_size=1, max_size=2),
        customer=st.none() | people,
        write=written,
    )
    def place_order(self, to: tuple[User, Stock], lines: dict[Stock, int], customer: Text | None, write: Write) -> None:
        actor, category = to
        event = category.event
        lines = {stock: quantity for stock, quantity in ({category: 1} | lines).items() if stock.event is event or len(lines) > 1}
        order = self._order(event, lines, customer)
        refused = self.about(actor, "sell", event) or actor.org.place(order)
        command = PlaceOrder(
            event_id=event.id,
            lines=tuple(LineRequest(ticket_category_id=stock.id, quantity=quantity) for stock, quantity in lines.items()),
            customer_email=write(customer.email) if customer else None,
            customer_name=customer.name if customer else None,
        )
        order.id = self.do(actor, command, refused)
        order.expires_at = self.now + HOLD

    @rule(
        to=acting_on("categories"),
        quantity=st.integers(1, 3),
        customer=people,
        steps=st.lists(st.sampled_from(["confirm", "confirm", "cancel", "expire", "delete", "wait"]), min_size=2, max_size=5),
    )
    def buy(self, to: tuple[User, Stock], quantity: int, customer: Text, steps: list[str]) -> None:
        """An order, and what becomes of it."""
        actor, category = to
        self.place_order(to, {category: quantity}, customer, str)
        order = category.event.org.orders[-1]
        turns = {"confirm": self.confirm_order, "cancel": self.cancel_order, "expire": self.expire_order, "delete": self.delete_order}
        for step in steps:
            if step == "wait":
                self.now += HOLD
            else:
                turns[step]((actor, order))

    @rule(category=some("categories"), clients=st.integers(2, 8))
    def many_want_the_same(self, category: Stock, clients: int) -> None:
        """T8: through both buses at once, as many get a place as there are places."""
        company = category.event.org
        owner = next(user for user in company.users if user.role == "owner" and user.active)
        orders = [self._order(category.event, {category: 1}, None) for _ in range(clients)]
        placed = [order for order in orders if not (self.about(owner, "sell", order.event) or company.place(order))]
        ids = self.run(self._race(self.principals[owner], category, clients))
        assert len(ids) == len(placed)
        for order, order_id in zip(placed, ids, strict=True):
            order.id = order_id

    async def _race(self, principal: Principal, category: Stock, clients: int) -> list[UUID]:
        command = PlaceOrder(event_id=category.event.id, lines=(LineRequest(ticket_category_id=category.id, quantity=1),))
        racing = [self.system.processes[number % 2].send(principal, command) for number in range(clients)]
        answers = await asyncio.gather(*racing, return_exceptions=True)
        assert all(isinstance(answer, Outcome | Refusal) for answer in answers), answers
        return [answer.replies[0].id for answer in answers if isinstance(answer, Outcome)]

    def _order(self, event: Gathering, lines: dict[Stock, int], customer: Text | None) -> Order:
        total = sum(category.price * quantity for category, quantity in lines.items())
        return Order(event, UNKNOWN, lines, self.now + HOLD, customer, total)

    @rule(to=acting_on("orders"))
    def confirm_order(self, to: tuple[User, Order]) -> None:
        self.settle(to, "sell", ConfirmOrder(order_id=to[1].id), Company.confirm_order)

    @rule(to=acting_on("orders"))
    def cancel_order(self, to: tuple[User, Order]) -> None:
        self.settle(to, "orders", CancelOrder(order_id=to[1].id), Company.cancel_order)

    @rule(to=acting_on("orders"))
    def expire_order(self, to: tuple[User, Order]) -> None:
        self.settle(to, "orders", ExpireOrder(order_id=to[1].id), Company.expire_order)

    @rule(to=acting_on("orders"))
    def delete_order(self, to: tuple[User, Order]) -> None:
        self.settle(to, "orders", DeleteOrder(order_id=to[1].id), lambda company, order, _: company.delete_order(order))

    def settle(self, to: tuple[User, Order], action: str, command: Command, decide: Callable[[Company, Order, datetime], Code]) -> None:
        """A step of an order, at the time that the command will have."""
        actor, order = to
        refused = actor.org.refuses(actor, action, order.event.org) or ("not_found" if order.deleted else None)
        self.do(actor, command, refused or decide(actor.org, order, self.now + timedelta(milliseconds=1)))

    # -------------------------------------------------------------------------------------------------- users and persons

    @rule(to=acting_on("companies"), person=people, role=roles, write=written)
    def add_user(self, to: tuple[User, Company], person: Text, role: Role, write: Write) -> None:
        actor, _ = to
        user = User(actor.org, UNKNOWN, role, person)
        refused = actor.org.refuses(actor, "users") or actor.org.add_user(actor, user)
        user.id = self.do(actor, AddUser(email=write(person.email), full_name=person.name, role=role), refused)
        if not refused:
            self.run(self.give_key(user))

    @rule(to=acting_on("users"), role=roles)
    def change_role(self, to: tuple[User, User], role: Role) -> None:
        actor, user = to
        refused = actor.org.refuses(actor, "users", user.org) or actor.org.change_role(actor, user, role)
        self.do(actor, ChangeUserRole(user_id=user.id, role=role), refused)

    @rule(to=acting_on("users"))
    def deactivate_user(self, to: tuple[User, User]) -> None:
        actor, user = to
        refused = actor.org.refuses(actor, "users", user.org) or actor.org.deactivate(actor, user)
        self.do(actor, DeactivateUser(user_id=user.id), refused)

    @rule(to=acting_on("companies"), person=people, write=written)
    def erase_person(self, to: tuple[User, Company], person: Text, write: Write) -> None:
        actor, _ = to
        refused = actor.org.refuses(actor, "persons") or actor.org.erase(actor, person.email)
        self.do(actor, ErasePerson(email=write(person.email)), refused)


def _times(slot: Slot) -> dict[str, Any]:
    return {"starts_at": slot.starts_at.isoformat(), "ends_at": slot.ends_at.isoformat(), "timezone": "Europe/Berlin"}


def test_a1_a2_a5_a6_t8_t21_whatever_happens_the_rows_are_those_of_the_model_and_of_a_replay(databases: Databases) -> None:
    longer = os.environ.get("STAGEBOOK_STATE_MACHINE")
    examples, steps = map(int, (longer or "8x40").split("x"))
    run_state_machine_as_test(
        lambda: Festival(databases),  # type: ignore[arg-type]  # a factory, as Hypothesis documents
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            phases=list(Phase) if longer else [Phase.generate],  # to shrink a story takes minutes
            suppress_health_check=list(HealthCheck),
            database=None,
        ),
    )
