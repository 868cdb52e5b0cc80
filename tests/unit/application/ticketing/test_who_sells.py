from __future__ import annotations

import pytest

from application.ticketing.box_offices import CloseSales, OpenSales
from application.ticketing.orders import CancelOrder, ConfirmOrder
from domain.events.event import EventNotOnSale
from domain.events.facts import EventCancelled, EventPostponed
from domain.organizations.facts import OrganizationSuspended
from domain.organizations.organization import OrganizationIsSuspended
from domain.ticketing.box_office import SalesNotOpen
from tests.support.given import ORG, fact, given
from tests.support.ticketing import (
    EVENT,
    ORDER,
    OTHER_ORDER,
    category,
    confirmed,
    counts,
    free,
    on_sale,
    place,
    planned,
)

# About who sells, O4, E2, E3, E13.


def test_nothing_is_sold_before_sales_open() -> None:
    given(confirmed()).when(place()).then_refused(SalesNotOpen)
    given([*confirmed(), category()]).when(place()).then_refused(SalesNotOpen)
    on_sale().when(CloseSales(event_id=EVENT)).when(place()).then_refused(SalesNotOpen)


def test_o4_a_suspended_organization_sells_nothing() -> None:
    suspended = fact(OrganizationSuspended, reason="unpaid")
    history = given([*confirmed(), category(), OpenSales(event_id=EVENT), suspended])
    history.when(place()).then_refused(OrganizationIsSuspended)


def test_e2_nothing_is_sold_before_the_event_is_confirmed() -> None:
    history = given([*planned(), category(), OpenSales(event_id=EVENT)])
    history.when(place()).then_refused(EventNotOnSale, status="planning")


@pytest.mark.parametrize("off", [fact(EventCancelled, of=EVENT, from_status="confirmed", reason="storm"), fact(EventPostponed, of=EVENT)])
def test_e13_sales_stop_at_once_when_the_event_is_off(off: object) -> None:
    history = given([*confirmed(), free(), OpenSales(event_id=EVENT), place(), off])  # type: ignore[list-item]  # a fact
    history.when(place(OTHER_ORDER)).then_refused(EventNotOnSale)
    history.when(ConfirmOrder(order_id=ORDER)).then_refused(EventNotOnSale)
    history.when(CancelOrder(order_id=ORDER)).succeeded()
    assert counts(history) == (0, 0, 100)


# About order numbers, O8.


def test_o8_an_order_number_is_short_and_free_of_lookalikes() -> None:
    number = on_sale().when(place()).reply.data["order_number"]
    assert len(number) == 8
    assert set(number) <= set("23456789ABCDEFGHJKMNPQRSTVWXYZ")


def test_o8_order_numbers_of_one_unit_differ() -> None:
    replies = on_sale().when(place(), place(OTHER_ORDER)).succeeded().replies
    assert replies[0].data["order_number"] != replies[1].data["order_number"]


def test_o8_a_taken_order_number_is_drawn_again() -> None:
    number = on_sale().when(place()).reply.data["order_number"]
    history = on_sale()
    history.state.keys[ORG, "order_number", number] = OTHER_ORDER
    assert history.when(place()).reply.data["order_number"] != number
