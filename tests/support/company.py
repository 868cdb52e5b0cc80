"""A model of the slice in plain Python: what each command must answer, and which rows there must be. It knows nothing of the program.

Every method of `Company` decides one command: it returns the code of the refusal, or None and then the model has changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

HOLD = timedelta(minutes=15)
MOST_HOLDS = 10

EVERYTHING = frozenset(
    {"users", "persons", "venues", "new events", "events", "cancel events", "delete events", "tickets", "sell", "orders"}
)
MAY = {
    "owner": EVERYTHING,
    "admin": EVERYTHING,
    "event_director": EVERYTHING - {"users", "persons"},
    "producer": frozenset({"venues", "events", "tickets", "sell"}),
    "coordinator": frozenset({"sell"}),
    "member": frozenset(),
}
GRANTS = {"owner": set(MAY), "admin": set(MAY) - {"owner"}}
"""Which roles a role may give and take: only those that hold nothing it lacks (O3)."""

Code = str | None


class Slot(NamedTuple):
    """From when until when, half-open."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: Slot) -> bool:
        """Whether there is an instant in both."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


class Text(NamedTuple):
    """Something personal, by whom."""

    email: str
    name: str


@dataclass(eq=False)
class User:
    """Somebody with a key."""

    org: Company
    id: UUID
    role: str
    person: Text
    active: bool = True
    erased: bool = False


@dataclass(eq=False)
class Booking:
    """A venue in use."""

    id: UUID
    slot: Slot
    exclusive: bool
    event: Gathering | None
    own: bool
    """It is the Event's own booking, which goes with the Event."""


@dataclass(eq=False)
class Venue:
    """A place."""

    org: Company
    id: UUID
    capacity: int
    bookings: list[Booking] = field(default_factory=list)

    def is_free(self, slot: Slot, *, exclusive: bool, apart_from: tuple[Booking, ...] = ()) -> bool:
        """E5."""
        return not any(
            booking.slot.overlaps(slot) and (exclusive or booking.exclusive) for booking in self.bookings if booking not in apart_from
        )


@dataclass(eq=False)
class Gathering:
    """An Event."""

    org: Company
    id: UUID
    slug: str
    slot: Slot
    venue: Venue | None
    capacity: int | None
    status: str = "planning"
    on_sale: bool = False
    deleted: bool = False

    @property
    def final(self) -> bool:
        """Nothing moves any more."""
        return self.status == "cancelled"


@dataclass(eq=False)
class Stock:
    """A ticket category or a pool."""

    event: Gathering
    id: UUID
    total: int
    price: int = 0
    """In cents."""
    admits: int = 1
    pool: Stock | None = None
    over: int = 0


@dataclass(eq=False)
class Order:
    """A hold or a sale."""

    event: Gathering
    id: UUID
    lines: Mapping[Stock, int]
    expires_at: datetime
    customer: Text | None
    total: int
    status: str = "pending"
    deleted: bool = False
    erased: bool = False

    def takes(self, stock: Stock) -> int:
        """How many of a category or pool."""
        return sum(quantity for category, quantity in self.lines.items() if stock in (category, category.pool))

    @property
    def persons(self) -> int:
        """Who counts against the Event's capacity."""
        return sum(quantity * category.admits for category, quantity in self.lines.items())


@dataclass(eq=False)
class Company:
    """One organization."""

    id: UUID
    users: list[User] = field(default_factory=list)
    venues: list[Venue] = field(default_factory=list)
    events: list[Gathering] = field(default_factory=list)
    stocks: list[Stock] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def refuses(self, actor: User, action: str, *addressed: Company) -> Code:
        """Who may do what (O3, O9), and that nothing crosses organizations (O1)."""
        if not actor.active:
            return "unauthenticated"
        if action not in MAY[actor.role]:
            return "forbidden"
        return None if all(org is self for org in addressed) else "not_found"

    # ------------------------------------------------------------------------------------------------ venues and Events

    def book(self, venue: Venue, booking: Booking) -> Code:
        """E5: of two exclusive bookings that overlap, the first wins."""
        if not venue.is_free(booking.slot, exclusive=booking.exclusive):
            return "venue_taken"
        if booking.event is not None and booking.event.final:
            return "event_is_final"
        venue.bookings.append(booking)
        return None

    def release(self, venue: Venue, booking: Booking) -> Code:
        """A booking ends."""
        if booking not in venue.bookings:
            return "not_found"
        if booking.own:
            return "booking_follows_event"
        venue.bookings.remove(booking)
        return None

    def create_event(self, event: Gathering, *, exclusive: bool) -> Code:
        """With a venue, it is booked in the same step."""
        if event.venue is not None:
            if event.capacity is not None and event.capacity > event.venue.capacity:
                return "venue_too_small"
            if not event.venue.is_free(event.slot, exclusive=exclusive):
                return "venue_taken"
        if any(other.slug == event.slug and not other.deleted for other in self.events):
            return "slug_taken"
        if event.venue is not None:
            event.capacity = event.capacity or event.venue.capacity
            event.venue.bookings.append(Booking(event.id, event.slot, exclusive, event, own=True))
        self.events.append(event)
        return None

    def confirm_event(self, event: Gathering) -> Code:
        """E2, E3."""
        if event.status != "planning":
            return "illegal_event_step"
        if event.venue is None:
            return "nowhere_to_go"
        event.status = "confirmed"
        return None

    def reschedule(self, event: Gathering, slot: Slot) -> Code:
        """The Event's own booking takes the new time, the others keep their distance from its start; all or none."""
        if event.final:
            return "illegal_event_step"
        shift = slot.starts_at - event.slot.starts_at
        for venue in self.venues:
            moved = {
                booking: slot if booking.own else Slot(booking.slot.starts_at + shift, booking.slot.ends_at + shift)
                for booking in venue.bookings
                if booking.event is event
            }
            for booking, when in moved.items():
                others = [(other, moved.get(other, other.slot)) for other in venue.bookings if other is not booking]
                if any((booking.exclusive or other.exclusive) and then.overlaps(when) for other, then in others):
                    return "venue_taken"
        for venue in self.venues:
            for booking in venue.bookings:
                if booking.event is event:
                    old = booking.slot
                    booking.slot = slot if booking.own else Slot(old.starts_at + shift, old.ends_at + shift)
        event.slot = slot
        return None

    def cancel_event(self, event: Gathering) -> Code:
        """Sales stop, bookings end."""
        if event.final:
            return "illegal_event_step"
        event.status = "cancelled"
        self._release_bookings(event)
        return None

    def delete_event(self, event: Gathering) -> Code:
        """E14: not while a place is sold or held."""
        if any(order.event is event and order.status in ("pending", "confirmed") for order in self.orders):
            return "event_not_settled"
        event.deleted = True
        self._release_bookings(event)
        return None

    def _release_bookings(self, event: Gathering) -> None:
        for venue in self.venues:
            venue.bookings = [booking for booking in venue.bookings if booking.event is not event]

    # -------------------------------------------------------------------------------------------------------- ticketing

    def taken(self, stock: Stock, *statuses: str) -> int:
        """How many places the orders in these states take."""
        return sum(order.takes(stock) for order in self.orders if order.status in statuses)

    def left(self, stock: Stock) -> int:
        """T8: what can still be held."""
        return stock.total + stock.over - self.taken(stock, "pending", "confirmed")

    def add_stock(self, stock: Stock) -> Code:
        """A category or a pool."""
        if stock.event.final:
            return "event_is_final"
        if stock.pool is not None and stock.pool.event is not stock.event:
            return "not_found"
        self.stocks.append(stock)
        return None

    def resize(self, stock: Stock, total: int) -> Code:
        """E4: never below what is sold or held."""
        if stock.event.final:
            return "event_is_final"
        if total != stock.total and total + stock.over < self.taken(stock, "pending", "confirmed"):
            return "below_committed"
        stock.total = total
        return None

    def over_allocate(self, stock: Stock, quantity: int) -> Code:
        """E4: more than the total."""
        if stock.event.final:
            return "event_is_final"
        stock.over += quantity
        return None

    def open_sales(self, event: Gathering, categories: list[Stock]) -> Code:
        """E3: there must be something to sell."""
        if event.final:
            return "event_is_final"
        if event.on_sale:
            return "sales_are_open"
        if not any(category.event is event for category in categories):
            return "nothing_to_sell"
        event.on_sale = True
        return None

    def place(self, order: Order) -> Code:
        """T7: all lines or none."""
        if order.event.status != "confirmed":
            return "event_not_on_sale"
        if not order.event.on_sale:
            return "sales_not_open"
        if any(category.event is not order.event for category in order.lines):
            return "not_found"
        if refused := self._cannot_hold(order):
            return refused
        self.orders.append(order)
        return None

    def _cannot_hold(self, order: Order) -> Code:
        """T8 and T7's bound of live holds: persons first, then per line the category and its pool."""
        if order.event.capacity is not None and order.persons:
            counted = [other for other in self.orders if other.event is order.event and other.persons]
            admitted = sum(other.persons for other in counted if other.status in ("pending", "confirmed"))
            if admitted + order.persons > order.event.capacity:
                return "sold_out"
            if _live_holds(counted, order) >= MOST_HOLDS:
                return "too_many_holds"
        for stock in dict.fromkeys(stock for category in order.lines for stock in (category, category.pool) if stock is not None):
            if order.takes(stock) > self.left(stock):
                return "sold_out"
            if _live_holds([other for other in self.orders if other.takes(stock)], order) >= MOST_HOLDS:
                return "too_many_holds"
        return None

    def confirm_order(self, order: Order, now: datetime) -> Code:
        """T10: only what costs nothing."""
        if order.event.deleted:
            return "not_found"
        if order.event.status != "confirmed":
            return "event_not_on_sale"
        if refused := _not_live(order, now):
            return refused
        if order.total:
            return "payment_required"
        order.status = "confirmed"
        return None

    def cancel_order(self, order: Order, now: datetime) -> Code:
        """A live hold or a sale; the places are free again."""
        if order.status != "confirmed" and (refused := _not_live(order, now)):
            return refused
        order.status = "cancelled"
        return None

    def expire_order(self, order: Order, now: datetime) -> Code:
        """T7: from the hold's end on."""
        if order.status != "pending":
            return "illegal_order_status"
        if now < order.expires_at:
            return "hold_not_expired"
        order.status = "expired"
        return None

    def delete_order(self, order: Order) -> Code:
        """T22."""
        if order.deleted:
            return "not_found"
        if order.status not in ("expired", "cancelled"):
            return "order_not_deletable"
        order.deleted = True
        return None

    # -------------------------------------------------------------------------------------------------- users and persons

    def add_user(self, actor: User, user: User) -> Code:
        """O10: an address is one user's, until that user is erased."""
        if user.role not in GRANTS[actor.role]:
            return "beyond_own_permissions"
        if any(other.person.email == user.person.email and not other.erased for other in self.users):
            return "email_taken"
        self.users.append(user)
        return None

    def change_role(self, actor: User, user: User, role: str) -> Code:
        """O2, O3."""
        if not {user.role, role} <= GRANTS[actor.role]:
            return "beyond_own_permissions"
        if not user.active:
            return "user_is_deactivated"
        if role != "owner" and self._is_last_owner(user):
            return "last_owner"
        user.role = role
        return None

    def deactivate(self, actor: User, user: User) -> Code:
        """O2, O3."""
        if user.role not in GRANTS[actor.role]:
            return "beyond_own_permissions"
        if user.active and self._is_last_owner(user):
            return "last_owner"
        user.active = False
        return None

    def erase(self, actor: User, email: str) -> Code:
        """A5: whoever has this address at present is forgotten, as a user and as a customer."""
        known = [user for user in self.users if user.person.email == email and not user.erased]
        for user in known:
            if refused := self.deactivate(actor, user):
                return refused
        for user in known:
            user.erased = True
        for order in self.orders:
            if order.customer is not None and order.customer.email == email:
                order.erased = True
        return None

    def _is_last_owner(self, user: User) -> bool:
        return [other for other in self.users if other.role == "owner" and other.active] == [user]

    # --------------------------------------------------------------------------------------------------------------- rows

    def rows(self) -> Iterator[tuple[str, tuple[object, ...]]]:
        """Every row that there must be: table and values."""
        for user in self.users:
            personal = (None, None) if user.erased else user.person
            yield "users", (user.id, self.id, *personal, user.role, "active" if user.active else "deactivated")
        for venue in self.venues:
            yield "venues", (venue.id, self.id, venue.capacity)
            for booking in venue.bookings:
                whose = booking.event.id if booking.event else None
                yield "venue_bookings", (booking.id, self.id, venue.id, whose, *booking.slot, booking.exclusive)
        for event in self.events:
            if not event.deleted:
                where = event.venue.id if event.venue else None
                yield "events", (event.id, self.id, event.slug, event.status, *event.slot, where, event.capacity)
        yield from self._sales()

    def _sales(self) -> Iterator[tuple[str, tuple[object, ...]]]:
        for stock in self.stocks:
            if not stock.event.deleted:
                counts = (stock.total, stock.over, self.taken(stock, "confirmed"), self.taken(stock, "pending"))
                yield "stocks", (stock.id, self.id, stock.event.id, *counts, stock.pool.id if stock.pool else None)
        for order in self.orders:
            if not (order.deleted or order.event.deleted):
                personal = (None, None) if order.erased or order.customer is None else order.customer
                yield "orders", (order.id, self.id, order.event.id, *personal, order.status, order.total)
                for category, quantity in order.lines.items():
                    yield "order_items", (order.id, self.id, category.id, quantity)


def _not_live(order: Order, now: datetime) -> Code:
    if order.status != "pending":
        return "illegal_order_status"
    return "hold_expired" if now >= order.expires_at else None


def _live_holds(others: list[Order], order: Order) -> int:
    """How many live holds the same customer has."""
    if order.customer is None:
        return 0
    return sum(o.status == "pending" and o.customer is not None and o.customer.email == order.customer.email for o in others)
