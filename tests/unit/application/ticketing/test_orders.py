from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from application.registry import Command
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import CancelOrder, ConfirmOrder, DeleteOrder, ExpireOrder
from domain.organizations.facts import OrganizationSuspended
from domain.organizations.organization import OrganizationIsSuspended
from domain.refusals import NotFound, Refusal, Stale
from domain.ticketing.order import (
    HoldExpired,
    HoldNotExpired,
    IllegalOrderStatus,
    OrderCancelled,
    OrderConfirmed,
    OrderDeleted,
    OrderExpired,
    OrderNotDeletable,
    PaymentRequired,
)
from domain.ticketing.quota import QuotaConfirmed, QuotaGivenBack, QuotaReleased, quota_id
from tests.support.given import Given, fact, given
from tests.support.ticketing import BALCONY, EVENT, HOLD, ORDER, OTHER_ORDER, STALLS, category, confirmed, counts, free, on_sale, place

CONFIRM, CANCEL = ConfirmOrder(order_id=ORDER), CancelOrder(order_id=ORDER)
EXPIRE, DELETE = ExpireOrder(order_id=ORDER), DeleteOrder(order_id=ORDER)
A_MOMENT = timedelta(microseconds=1)


def pending() -> Given:
    return on_sale(free()).when(place())


def test_t10_an_order_that_costs_nothing_is_confirmed_without_a_payment() -> None:
    pending().when(CONFIRM).then([fact(OrderConfirmed, of=ORDER), fact(QuotaConfirmed, of=quota_id(STALLS), hold_id=ORDER, quantity=2)])


def test_t10_an_order_with_a_price_is_confirmed_by_its_payment_only() -> None:
    history = on_sale(category()).when(place()).when(CONFIRM)
    history.then_refused(PaymentRequired, total_amount="90.00", currency="EUR")
    assert counts(history) == (0, 2, 98)


# About the end of a hold, T7.


def test_t7_a_hold_lives_until_the_moment_before_its_end() -> None:
    history = pending().after(minutes=15, microseconds=-1)
    history.when(EXPIRE).then_refused(HoldNotExpired)
    history.when(CONFIRM).succeeded()


@pytest.mark.parametrize("late", [CONFIRM, CANCEL])
def test_t7_at_its_end_a_hold_has_expired(late: Command) -> None:
    history = pending().after(minutes=15)
    history.when(late).then_refused(HoldExpired)
    history.when(EXPIRE).then([fact(OrderExpired, of=ORDER), fact(QuotaReleased, hold_id=ORDER, quantity=2)])
    assert counts(history) == (0, 0, 100)


@pytest.mark.parametrize("race", list(permutations([CONFIRM, CANCEL, EXPIRE])))
@pytest.mark.parametrize("spent", [HOLD - A_MOMENT, HOLD])
def test_t7_confirmation_cancellation_and_expiry_racing_move_stock_once(race: tuple[Command, ...], spent: timedelta) -> None:
    history = pending().after(seconds=spent.total_seconds())
    moved = [type(event) for one in race for event in history.when(one).events if type(event).type_name.startswith("quota.")]
    # Cancelling what was confirmed just before is no race for the hold: it returns what was sold.
    assert moved in ([QuotaReleased], [QuotaConfirmed, QuotaGivenBack])
    assert counts(history) == (0, 0, 100)


def test_t7_cancelling_returns_stock_once() -> None:
    history = pending().when(CANCEL).then([fact(OrderCancelled, was="pending"), fact(QuotaReleased, quantity=2)])
    history.when(CANCEL).then_refused(IllegalOrderStatus, status="cancelled")
    assert counts(history) == (0, 0, 100)


def test_t16_cancelling_a_confirmed_order_returns_what_it_had_bought() -> None:
    history = pending().when(CONFIRM).when(CancelOrder(order_id=ORDER, reason="ill"))
    history.then([fact(OrderCancelled, was="confirmed", reason="ill"), fact(QuotaGivenBack, order_id=ORDER, quantity=2)])
    history.when(CANCEL).then_refused(IllegalOrderStatus)
    assert counts(history) == (0, 0, 100)


def test_e4_every_quota_of_an_order_moves_with_it() -> None:
    both = {STALLS: 1, BALCONY: 2}
    history = on_sale(free(), free(BALCONY, admits=4), max_capacity=50)
    history.when(place(of=both)).when(place(OTHER_ORDER, of=both))
    assert counts(history, EVENT) == (0, 18, 32)
    history.when(CONFIRM)
    assert [counts(history, of) for of in (STALLS, BALCONY, EVENT)] == [(1, 1, 98), (2, 2, 96), (9, 9, 32)]
    history.when(CANCEL).after(minutes=15).when(ExpireOrder(order_id=OTHER_ORDER))
    assert [counts(history, of) for of in (STALLS, BALCONY, EVENT)] == [(0, 0, 100), (0, 0, 100), (0, 0, 50)]


# About illegal transitions, T11.

ALLOWED = {
    "pending": {"confirm", "cancel"},
    "confirmed": {"cancel"},
    "cancelled": {"delete"},
    "expired": {"delete"},
}
STEPS: dict[str, Command] = {"confirm": CONFIRM, "cancel": CANCEL, "expire": EXPIRE, "delete": DELETE}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("status", ALLOWED)
def test_t11_only_legal_transitions_are_recorded(status: str, step: str) -> None:
    history = pending()
    match status:
        case "confirmed":
            history.when(CONFIRM)
        case "cancelled":
            history.when(CANCEL)
        case "expired":
            history.after(minutes=15).when(EXPIRE)
    before = counts(history)
    history.when(STEPS[step])
    assert (history.refusal is None) == (step in ALLOWED[status])
    if history.refusal is not None:
        assert isinstance(history.refusal, IllegalOrderStatus | HoldNotExpired | OrderNotDeletable)
        assert not history.events
        assert counts(history) == before


def test_o4_a_suspended_organization_confirms_nothing_but_returns_stock() -> None:
    history = given([*confirmed(), free(), OpenSales(event_id=EVENT), place(), fact(OrganizationSuspended, reason="unpaid")])
    history.when(CONFIRM).then_refused(OrganizationIsSuspended)
    history.after(minutes=15).when(EXPIRE).succeeded()


# About deleting, T22.


@pytest.mark.parametrize("end", [CANCEL, EXPIRE])
def test_t22_a_cancelled_or_expired_order_can_be_deleted_once(end: Command) -> None:
    history = pending().after(minutes=0 if end is CANCEL else 15).when(end).when(DELETE).then([fact(OrderDeleted, of=ORDER)])
    history.when(DELETE).then_refused(NotFound, what="order")


def test_t22_a_live_or_confirmed_order_cannot_be_deleted() -> None:
    history = pending()
    history.when(DELETE).then_refused(OrderNotDeletable, status="pending")
    history.when(CONFIRM).when(DELETE).then_refused(OrderNotDeletable, status="confirmed")


def test_t22_the_number_of_a_deleted_order_is_not_given_again() -> None:
    history = pending()
    number = history.reply.data["order_number"]
    history.when(CANCEL).when(DELETE)
    assert any(text == number for _, _, text in history.state.keys)


def test_if_match_compares_the_orders_version() -> None:
    history = pending()
    history.when(CANCEL, if_match=2).then_refused(Stale, version=1)
    assert history.when(CANCEL, if_match=1).reply.version == 2


def test_an_order_of_nobody_is_not_found() -> None:
    refusal: type[Refusal] = NotFound
    on_sale().when(CONFIRM).then_refused(refusal, what="order")
