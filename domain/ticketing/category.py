"""Ticket categories: what is for sale, when, at what price, and how many at once."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

import msgspec

from domain.money import Money
from domain.refusals import Conflict, Invalid

TicketType = Literal["free", "paid", "donation"]
Visibility = Literal["public", "hidden", "invitation_only"]
AccessRule = Literal["once", "daily", "in_out"]


class SaleEndsBeforeStart(Invalid, rule="T1", pointer="/sale_ends_at"):
    """The sale has to end after it starts."""


class SaleEndsAfterEvent(Invalid, rule="T1", pointer="/sale_ends_at"):
    """The sale has to end by the end of the Event, {event_ends_at}."""


class MinAboveMax(Invalid, rule="T1", pointer="/min_per_order"):
    """At least {min_per_order} per order is more than at most {max_per_order}."""


class FreeHasPrice(Invalid, rule="T1", pointer="/price"):
    """A free ticket has no price."""


class PaidNeedsPrice(Invalid, rule="T1", pointer="/price"):
    """A paid ticket has a price above zero; make it a free one or a donation."""


class CategoryIsClosed(Conflict, rule="T1"):
    """The ticket category is closed."""


class SaleNotStarted(Conflict, rule="T1"):
    """The sale starts at {sale_starts_at}."""


class SaleEnded(Conflict, rule="T1"):
    """The sale has ended."""


class QuantityPerOrder(Invalid, rule="T1", pointer="/lines"):
    """Of this ticket category, {min_per_order} to {max_per_order} are sold per order."""


class PriceNotChoosable(Invalid, rule="T5", pointer="/lines"):
    """Only the price of a donation is chosen by the customer."""


class DonationTooSmall(Invalid, rule="T5", pointer="/lines"):
    """This donation starts at {price} {currency}."""


class CategoryTerms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What can be changed about a category."""

    name: str
    description: str | None = None
    ticket_type: TicketType = "paid"
    price: Money
    """Of a donation: the least that is given."""
    quantity_total: int
    min_per_order: int = 1
    max_per_order: int = 10
    sale_starts_at: datetime | None = None
    """None: from the opening of sales on."""
    sale_ends_at: datetime | None = None
    """None: until the end of the Event."""
    visibility: Visibility = "public"
    benefits: Any = None
    """JSON, like `restrictions` and `questions`; never changed in place."""
    restrictions: Any = None
    questions: Any = None
    tax_rate: Decimal = Decimal(0)
    """Percent."""
    tax_code: str | None = None
    price_includes_tax: bool = True
    access_rule: AccessRule = "once"
    sort_order: int = 0

    def check(self, event_ends_at: datetime) -> None:
        """Refuse terms that contradict each other or the Event's end (T1)."""
        if self.sale_ends_at is not None and self.sale_starts_at is not None and self.sale_ends_at <= self.sale_starts_at:
            raise SaleEndsBeforeStart
        if self.sale_ends_at is not None and self.sale_ends_at > event_ends_at:
            raise SaleEndsAfterEvent(event_ends_at=event_ends_at.isoformat())
        if self.sale_starts_at is not None and self.sale_starts_at >= event_ends_at:
            raise SaleEndsBeforeStart
        if self.min_per_order > self.max_per_order:
            raise MinAboveMax(min_per_order=self.min_per_order, max_per_order=self.max_per_order)
        if self.ticket_type == "free" and self.price:
            raise FreeHasPrice
        if self.ticket_type == "paid" and not self.price:
            raise PaidNeedsPrice


class Category(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A ticket category of a box office."""

    id: UUID
    terms: CategoryTerms
    pool_id: UUID | None = None
    """The pool that it draws on beside its own quota."""
    admits: int = 1
    """Persons per ticket; 0 is an add-on such as parking."""
    companion_of: UUID | None = None
    """Sold only together with as many of that category."""
    is_active: bool = True
    version: int
    """The stream version of the last domain event about it."""

    def sellable_later(self, now: datetime, event_ends_at: datetime) -> bool:
        """Whether any of it may still be sold, now or in the future (E3)."""
        return self.is_active and now < self._sale_ends_at(event_ends_at) and self.terms.quantity_total > 0

    def check_sale(self, quantity: int, *, now: datetime, event_ends_at: datetime) -> None:
        """Refuse what may not be sold now, or not so many at once (T1)."""
        terms = self.terms
        if not self.is_active:
            raise CategoryIsClosed
        if terms.sale_starts_at is not None and now < terms.sale_starts_at:
            raise SaleNotStarted(sale_starts_at=terms.sale_starts_at.isoformat())
        if now >= self._sale_ends_at(event_ends_at):
            raise SaleEnded
        if not terms.min_per_order <= quantity <= terms.max_per_order:
            raise QuantityPerOrder(min_per_order=terms.min_per_order, max_per_order=terms.max_per_order)

    def unit_price(self, chosen: Money | None) -> Money:
        """The price that a hold fixes (T5): the category's, or what the customer chose to give."""
        if self.terms.ticket_type != "donation":
            if chosen is not None:
                raise PriceNotChoosable
            return self.terms.price
        if chosen is not None and chosen < self.terms.price:
            raise DonationTooSmall(price=str(self.terms.price), currency=self.terms.price.currency)
        return self.terms.price if chosen is None else chosen

    def _sale_ends_at(self, event_ends_at: datetime) -> datetime:
        return min(self.terms.sale_ends_at or event_ends_at, event_ends_at)
