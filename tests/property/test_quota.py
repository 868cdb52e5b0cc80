from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from domain.refusals import Refusal
from domain.ticketing.quota import HOLDS_PER_HOLDER, BelowCommitted, Quota, SoldOut, TooManyHolds, quota_id
from tests.support.given import NOW, ORG, uid

QUANTITIES = st.integers(1, 12)


class AnySequence(RuleBasedStateMachine):
    """Whatever is done in whatever order, a quota is never over its capacity (T8, E4, T7)."""

    live: Bundle[UUID] = Bundle("live")
    sold: Bundle[tuple[UUID, int]] = Bundle("sold")

    def __init__(self) -> None:
        super().__init__()
        self.drawn = 0
        self.model_live: dict[UUID, tuple[int, str | None]] = {}
        self.model_sold = 0
        self.model_limit = 0

    @initialize(total=st.integers(0, 40))
    def open(self, total: int) -> None:
        self.quota = Quota.open(id=quota_id(uid(1)), organization_id=ORG, event_id=uid(2), kind="category", of=uid(1), total=total, now=NOW)
        self.model_limit = total

    def refused(self, attempt: Callable[[Quota], None], *refusals: type[Refusal]) -> bool:
        """Decide on a fork, as a unit does; a refusal leaves no trace."""
        fork = self.quota.fork()
        try:
            attempt(fork)
        except refusals:
            return True
        self.quota = fork
        return False

    @rule(target=live, quantity=QUANTITIES, holder=st.sampled_from(["ada", "grace", None]))
    def reserve(self, quantity: int, holder: str | None) -> MultipleResults[UUID] | UUID:
        self.drawn += 1
        hold = uid(1000 + self.drawn)
        free = self.model_limit - self.model_sold - sum(held for held, _ in self.model_live.values())
        theirs = sum(who == holder for _, who in self.model_live.values()) if holder else 0
        refused = self.refused(lambda quota: quota.reserve(hold, quantity, holder=holder, now=NOW), SoldOut, TooManyHolds)
        assert refused == (quantity > free or theirs >= HOLDS_PER_HOLDER)
        if refused:
            return multiple()
        self.model_live[hold] = quantity, holder
        return hold

    @rule(target=sold, hold=consumes(live))
    def confirm(self, hold: UUID) -> tuple[UUID, int]:
        self.refused(lambda quota: quota.confirm(hold, now=NOW))
        quantity, _ = self.model_live.pop(hold)
        self.model_sold += quantity
        return hold, quantity

    @rule(hold=consumes(live))
    def release(self, hold: UUID) -> None:
        self.refused(lambda quota: quota.release(hold, now=NOW))
        del self.model_live[hold]

    @rule(order=consumes(sold))
    def give_back(self, order: tuple[UUID, int]) -> None:
        order_id, quantity = order
        self.refused(lambda quota: quota.give_back(quantity, order_id=order_id, now=NOW))
        self.model_sold -= quantity

    @rule(total=st.integers(0, 60))
    def resize(self, total: int) -> None:
        over, committed = self.quota.over, self.quota.committed
        refused = self.refused(lambda quota: quota.resize(total, now=NOW), BelowCommitted)
        assert refused == (total + over < committed)
        if not refused:
            self.model_limit = total + over

    @rule(quantity=st.integers(1, 5))
    def over_allocate(self, quantity: int) -> None:
        self.refused(lambda quota: quota.over_allocate(quantity, reason="chairs", approver="user:ada", now=NOW))
        self.model_limit += quantity

    @invariant()
    def the_parts_are_the_whole(self) -> None:
        quota = self.quota
        assert quota.sold + quota.reserved + quota.available == quota.total + quota.over == self.model_limit
        assert min(quota.sold, quota.reserved, quota.available) >= 0

    @invariant()
    def it_counts_what_happened(self) -> None:
        assert self.quota.sold == self.model_sold
        assert {hold: (kept.quantity, kept.holder) for hold, kept in self.quota.holds.items()} == self.model_live
        assert self.quota.reserved == sum(quantity for quantity, _ in self.model_live.values())

    @invariant()
    def holders_are_counted(self) -> None:
        holders = [holder for _, holder in self.model_live.values() if holder]
        assert dict(self.quota.per_holder) == {holder: holders.count(holder) for holder in holders}


TestAnySequence = AnySequence.TestCase
