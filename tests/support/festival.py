"""The machinery of the state machine: the system in this process beside the model, and the comparison of the two."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar
from uuid import UUID

import asyncpg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from application.bus.messages import Outcome
from application.organizations.api_keys import IssueApiKey
from application.organizations.organizations import CreateOrganization
from application.principal import PLATFORM, Principal, system
from application.registry import Command
from domain.refusals import Refusal
from tests.support import truths
from tests.support.company import Booking, Code, Company, Gathering, Order, Stock, Text, User, Venue
from tests.support.databases import Databases
from tests.support.inprocess import PATIENCE, System

T = TypeVar("T")

START: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)
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
    "orders": """
        select id, organization_id, event_id, customer_email, customer_name, order_status, (total_amount * 100)::int from read.orders""",
    "order_items": "select order_id, organization_id, ticket_category_id, quantity from read.order_items",
}
"""What the model knows of each table."""


class Sent(NamedTuple):
    """A keyed command that was accepted."""

    principal: Principal
    command: Command
    key: str
    outcome: Outcome


async def _bounded(work: Coroutine[Any, Any, T]) -> T:
    """Nothing that hangs may stop the tests."""
    async with asyncio.timeout(PATIENCE):
        return await work


def _org(target: Any) -> Company:
    """Whose it is."""
    if isinstance(target, tuple):  # a venue with a booking
        target = target[0]
    if isinstance(target, Stock | Order):
        target = target.event
    company: Company = target if isinstance(target, Company) else target.org
    return company


class World(RuleBasedStateMachine):
    """The system, its model, and what was sent."""

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
        result = self.loop.run(_bounded(work))
        self.sound = True
        return result

    def do(self, actor: User, command: Command, expected: Code) -> UUID:
        """Send a command: its answer must be the model's. The id of what it made or changed."""
        self.sound = False
        try:
            outcome, code = self.loop.run(_bounded(self.send(self.principals[actor], command))), None
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
            self.loop.run(_bounded(self.system.stop()))
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

    @property
    def stocks(self) -> list[Stock]:
        return [stock for company in self.companies for stock in company.stocks]

    async def found(self, owner: Text) -> Company:
        """One more organization, with an owner who has a key."""
        command = CreateOrganization(name="Festival", default_currency="EUR", owner_email=owner.email, owner_name=owner.name)
        reply = (await self.send(PLATFORM, command)).replies[0]
        company = Company(reply.id)
        company.users.append(User(company, UUID(reply.data["owner_id"]), "owner", owner))
        self.companies.append(company)
        await self.give_key(company.users[0])
        return company

    async def give_key(self, user: User) -> None:
        """A principal for the user."""
        reply = (await self.send(system("test", user.org.id), IssueApiKey(name="Key", user_id=user.id))).replies[0]
        self.principals[user] = Principal(organization_id=user.org.id, key_id=reply.id, user_id=user.id)

    def about(self, actor: User, action: str, event: Gathering) -> Code:
        """What is refused whatever the command does with the Event."""
        return actor.org.refuses(actor, action, event.org) or ("not_found" if event.deleted else None)


def acting_on(kind: str) -> st.SearchStrategy[Any]:
    """Somebody, and something to act on: mostly of the same organization, mostly allowed, also when it is gone."""

    def pairs(world: World) -> st.SearchStrategy[Any]:
        return st.sampled_from(getattr(world, kind)).flatmap(lambda target: st.tuples(_actors(world, _org(target)), st.just(target)))

    return st.runner().flatmap(pairs)


def some(kind: str) -> st.SearchStrategy[Any]:
    """One of what there is."""
    return st.runner().flatmap(lambda world: st.sampled_from(getattr(world, kind)))


def _actors(world: World, company: Company) -> st.SearchStrategy[User]:
    owner = next(user for user in company.users if user.role == "owner" and user.active)
    stranger = next(other.users[0] for other in world.companies if other is not company)
    return st.sampled_from([owner] * 5 + company.users + [stranger])
