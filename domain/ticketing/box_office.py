"""The box office of an Event: its ticket categories and pools, and whether it sells."""

from __future__ import annotations

from datetime import datetime
from typing import Self
from uuid import UUID

import msgspec
from immutables import Map

from domain.aggregate import Aggregate, Created, DomainEvent, part_id
from domain.money import MixedCurrencies
from domain.refusals import Conflict, NotFound
from domain.ticketing.category import Category, CategoryIsClosed, CategoryTerms

HOLD_MINUTES = 15
"""How long a hold lives when the box office says nothing else."""


class NothingToSell(Conflict, rule="E3"):
    """Putting tickets on sale needs a ticket category that can still be sold."""


class SalesAreOpen(Conflict, rule="T11"):
    """Tickets are on sale already."""


class SalesNotOpen(Conflict, rule="E3"):
    """Tickets are not on sale."""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """A stock that several categories share."""

    id: UUID
    name: str
    quantity_total: int
    version: int
    """The stream version of the last domain event about it."""


class BoxOfficeOpened(Created):
    """The Event has a box office. Its prices are in `currency` for good."""

    type_name = "box_office.opened"
    event_id: UUID
    currency: str


class CategoryAdded(DomainEvent):
    """There is one more ticket category."""

    type_name = "box_office.category_added"
    event_id: UUID
    category_id: UUID
    terms: CategoryTerms
    pool_id: UUID | None = None
    admits: int = 1
    companion_of: UUID | None = None

    def apply(self, aggregate: BoxOffice) -> None:
        category = Category(
            id=self.category_id,
            terms=self.terms,
            pool_id=self.pool_id,
            admits=self.admits,
            companion_of=self.companion_of,
            version=self.originator_version,
        )
        aggregate.categories = aggregate.categories.set(category.id, category)


class CategoryChanged(DomainEvent):
    """A ticket category has other terms. They bind new holds only (T1, T5)."""

    type_name = "box_office.category_changed"
    event_id: UUID
    category_id: UUID
    terms: CategoryTerms

    def apply(self, aggregate: BoxOffice) -> None:
        before = aggregate.categories[self.category_id]
        after = msgspec.structs.replace(before, terms=self.terms, version=self.originator_version)
        aggregate.categories = aggregate.categories.set(after.id, after)


class CategoryClosed(DomainEvent):
    """A ticket category is not sold any more."""

    type_name = "box_office.category_closed"
    event_id: UUID
    category_id: UUID

    def apply(self, aggregate: BoxOffice) -> None:
        before = aggregate.categories[self.category_id]
        after = msgspec.structs.replace(before, is_active=False, version=self.originator_version)
        aggregate.categories = aggregate.categories.set(after.id, after)


class PoolAdded(DomainEvent):
    """There is one more pool."""

    type_name = "box_office.pool_added"
    event_id: UUID
    pool_id: UUID
    name: str
    quantity_total: int

    def apply(self, aggregate: BoxOffice) -> None:
        aggregate.pools = aggregate.pools.set(self.pool_id, _pool(self))


class PoolChanged(DomainEvent):
    """A pool has another name or total."""

    type_name = "box_office.pool_changed"
    event_id: UUID
    pool_id: UUID
    name: str
    quantity_total: int

    def apply(self, aggregate: BoxOffice) -> None:
        aggregate.pools = aggregate.pools.set(self.pool_id, _pool(self))


class SalesOpened(DomainEvent):
    """Tickets are on sale; a hold lives `hold_minutes`."""

    type_name = "box_office.sales_opened"
    event_id: UUID
    hold_minutes: int

    def apply(self, aggregate: BoxOffice) -> None:
        aggregate.is_open = True
        aggregate.hold_minutes = self.hold_minutes


class SalesClosed(DomainEvent):
    """No new holds. Those that live are honoured (T5)."""

    type_name = "box_office.sales_closed"
    event_id: UUID

    def apply(self, aggregate: BoxOffice) -> None:
        aggregate.is_open = False


class BoxOffice(Aggregate):
    """What an Event sells, to whom it opens, and for how long it holds. How many are left is for the quotas to say."""

    stream_type = "box_office"

    event_id: UUID
    currency: str
    categories: Map[UUID, Category] = Map()
    pools: Map[UUID, Pool] = Map()
    is_open: bool = False
    hold_minutes: int = HOLD_MINUTES

    @classmethod
    def open(cls, *, organization_id: UUID, event_id: UUID, currency: str, now: datetime) -> Self:
        """The box office of an Event; one per Event."""
        return cls.begin(
            BoxOfficeOpened, id=box_office_id(event_id), now=now, organization_id=organization_id, event_id=event_id, currency=currency
        )

    def category(self, category_id: UUID) -> Category:
        """The category, or `NotFound`."""
        found = self.categories.get(category_id)
        if found is None:
            raise NotFound(what="ticket category", id=str(category_id))
        return found

    def pool(self, pool_id: UUID) -> Pool:
        """The pool, or `NotFound`."""
        found = self.pools.get(pool_id)
        if found is None:
            raise NotFound(what="ticket pool", id=str(pool_id))
        return found

    def add_category(
        self,
        category_id: UUID,
        terms: CategoryTerms,
        *,
        admits: int = 1,
        pool_id: UUID | None = None,
        companion_of: UUID | None = None,
        event_ends_at: datetime,
        now: datetime,
    ) -> Category:
        """One more category, checked by T1; its id is new, as that of its quota is."""
        self._check(terms, event_ends_at)
        if pool_id is not None:
            self.pool(pool_id)
        if companion_of is not None:
            self.category(companion_of)
        self.trigger(
            CategoryAdded,
            now=now,
            event_id=self.event_id,
            category_id=category_id,
            terms=terms,
            admits=admits,
            pool_id=pool_id,
            companion_of=companion_of,
        )
        return self.categories[category_id]

    def change_category(self, category_id: UUID, terms: CategoryTerms, *, event_ends_at: datetime, now: datetime) -> Category:
        """Other terms for new holds (T1). Refused with `CategoryIsClosed` after closing. The same terms are no fact."""
        category = self.category(category_id)
        if not category.is_active:
            raise CategoryIsClosed
        if terms != category.terms:
            self._check(terms, event_ends_at)
            self.trigger(CategoryChanged, now=now, event_id=self.event_id, category_id=category_id, terms=terms)
        return self.categories[category_id]

    def close_category(self, category_id: UUID, *, now: datetime) -> Category:
        """Sell no more of it, for good."""
        if not self.category(category_id).is_active:
            raise CategoryIsClosed
        self.trigger(CategoryClosed, now=now, event_id=self.event_id, category_id=category_id)
        return self.categories[category_id]

    def add_pool(self, pool_id: UUID, name: str, quantity_total: int, *, now: datetime) -> Pool:
        """One more stock for categories to share; its id is new, as that of its quota is."""
        self.trigger(PoolAdded, now=now, event_id=self.event_id, pool_id=pool_id, name=name, quantity_total=quantity_total)
        return self.pools[pool_id]

    def change_pool(self, pool_id: UUID, name: str, quantity_total: int, *, now: datetime) -> Pool:
        """Another name or total. The same ones are no fact."""
        pool = self.pool(pool_id)
        if (name, quantity_total) != (pool.name, pool.quantity_total):
            self.trigger(PoolChanged, now=now, event_id=self.event_id, pool_id=pool_id, name=name, quantity_total=quantity_total)
        return self.pools[pool_id]

    def open_sales(self, *, hold_minutes: int, event_ends_at: datetime, now: datetime) -> None:
        """Put tickets on sale (E3); from here on a hold lives `hold_minutes`."""
        if self.is_open:
            raise SalesAreOpen
        if not any(category.sellable_later(now, event_ends_at) for category in self.categories.values()):
            raise NothingToSell
        self.trigger(SalesOpened, now=now, event_id=self.event_id, hold_minutes=hold_minutes)

    def close_sales(self, *, now: datetime) -> None:
        """Stop selling; live holds are honoured (T5)."""
        self.require_open()
        self.trigger(SalesClosed, now=now, event_id=self.event_id)

    def require_open(self) -> None:
        """Refuse with `SalesNotOpen` while tickets are not on sale."""
        if not self.is_open:
            raise SalesNotOpen

    def _check(self, terms: CategoryTerms, event_ends_at: datetime) -> None:
        terms.check(event_ends_at)
        if terms.price.currency != self.currency:
            raise MixedCurrencies(one=self.currency, other=terms.price.currency)


def box_office_id(event_id: UUID) -> UUID:
    """The stream of an Event's box office."""
    return part_id(event_id, BoxOffice.stream_type)


def _pool(event: PoolAdded | PoolChanged) -> Pool:
    return Pool(id=event.pool_id, name=event.name, quantity_total=event.quantity_total, version=event.originator_version)
