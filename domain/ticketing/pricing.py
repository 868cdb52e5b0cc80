"""Pricing: from what a customer asks for to lines with net, tax and gross."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from domain.money import Money
from domain.refusals import Conflict, Invalid
from domain.ticketing.box_office import BoxOffice
from domain.ticketing.category import Category
from domain.ticketing.order_line import OrderLine


class CategoryTwice(Invalid, rule="T7", pointer="/lines"):
    """Each ticket category stands in one line."""


class CompanionAlone(Conflict, rule="T24"):
    """A companion ticket is sold only together with as many of the ticket that it accompanies."""


class Wish(NamedTuple):
    """What a customer asks for: so many of a category, at a price of their choice if it is a donation."""

    line_id: UUID
    """What the line will be known by."""
    ticket_category_id: UUID
    quantity: int
    unit_price: Money | None = None


def price_order(office: BoxOffice, wishes: Sequence[Wish], *, event_ends_at: datetime, now: datetime) -> tuple[OrderLine, ...]:
    """The lines of an order at the box office's present prices (T1, T5, T9).

    Raises `SalesNotOpen`, `NotFound`, and what the categories refuse.
    """
    office.require_open()
    asked = {wish.ticket_category_id: wish.quantity for wish in wishes}
    if len(asked) < len(wishes):
        raise CategoryTwice
    lines = []
    for wish in wishes:
        category = office.category(wish.ticket_category_id)
        category.check_sale(wish.quantity, now=now, event_ends_at=event_ends_at)
        if category.companion_of is not None and asked.get(category.companion_of, 0) < wish.quantity:
            raise CompanionAlone
        lines.append(price_line(category, wish))
    return tuple(lines)


def price_line(category: Category, wish: Wish) -> OrderLine:
    """Price a line (T9). Tax is rounded once, on the line, half a minor unit up; `net + tax = gross` always."""
    terms = category.terms
    unit_price = category.unit_price(wish.unit_price)
    amount = unit_price * wish.quantity
    rate, hundred = _percent(terms.tax_rate)
    if terms.price_includes_tax:
        tax = amount.fraction(rate, hundred + rate)
        gross = amount
    else:
        tax = amount.fraction(rate, hundred)
        gross = amount + tax
    return OrderLine(
        id=wish.line_id,
        ticket_category_id=category.id,
        pool_id=category.pool_id,
        quantity=wish.quantity,
        admits=category.admits,
        list_price=terms.price.amount,
        unit_price=unit_price.amount,
        tax_rate=terms.tax_rate,
        tax_code=terms.tax_code,
        net=(gross - tax).amount,
        tax=tax.amount,
        gross=gross.amount,
    )


def _percent(rate: Decimal) -> tuple[int, int]:
    """A percentage as integers: 7.5 is 75 of 1000."""
    numerator, denominator = rate.as_integer_ratio()
    return numerator, 100 * denominator
