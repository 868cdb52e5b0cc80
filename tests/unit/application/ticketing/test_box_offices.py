from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.registry import Command
from application.ticketing.box_offices import CloseSales, OpenSales
from application.ticketing.orders import ConfirmOrder
from application.ticketing.stock import resize_capacity
from application.ticketing.ticket_categories import ChangeTicketCategory, CloseTicketCategory, OverAllocateTicketCategory
from application.ticketing.ticket_pools import AddTicketPool, ChangeTicketPool, OverAllocateTicketPool
from application.unit import IdTaken, UnfitId, Unit
from domain.events.event import EventIsFinal
from domain.events.facts import EventCancelled
from domain.local_time import NonexistentLocalTime
from domain.money import TooManyDecimals
from domain.organizations.facts import OrganizationSuspended
from domain.organizations.organization import OrganizationIsSuspended
from domain.refusals import NotFound, Refusal, Stale
from domain.ticketing.box_office import (
    BoxOffice,
    BoxOfficeOpened,
    CategoryAdded,
    CategoryChanged,
    CategoryClosed,
    NothingToSell,
    PoolAdded,
    PoolChanged,
    SalesAreOpen,
    SalesClosed,
    SalesNotOpen,
    SalesOpened,
    box_office_id,
)
from domain.ticketing.category import CategoryIsClosed, FreeHasPrice, MinAboveMax, PaidNeedsPrice, SaleEndsAfterEvent, SaleEndsBeforeStart
from domain.ticketing.quota import BelowCommitted, Quota, QuotaOpened, QuotaOverAllocated, QuotaResized, quota_id
from tests.support.given import NOW, Given, fact, given, uid
from tests.support.ticketing import (
    BALCONY,
    ENDS,
    EVENT,
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
    planned,
)

OFFICE = box_office_id(EVENT)
CANCELLED = fact(EventCancelled, of=EVENT, from_status="planning", reason="storm")
OPEN = OpenSales(event_id=EVENT)


def change(**fields: Any) -> ChangeTicketCategory:
    return ChangeTicketCategory(ticket_category_id=STALLS, **fields)


def hall(id: UUID = POOL, quantity_total: int = 10) -> AddTicketPool:  # noqa: A002  # the field's name
    return AddTicketPool(event_id=EVENT, id=id, name="Hall", quantity_total=quantity_total)


def with_category(**fields: Any) -> Given:
    return given([*planned(), category(**fields)])


def test_the_first_category_opens_the_box_office_and_a_quota() -> None:
    given(planned()).when(category()).then(
        [
            fact(BoxOfficeOpened, of=OFFICE, event_id=EVENT, currency="EUR"),
            fact(CategoryAdded, of=OFFICE, category_id=STALLS, event_id=EVENT),
            fact(QuotaOpened, of=quota_id(STALLS), kind="category", total=100),
        ]
    )


def test_the_version_of_a_category_is_that_of_its_last_fact() -> None:
    history = with_category()
    assert history.reply.version == 2
    assert history.when(free(BALCONY)).reply.version == 3
    history.when(change(name="Pit"), if_match=3).then_refused(Stale, version=2)
    assert history.when(change(name="Pit"), if_match=2).reply.version == 4


def test_o1_an_id_that_is_in_use_is_refused() -> None:
    history = with_category()
    history.when(category()).then_refused(IdTaken, id=str(STALLS))
    history.when(hall(STALLS)).then_refused(IdTaken, id=str(STALLS))
    history.when(category(BALCONY), hall(BALCONY)).then_refused(IdTaken)
    history.state.aggregates[quota_id(BALCONY)] = history.get(Quota, quota_id(STALLS))
    history.when(category(BALCONY)).then_refused(IdTaken)


@pytest.mark.parametrize("add", [category, hall])
def test_o1_nobody_occupies_the_capacity_of_an_event(add: Callable[[UUID], Command]) -> None:
    """Its quota is opened by the first order only; until then its id is known by the Event's."""
    given(planned(max_capacity=10)).when(add(EVENT)).then_refused(IdTaken, id=str(EVENT))


@pytest.mark.parametrize("add", [category, hall])
def test_o1_an_id_that_could_be_computed_is_refused(add: Callable[[UUID], Command]) -> None:
    given(planned()).when(add(quota_id(STALLS))).then_refused(UnfitId)


def test_o5_a_price_has_no_more_decimals_than_the_currency() -> None:
    given(planned(currency="JPY")).when(category(price="45.00")).then_refused(TooManyDecimals)
    assert given(planned(currency="JPY")).when(category(price="45.00")).refusal.pointer == "/price"  # type: ignore[union-attr]  # refused


# About terms, T1.


@pytest.mark.parametrize(
    ("terms", "refusal"),
    [
        ({"sale_starts_at": "2026-03-02T12:00", "sale_ends_at": "2026-03-02T12:00"}, SaleEndsBeforeStart),
        ({"sale_starts_at": "2026-03-02T12:00", "sale_ends_at": "2026-03-02T12:01"}, None),
        ({"sale_ends_at": (ENDS + timedelta(seconds=1)).isoformat()}, SaleEndsAfterEvent),
        ({"sale_ends_at": ENDS.isoformat()}, None),
        ({"sale_starts_at": ENDS.isoformat()}, SaleEndsBeforeStart),
        ({"min_per_order": 3, "max_per_order": 2}, MinAboveMax),
        ({"min_per_order": 2, "max_per_order": 2}, None),
        ({"ticket_type": "free", "price": "0.01"}, FreeHasPrice),
        ({"ticket_type": "paid", "price": "0"}, PaidNeedsPrice),
        ({"ticket_type": "donation", "price": "0"}, None),
    ],
)
def test_t1_terms_that_contradict_each_other_are_refused(terms: dict[str, Any], refusal: type[Refusal] | None) -> None:
    for history in (given(planned()).when(category(**terms)), with_category().when(change(**terms))):
        if refusal is None:
            history.succeeded()
        else:
            history.then_refused(refusal)


def test_t1_local_times_are_local_to_the_event() -> None:
    history = with_category(sale_ends_at="2026-03-20T18:00")
    assert history.get(BoxOffice, OFFICE).category(STALLS).terms.sale_ends_at == datetime(2026, 3, 20, 17, tzinfo=UTC)
    history.when(change(sale_ends_at="2026-03-29T02:30")).then_refused(NonexistentLocalTime)


def test_a_change_keeps_what_it_does_not_name() -> None:
    history = with_category(description="Row 1 to 20", max_per_order=4).when(change(price="50.00", description=None))
    changed = history.events[0]
    assert isinstance(changed, CategoryChanged)
    assert (changed.terms.name, changed.terms.max_per_order, str(changed.terms.price)) == ("Stalls", 4, "50.00")
    assert changed.terms.description is None


def test_a_change_of_nothing_records_nothing() -> None:
    with_category().when(change(name="Stalls", price="45")).then([])


def test_a_closed_category_stays_as_it_is() -> None:
    close = CloseTicketCategory(ticket_category_id=STALLS)
    history = with_category().when(close).then([fact(CategoryClosed, category_id=STALLS)])
    history.when(close).then_refused(CategoryIsClosed)
    history.when(change(name="Pit")).then_refused(CategoryIsClosed)


# About putting on sale, E3.


@pytest.mark.parametrize(
    "offered",
    [
        (),
        (category(), CloseTicketCategory(ticket_category_id=STALLS)),
        (category(sale_ends_at=NOW.isoformat()),),
        (hall(quantity_total=1),),
    ],
)
def test_e3_putting_tickets_on_sale_needs_a_sellable_category(offered: tuple[Command, ...]) -> None:
    given([*confirmed(), *offered]).when(OPEN).then_refused(NothingToSell)


def test_e3_one_sellable_category_is_enough() -> None:
    given([*confirmed(), category(sale_ends_at=NOW.isoformat()), category(BALCONY)]).when(OPEN).then(
        [fact(SalesOpened, of=OFFICE, hold_minutes=15)]
    )


def test_t11_sales_open_and_close_once() -> None:
    history = given([*confirmed(), category()])
    history.when(CloseSales(event_id=EVENT)).then_refused(SalesNotOpen)
    history.when(OPEN).when(OPEN).then_refused(SalesAreOpen)
    history.when(CloseSales(event_id=EVENT)).then([SalesClosed])
    history.when(CloseSales(event_id=EVENT)).then_refused(SalesNotOpen)
    history.when(OpenSales(event_id=EVENT, hold_minutes=30)).then([fact(SalesOpened, hold_minutes=30)])


def test_o4_a_suspended_organization_puts_nothing_on_sale() -> None:
    given([*confirmed(), category(), fact(OrganizationSuspended, reason="unpaid")]).when(OPEN).then_refused(OrganizationIsSuspended)


@pytest.mark.parametrize(
    "command",
    [
        category(BALCONY),
        change(name="Pit"),
        CloseTicketCategory(ticket_category_id=STALLS),
        OverAllocateTicketCategory(ticket_category_id=STALLS, quantity=1, reason="chairs"),
        AddTicketPool(event_id=EVENT, id=uid(50), name="Annex", quantity_total=1),
        ChangeTicketPool(ticket_pool_id=POOL, name="Annex"),
        OverAllocateTicketPool(ticket_pool_id=POOL, quantity=1, reason="chairs"),
        OPEN,
    ],
)
def test_e2_in_a_final_state_nothing_is_offered_any_more(command: Command) -> None:
    pool = hall()
    given([*planned(), category(), pool, CANCELLED]).when(command).then_refused(EventIsFinal)


# About totals, E4.


def test_e4_a_total_is_never_set_below_what_is_committed() -> None:
    history = on_sale(free()).when(place()).when(place(OTHER_ORDER)).when(ConfirmOrder(order_id=ORDER))
    history.when(change(quantity_total=3)).then_refused(BelowCommitted, total=3, committed=4)
    history.when(change(quantity_total=4)).then([fact(QuotaResized, total=4), CategoryChanged])
    assert counts(history) == (2, 2, 0)


def test_e4_over_allocation_has_a_quantity_a_reason_and_an_approver() -> None:
    history = on_sale(category(quantity_total=1))
    history.when(OverAllocateTicketCategory(ticket_category_id=STALLS, quantity=1, reason="two more chairs")).then(
        [fact(QuotaOverAllocated, of=quota_id(STALLS), quantity=1, reason="two more chairs", approver="system:test")]
    )
    history.when(place()).succeeded()
    assert counts(history) == (0, 2, 0)


def test_e4_a_pool_is_resized_and_over_allocated_like_a_category() -> None:
    pool = hall(quantity_total=2)
    history = on_sale(pool, category(pool_id=POOL)).when(place())
    history.when(ChangeTicketPool(ticket_pool_id=POOL, quantity_total=1)).then_refused(BelowCommitted)
    history.when(ChangeTicketPool(ticket_pool_id=POOL, quantity_total=3, name="Annex")).then(
        [fact(QuotaResized, of=quota_id(POOL), total=3), fact(PoolChanged, of=OFFICE, name="Annex", quantity_total=3)]
    )
    history.when(OverAllocateTicketPool(ticket_pool_id=POOL, quantity=2, reason="chairs")).succeeded()
    assert counts(history, POOL) == (0, 2, 3)


def test_e4_category_totals_together_may_be_larger_than_the_pool() -> None:
    pool = hall()
    history = given(planned()).when(pool).then([BoxOfficeOpened, PoolAdded, fact(QuotaOpened, kind="pool", total=10)])
    history.when(category(pool_id=POOL)).when(category(BALCONY, pool_id=POOL)).succeeded()


def test_e4_the_capacity_is_never_set_below_the_persons_committed() -> None:
    history = on_sale(category(admits=3), max_capacity=10).when(place())
    unit = Unit(now=NOW, principal=history.principal, command_id=uid(99), state=history.state)
    with pytest.raises(BelowCommitted):
        resize_capacity(unit, EVENT, 5)
    resize_capacity(unit, EVENT, 6)
    assert unit.get(Quota, quota_id(EVENT)).available == 0


def test_a_pool_or_companion_has_to_exist() -> None:
    given(planned()).when(category(pool_id=POOL)).then_refused(NotFound, what="ticket pool")
    given(planned()).when(category(companion_of=BALCONY)).then_refused(NotFound, what="ticket category")


def test_a_pool_is_no_category_and_the_other_way_round() -> None:
    history = given([*planned(), category(), hall()])
    history.when(ChangeTicketCategory(ticket_category_id=POOL, name="Pit")).then_refused(NotFound, what="ticket category")
    history.when(ChangeTicketPool(ticket_pool_id=STALLS, name="Pit")).then_refused(NotFound, what="ticket pool")
    history.when(ChangeTicketPool(ticket_pool_id=uid(77), name="Pit")).then_refused(NotFound)
