from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from application.registry import Command
from application.ticketing.box_offices import CloseSales, OpenSales
from application.ticketing.orders import CancelOrder, ConfirmOrder, ExpireOrder, LineRequest, PlaceOrder
from application.ticketing.ticket_categories import ChangeTicketCategory, CloseTicketCategory
from application.ticketing.ticket_pools import AddTicketPool
from application.unit import IdTaken, UnfitId
from domain.money import TooManyDecimals
from domain.refusals import NotFound
from domain.ticketing.category import CategoryIsClosed, DonationTooSmall, PriceNotChoosable, QuantityPerOrder, SaleEnded, SaleNotStarted
from domain.ticketing.order import Order, OrderConfirmed, OrderPlaced
from domain.ticketing.pricing import CategoryTwice, CompanionAlone
from domain.ticketing.quota import HOLDS_PER_HOLDER, QuotaConfirmed, QuotaOpened, QuotaReserved, SoldOut, TooManyHolds, quota_id
from tests.support.given import NOW, ORG, fact, given, uid
from tests.support.ticketing import (
    BALCONY,
    ENDS,
    EVENT,
    HOLD,
    ORDER,
    OTHER_ORDER,
    POOL,
    STALLS,
    category,
    confirmed,
    counts,
    free,
    on_sale,
    place,
)


def test_a_plain_hold_writes_two_records() -> None:
    on_sale().when(place()).then(
        [
            fact(OrderPlaced, of=ORDER, event_id=EVENT, total=9000, currency="EUR", hold_expires_at=NOW + HOLD, persons=0),
            fact(QuotaReserved, of=quota_id(STALLS), hold_id=ORDER, quantity=2, kind="category"),
        ]
    )


def test_the_reply_says_what_is_held_until_when_and_for_how_much() -> None:
    reply = on_sale(category(tax_rate="19")).when(place(customer_email="ada@example.org")).reply
    line = reply.data["lines"][0]
    assert reply.id == ORDER
    assert reply.data["hold_expires_at"] == (NOW + HOLD).isoformat()
    assert (reply.data["total_amount"], reply.data["currency"]) == ("90.00", "EUR")
    assert (line["quantity"], line["unit_price"], line["net_amount"], line["tax_amount"]) == (2, "45.00", "75.63", "14.37")
    assert "ada" not in str(reply)


def test_the_customer_is_a_person_known_by_the_normalised_address() -> None:
    history = on_sale().when(place(customer_email=" Ada@Example.ORG ", customer_name="Ada"))
    placed = history.events[0]
    assert isinstance(placed, OrderPlaced)
    assert (placed.customer_email, placed.customer_name) == ("ada@example.org", "Ada")
    assert placed.customer == history.state.person_key(ORG, "ada@example.org")


def test_a_name_without_an_address_belongs_to_a_person_of_its_own() -> None:
    history = on_sale()
    first, second = (history.when(place(order, customer_name="Ada")).events[0] for order in (ORDER, OTHER_ORDER))
    assert isinstance(first, OrderPlaced)
    assert isinstance(second, OrderPlaced)
    assert None not in (first.customer, second.customer)
    assert first.customer != second.customer


def test_nobody_in_particular_is_no_person() -> None:
    on_sale().when(place()).then([fact(OrderPlaced, customer=None, customer_email=None), QuotaReserved])


def test_o1_an_id_that_is_in_use_or_could_be_computed_is_refused() -> None:
    history = on_sale().when(place())
    history.when(place()).then_refused(IdTaken, id=str(ORDER))
    history.when(place(EVENT)).then_refused(IdTaken, id=str(EVENT))
    history.when(place(quota_id(BALCONY))).then_refused(UnfitId)


# About window and quantities, T1.


@pytest.mark.parametrize(
    ("after", "refusal"),
    [
        (timedelta(hours=1) - timedelta(microseconds=1), SaleNotStarted),
        (timedelta(hours=1), None),
        (timedelta(hours=2) - timedelta(microseconds=1), None),
        (timedelta(hours=2), SaleEnded),
    ],
)
def test_t1_a_sale_is_a_half_open_interval(after: timedelta, refusal: type[SaleEnded] | None) -> None:
    start, end = ((NOW + timedelta(hours=hours)).isoformat() for hours in (1, 2))
    history = on_sale(category(sale_starts_at=start, sale_ends_at=end)).at(NOW + after).when(place())
    if refusal is None:
        history.succeeded()
    else:
        history.then_refused(refusal)


def test_t1_a_sale_without_an_end_ends_with_the_event() -> None:
    history = on_sale()
    history.at(ENDS - timedelta(microseconds=1)).when(place()).succeeded()
    history.at(ENDS).when(place(OTHER_ORDER)).then_refused(SaleEnded)


@pytest.mark.parametrize(("quantity", "fits"), [(1, False), (2, True), (4, True), (5, False)])
def test_t1_an_order_keeps_to_minimum_and_maximum(quantity: int, fits: bool) -> None:
    history = on_sale(category(min_per_order=2, max_per_order=4)).when(place(of={STALLS: quantity}))
    if fits:
        history.succeeded()
    else:
        history.then_refused(QuantityPerOrder, min_per_order=2, max_per_order=4)


def test_t7_a_category_stands_in_one_line() -> None:
    line = LineRequest(ticket_category_id=STALLS, quantity=10)
    on_sale().when(PlaceOrder(event_id=EVENT, lines=(line, line))).then_refused(CategoryTwice)


def test_t1_a_closed_category_is_not_sold() -> None:
    on_sale().when(CloseTicketCategory(ticket_category_id=STALLS)).when(place()).then_refused(CategoryIsClosed)


def test_an_unknown_category_is_not_found() -> None:
    on_sale().when(place(of={BALCONY: 1})).then_refused(NotFound, what="ticket category")


# About the price that a hold fixes, T5.


def test_t5_a_price_change_binds_new_holds_only() -> None:
    history = on_sale(category()).when(place()).when(ChangeTicketCategory(ticket_category_id=STALLS, price="60.00"))
    assert history.get(Order, ORDER).total == 9000
    history.when(place(OTHER_ORDER)).then([fact(OrderPlaced, total=12000), QuotaReserved])


@pytest.mark.parametrize("stop", [CloseSales(event_id=EVENT), CloseTicketCategory(ticket_category_id=STALLS)])
def test_t5_a_live_hold_is_honoured_after_the_sale_stopped(stop: Command) -> None:
    on_sale(free()).when(place()).when(stop).when(ConfirmOrder(order_id=ORDER)).then([OrderConfirmed, QuotaConfirmed])


def test_t5_only_a_donation_has_a_price_of_the_customers_choice() -> None:
    history = on_sale(category(), category(BALCONY, ticket_type="donation", price="5.00"))

    def at(price: str | None, of: UUID) -> PlaceOrder:
        return PlaceOrder(event_id=EVENT, lines=(LineRequest(ticket_category_id=of, quantity=1, unit_price=price),))

    history.when(at("0.01", STALLS)).then_refused(PriceNotChoosable)
    history.when(at("4.99", BALCONY)).then_refused(DonationTooSmall)
    history.when(at("5.001", BALCONY)).then_refused(TooManyDecimals)
    history.when(at("25.00", BALCONY)).then([fact(OrderPlaced, total=2500), QuotaReserved])
    history.when(at(None, BALCONY)).then([fact(OrderPlaced, total=500), QuotaReserved])


# About holds, T7.


def test_t7_a_hold_over_several_categories_is_all_or_nothing() -> None:
    history = on_sale(category(), category(BALCONY, quantity_total=1))
    history.when(place(of={STALLS: 2, BALCONY: 2})).then_refused(SoldOut, kind="category", of=str(BALCONY), left=1)
    assert counts(history) == (0, 0, 100)
    history.when(place(of={STALLS: 2, BALCONY: 1})).then([OrderPlaced, QuotaReserved, QuotaReserved])
    assert (counts(history), counts(history, BALCONY)) == ((0, 2, 98), (0, 1, 0))


def test_t7_holds_last_as_long_as_the_box_office_says() -> None:
    history = given([*confirmed(), category(), OpenSales(event_id=EVENT, hold_minutes=5)]).when(place())
    assert history.get(Order, ORDER).hold_expires_at == NOW + timedelta(minutes=5)


def test_t7_live_holds_per_address_are_bounded_however_it_is_written() -> None:
    history = on_sale()
    for n in range(HOLDS_PER_HOLDER):
        history.when(place(uid(100 + n), customer_email="ada@example.org")).succeeded()
    history.when(place(customer_email="ADA@example.org")).then_refused(TooManyHolds, limit=HOLDS_PER_HOLDER)
    history.when(place(customer_email="grace@example.org")).succeeded()
    history.when(CancelOrder(order_id=uid(100))).when(place(OTHER_ORDER, customer_email="ada@example.org")).succeeded()


def test_t7_without_an_e_mail_live_holds_on_the_web_are_bounded_per_client_address() -> None:
    history = on_sale()
    for n in range(HOLDS_PER_HOLDER):
        history.when(place(uid(100 + n), sales_channel="web"), client_address="192.0.2.7").succeeded()
    history.when(place(sales_channel="web"), client_address="192.0.2.7").then_refused(TooManyHolds)
    history.when(place(sales_channel="web"), client_address="192.0.2.8").succeeded()
    history.when(place(OTHER_ORDER, sales_channel="box_office"), client_address="192.0.2.7").succeeded()


def test_a5_the_holder_is_recorded_as_a_digest() -> None:
    history = on_sale().when(place(customer_email="ada@example.org"))
    reserved = history.events[1]
    assert isinstance(reserved, QuotaReserved)
    assert reserved.holder == history.state.digest(ORG, "holder:ada@example.org").hex()[:32]


# About stock, T8, E4.


def test_t8_sold_ends_exactly_at_the_total() -> None:
    history = on_sale(free(quantity_total=5))
    for n in range(2):
        history.when(place(uid(100 + n))).when(ConfirmOrder(order_id=uid(100 + n))).succeeded()
    history.when(place(of={STALLS: 2})).then_refused(SoldOut, left=1)
    history.when(place(of={STALLS: 1})).when(ConfirmOrder(order_id=ORDER)).succeeded()
    assert counts(history) == (5, 0, 0)
    history.when(place(OTHER_ORDER, of={STALLS: 1})).then_refused(SoldOut, left=0)


def test_t8_an_expired_hold_is_for_sale_again() -> None:
    history = on_sale(category(quantity_total=2)).when(place()).after(minutes=15)
    history.when(place(OTHER_ORDER)).then_refused(SoldOut)
    history.when(ExpireOrder(order_id=ORDER)).when(place(OTHER_ORDER)).succeeded()


def test_e4_categories_share_a_pool_and_keep_their_own_totals() -> None:
    pool = AddTicketPool(event_id=EVENT, id=POOL, name="Hall", quantity_total=5)
    history = on_sale(pool, category(pool_id=POOL, quantity_total=4), category(BALCONY, pool_id=POOL, quantity_total=4))
    history.when(place(of={STALLS: 5})).then_refused(SoldOut, kind="category", left=4)
    history.when(place(of={STALLS: 3, BALCONY: 3})).then_refused(SoldOut, kind="pool", of=str(POOL), left=5)
    history.when(place(of={STALLS: 3, BALCONY: 2})).then(
        [
            fact(OrderPlaced),
            fact(QuotaReserved, of=quota_id(STALLS), quantity=3),
            fact(QuotaReserved, of=quota_id(POOL), quantity=5),
            fact(QuotaReserved, of=quota_id(BALCONY), quantity=2),
        ]
    )


def test_e4_the_events_capacity_counts_persons_over_all_categories() -> None:
    table_of_ten = category(BALCONY, name="Table", admits=10)
    history = on_sale(category(), table_of_ten, max_capacity=25)
    history.when(place(of={BALCONY: 2, STALLS: 6})).then_refused(SoldOut, kind="capacity", left=25)
    history.when(place(of={BALCONY: 2, STALLS: 5})).then(
        [
            fact(OrderPlaced, persons=25),
            fact(QuotaOpened, of=quota_id(EVENT), kind="capacity", total=25),
            fact(QuotaReserved, of=quota_id(EVENT), quantity=25),
            fact(QuotaReserved, of=quota_id(BALCONY), quantity=2),
            fact(QuotaReserved, of=quota_id(STALLS), quantity=5),
        ]
    )


def test_e4_add_ons_take_nothing_of_the_capacity() -> None:
    history = on_sale(category(), category(BALCONY, name="Parking", admits=0), max_capacity=2)
    history.when(place(of={BALCONY: 3})).then([fact(OrderPlaced, persons=0), QuotaReserved])
    history.when(place(OTHER_ORDER, of={STALLS: 2, BALCONY: 1})).then(
        [fact(OrderPlaced, persons=2), QuotaOpened, QuotaReserved, QuotaReserved, QuotaReserved]
    )


def test_t24_a_companion_ticket_is_not_sold_alone() -> None:
    history = on_sale(category(), free(BALCONY, companion_of=STALLS))
    history.when(place(of={BALCONY: 1})).then_refused(CompanionAlone)
    history.when(place(of={STALLS: 1, BALCONY: 2})).then_refused(CompanionAlone)
    history.when(place(of={STALLS: 2, BALCONY: 2})).succeeded()


def test_t24_door_sales_obey_the_same_stock() -> None:
    history = on_sale(category(quantity_total=1))
    history.when(place(sales_channel="box_office")).then_refused(SoldOut)
