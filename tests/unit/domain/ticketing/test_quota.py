from __future__ import annotations

import pytest

from domain.ticketing.quota import (
    HOLDS_PER_HOLDER,
    BelowCommitted,
    HoldDiffers,
    HoldEnded,
    MoreThanSold,
    NotPositive,
    Quota,
    SoldOut,
    TooManyHolds,
    quota_id,
)
from tests.support.given import NOW, ORG, uid

CATEGORY, EVENT = uid(1), uid(2)
FIRST, SECOND, THIRD = uid(11), uid(12), uid(13)


def quota(total: int) -> Quota:
    return Quota.open(id=quota_id(CATEGORY), organization_id=ORG, event_id=EVENT, kind="category", of=CATEGORY, total=total, now=NOW)


def test_t8_the_last_seat_goes_to_one_hold() -> None:
    seats = quota(3)
    seats.reserve(FIRST, 2, now=NOW)
    with pytest.raises(SoldOut) as refused:
        seats.reserve(SECOND, 2, now=NOW)
    assert refused.value.fields == {"kind": "category", "of": str(CATEGORY), "left": 1}
    seats.reserve(SECOND, 1, now=NOW)
    assert (seats.reserved, seats.available) == (3, 0)


def test_t8_confirming_sells_what_the_hold_keeps() -> None:
    seats = quota(3)
    seats.reserve(FIRST, 2, now=NOW)
    seats.confirm(FIRST, now=NOW)
    assert (seats.sold, seats.reserved, seats.available) == (2, 0, 1)


def test_t7_the_same_hold_twice_is_one_fact() -> None:
    seats = quota(3)
    seats.reserve(FIRST, 2, holder="ada", now=NOW)
    version = seats.version
    seats.reserve(FIRST, 2, holder="ada", now=NOW)
    assert (seats.version, seats.reserved) == (version, 2)
    with pytest.raises(HoldDiffers):
        seats.reserve(FIRST, 1, now=NOW)


def test_t7_an_ended_hold_neither_sells_nor_frees_anything() -> None:
    seats = quota(3)
    seats.reserve(FIRST, 1, now=NOW)
    seats.reserve(SECOND, 1, now=NOW)
    seats.release(FIRST, now=NOW)
    seats.confirm(SECOND, now=NOW)
    for ended in (FIRST, SECOND, THIRD):
        with pytest.raises(HoldEnded):
            seats.confirm(ended, now=NOW)
        with pytest.raises(HoldEnded):
            seats.release(ended, now=NOW)
    assert (seats.sold, seats.reserved, seats.available) == (1, 0, 2)


def test_t7_a_holder_has_a_bounded_number_of_live_holds() -> None:
    seats = quota(100)
    for n in range(HOLDS_PER_HOLDER):
        seats.reserve(uid(100 + n), 1, holder="ada", now=NOW)
    with pytest.raises(TooManyHolds):
        seats.reserve(FIRST, 1, holder="ada", now=NOW)
    seats.reserve(SECOND, 1, holder="grace", now=NOW)
    seats.reserve(THIRD, 1, now=NOW)
    seats.release(uid(100), now=NOW)
    seats.reserve(FIRST, 1, holder="ada", now=NOW)
    seats.confirm(uid(101), now=NOW)
    seats.reserve(uid(100), 1, holder="ada", now=NOW)


def test_holders_without_a_live_hold_are_forgotten() -> None:
    seats = quota(100)
    seats.reserve(FIRST, 1, holder="ada", now=NOW)
    seats.reserve(SECOND, 1, holder="ada", now=NOW)
    seats.release(FIRST, now=NOW)
    assert dict(seats.per_holder) == {"ada": 1}
    seats.confirm(SECOND, now=NOW)
    assert not seats.per_holder
    assert not seats.holds


def test_e4_a_total_covers_what_is_committed() -> None:
    seats = quota(10)
    seats.reserve(FIRST, 4, now=NOW)
    seats.confirm(FIRST, now=NOW)
    seats.reserve(SECOND, 3, now=NOW)
    with pytest.raises(BelowCommitted):
        seats.resize(6, now=NOW)
    seats.resize(7, now=NOW)
    assert seats.available == 0


def test_e4_an_over_allocation_comes_on_top_and_counts_for_resizing() -> None:
    seats = quota(1)
    for _ in range(2):
        seats.over_allocate(1, reason="chairs", approver="user:ada", now=NOW)
    seats.reserve(FIRST, 3, now=NOW)
    assert seats.available == 0
    seats.resize(2, now=NOW)
    seats.resize(1, now=NOW)
    with pytest.raises(BelowCommitted):
        seats.resize(0, now=NOW)


def test_t7_no_more_is_given_back_than_was_sold() -> None:
    seats = quota(3)
    seats.reserve(FIRST, 2, now=NOW)
    with pytest.raises(MoreThanSold):
        seats.give_back(1, order_id=FIRST, now=NOW)
    seats.confirm(FIRST, now=NOW)
    seats.give_back(2, order_id=FIRST, now=NOW)
    assert seats.available == 3


@pytest.mark.parametrize("quantity", [0, -1])
def test_quantities_are_positive(quantity: int) -> None:
    seats = quota(3)
    with pytest.raises(NotPositive):
        seats.reserve(FIRST, quantity, now=NOW)
    with pytest.raises(NotPositive):
        seats.give_back(quantity, order_id=FIRST, now=NOW)
    with pytest.raises(NotPositive):
        seats.over_allocate(quantity, reason="chairs", approver="user:ada", now=NOW)


def test_a_fork_with_many_holds_shares_them() -> None:
    seats = quota(1_000)
    for n in range(500):
        seats.reserve(uid(100 + n), 1, now=NOW)
    fork = seats.fork()
    fork.reserve(FIRST, 1, now=NOW)
    assert (len(seats.holds), len(fork.holds)) == (500, 501)
    assert (seats.reserved, fork.reserved) == (500, 501)
