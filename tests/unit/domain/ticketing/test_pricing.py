from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from domain.money import Money
from domain.ticketing.category import Category, CategoryTerms
from domain.ticketing.order_line import OrderLine, total_of
from domain.ticketing.pricing import Wish, price_line
from tests.support.given import uid


def line(price: int, quantity: int, rate: str, *, includes_tax: bool, currency: str = "EUR", **fields: Any) -> OrderLine:
    terms = CategoryTerms(
        name="Stalls", price=Money(price, currency), quantity_total=100, tax_rate=Decimal(rate), price_includes_tax=includes_tax
    )
    category = Category(id=uid(1), terms=terms, version=1, **fields)
    return price_line(category, Wish(line_id=uid(2), ticket_category_id=uid(1), quantity=quantity))


@pytest.mark.parametrize(
    ("price", "quantity", "rate", "includes_tax", "expected"),
    [
        # expected are net, tax and gross, in cents
        (11900, 1, "19", True, (10000, 1900, 11900)),
        (10000, 1, "19", False, (10000, 1900, 11900)),
        (999, 3, "7", True, (2801, 196, 2997)),  # tax 196.06…
        (999, 3, "7", False, (2997, 210, 3207)),  # tax 209.79
        (10, 1, "5", False, (10, 1, 11)),  # half a cent is rounded up
        (30, 1, "5", False, (30, 2, 32)),  # also to an even cent's other side: 1.5
        (21, 1, "100", True, (10, 11, 21)),  # half a cent of tax is rounded up, within the price
        (4500, 2, "7.7", False, (9000, 693, 9693)),
        (4500, 2, "0", True, (9000, 0, 9000)),
        (0, 5, "19", True, (0, 0, 0)),
    ],
)
def test_t9_tax_is_rounded_half_up_on_the_line(
    price: int, quantity: int, rate: str, includes_tax: bool, expected: tuple[int, int, int]
) -> None:
    priced = line(price, quantity, rate, includes_tax=includes_tax)
    assert (priced.net, priced.tax, priced.gross) == expected


def test_t9_three_tickets_are_taxed_once_not_three_times() -> None:
    assert line(10, 3, "5", includes_tax=False).tax == 2


def test_t9_totals_are_sums_of_the_lines() -> None:
    lines = [line(999, 3, "7", includes_tax=True), line(999, 3, "7", includes_tax=False)]
    assert total_of(lines, "EUR") == (5798, 406, 6204)


def test_a_line_admits_persons_per_ticket() -> None:
    assert line(100, 3, "0", includes_tax=True, admits=10).persons == 30
    assert line(100, 3, "0", includes_tax=True, admits=0).persons == 0


def test_t9_a_line_names_what_was_charged_and_why() -> None:
    priced = line(11900, 2, "19", includes_tax=True)
    assert (priced.list_price, priced.unit_price, priced.tax_rate) == (11900, 11900, Decimal(19))
