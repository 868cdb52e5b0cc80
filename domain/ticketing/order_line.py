"""The priced lines of an order, and their sums."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

import msgspec

from domain.money import Money


class OrderLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One category of an order, its price fixed for good (T5). All amounts in minor units of the order's currency."""

    id: UUID
    """The order item."""
    ticket_category_id: UUID
    pool_id: UUID | None = None
    quantity: int
    admits: int = 1
    """Persons per ticket."""
    list_price: int
    """Per ticket, as the category says."""
    unit_price: int
    """Per ticket, as it is paid; with or without tax as the category has it."""
    tax_rate: Decimal = Decimal(0)
    """Percent."""
    tax_code: str | None = None
    net: int
    tax: int
    gross: int

    @property
    def persons(self) -> int:
        """How many the line admits."""
        return self.quantity * self.admits


class Totals(NamedTuple):
    """Sums over the lines of an order, in minor units."""

    net: int
    tax: int
    gross: int


def total_of(lines: Iterable[OrderLine], currency: str) -> Totals:
    """The order's sums, recomputable from the record alone (T9)."""
    net = sum(line.net for line in lines)
    tax = sum(line.tax for line in lines)
    return Totals(net, tax, Money(net + tax, currency).amount)
