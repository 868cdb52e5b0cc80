from __future__ import annotations

from typing import get_args

from application.deadlines import DeadlineKind, command_for, idempotency_key
from application.registry import spec_of
from application.ticketing.orders import ExpireOrder
from domain.ticketing.order import IllegalOrderStatus, OrderExpired
from domain.ticketing.quota import QuotaReleased
from projections.deadlines import HOLD
from tests.support.given import uid
from tests.support.ticketing import ORDER, on_sale, place


def test_t7_a_due_hold_expires_its_order_and_twice_is_harmless() -> None:
    history = on_sale().when(place()).after(minutes=15).when(command_for("hold", ORDER)).then([OrderExpired, QuotaReleased])
    history.when(command_for("hold", ORDER)).then_refused(IllegalOrderStatus, status="expired")


def test_every_kind_of_deadline_has_a_registered_command() -> None:
    for kind in get_args(DeadlineKind):
        assert spec_of(command_for(kind, uid(1))).name
    assert get_args(DeadlineKind) == (HOLD,), "what the projection writes is what the policy knows"


def test_a_deadline_has_a_key_of_its_own() -> None:
    assert command_for("hold", uid(1)) == ExpireOrder(order_id=uid(1))
    assert idempotency_key("hold", uid(1)) != idempotency_key("hold", uid(2))
