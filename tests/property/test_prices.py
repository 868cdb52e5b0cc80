"""Lines and totals add up whatever the prices, rates and quantities."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from domain.money import Money
from domain.ticketing.category import Category, CategoryTerms
from domain.ticketing.order import Order, OrderPlaced
from domain.ticketing.order_line import OrderLine
from domain.ticketing.pricing import Wish, price_line
from tests.support.given import NOW, ORG, uid

RATES = st.decimals(0, 100, places=2)


@st.composite
def categories(draw: st.DrawFn) -> Category:
    """A category in euros at any price up to ten thousand million."""
    terms = CategoryTerms(
        name="Stalls",
        price=Money(draw(st.integers(0, 999_999_999_999)), "EUR"),
        quantity_total=1_000_000_000,
        tax_rate=draw(RATES),
        price_includes_tax=draw(st.booleans()),
    )
    return Category(id=uid(draw(st.integers(1, 1_000))), terms=terms, version=1)


def line_of(category: Category, quantity: int) -> OrderLine:
    return price_line(category, Wish(line_id=uid(1), ticket_category_id=category.id, quantity=quantity))


@given(categories(), st.integers(1, 1_000))
def test_t9_a_line_adds_up_and_its_tax_is_right_to_half_a_cent(category: Category, quantity: int) -> None:
    line = line_of(category, quantity)
    amount = line.unit_price * quantity
    rate = Fraction(category.terms.tax_rate) / 100
    exact = amount - amount / (1 + rate) if category.terms.price_includes_tax else amount * rate
    assert line.net + line.tax == line.gross
    assert (line.gross if category.terms.price_includes_tax else line.net) == amount
    assert -Fraction(1, 2) < line.tax - exact <= Fraction(1, 2)


@given(st.lists(st.tuples(categories(), st.integers(1, 100)), min_size=1, max_size=10))
def test_t9_an_orders_totals_are_the_sums_of_its_lines(wanted: list[tuple[Category, int]]) -> None:
    lines = tuple(line_of(category, quantity) for category, quantity in wanted)
    order = Order.place(
        id=uid(1),
        organization_id=ORG,
        event_id=uid(2),
        order_number="TESTTEST",
        sales_channel="api",
        currency="EUR",
        lines=lines,
        counts_persons=True,
        hold_expires_at=NOW,
        now=NOW,
    )
    placed = order.pending_events[0]
    assert isinstance(placed, OrderPlaced)
    assert placed.net == sum(line.net for line in lines)
    assert placed.tax == sum(line.tax for line in lines)
    assert placed.total == order.total == sum(line.gross for line in lines) == placed.net + placed.tax
    assert placed.persons == sum(quantity for _, quantity in wanted)
