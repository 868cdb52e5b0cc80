"""Whoever knows the description alone gets everywhere: from the examples along the links, and every answer is as described."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator

import pytest

from tests.api.fuzz.walk import Walker
from tests.support.stack import Stack

STEPS = 60
MINUTES = float(os.environ.get("STAGEBOOK_FUZZ_MINUTES", "0"))
WALKS = 10 + int(MINUTES * 20)
SEED = int(time.time()) if MINUTES else 1

OUT_OF_REACH = {
    "confirm_order": "the order of the example costs something",
    "expire_order": "its time has not come",
}
"""Commands that are refused right after the examples, and why."""

_SHOW = ("add_venue", "create_event", "confirm_event", "add_ticket_pool", "add_ticket_category", "open_sales")
FLOWS = {
    "a show is sold": (*_SHOW, "place_order", "get_orders", "history_of_orders", "cancel_order", "delete_order"),
    "what was deleted is found": (*_SHOW, "place_order", "cancel_order", "delete_order", "list_deletions", "get_deletions"),
    "items are found by their order": (
        *_SHOW,
        "place_order",
        "list_order_items",
        "get_order_items",
        "history_of_order_items",
        "get_orders",
    ),
    "a show ends": (*_SHOW, "close_sales", "go_live", "complete_event", "history_of_events"),
    "a show is put off": (*_SHOW, "update_event", "postpone_event", "reschedule_event", "cancel_event", "delete_event"),
    "stocks change": (*_SHOW, "change_ticket_pool", "over_allocate_ticket_pool", "change_ticket_category", "over_allocate_ticket_category"),
    "a category ends": (*_SHOW, "get_ticket_categories", "close_ticket_category", "history_of_ticket_categories"),
    "a venue is used": ("add_venue", "update_venue", "book_venue", "get_venue_bookings", "release_booking", "deactivate_venue"),
    "somebody works here": ("add_user", "change_user_role", "deactivate_user", "reactivate_user", "issue_api_key", "revoke_api_key"),
    "a tenant is stopped": (
        "list_organizations",
        "update_organization",
        "suspend_organization",
        "resume_organization",
        "delete_organization",
    ),
    "work goes on in the background": ("begin_export", "get_operation", "list_operations", "get_operation"),
}


@pytest.fixture
def walker(stack: Stack) -> Iterator[Walker]:
    """Somebody with the platform's key."""
    walker = Walker(stack.url, stack.platform_key, random.Random(SEED))  # noqa: S311  # which way a walk takes is no secret
    yield walker
    walker.close()


@pytest.mark.parametrize("flow", FLOWS)
def test_the_flows_of_the_trade_are_links(walker: Walker, flow: str) -> None:
    walker.walk(0)
    walker.follow(*FLOWS[flow])


@pytest.mark.timeout(60 + MINUTES * 120)
def test_wherever_the_links_lead_the_answer_is_as_described(walker: Walker) -> None:
    """Each walk has an organization of its own: so it may delete it, or revoke the key that it goes with, and is then over."""
    for _ in range(WALKS):
        walker.walk(STEPS)
    assert sum(walker.met.values()) > WALKS


def test_every_command_is_reached(walker: Walker) -> None:
    """Some flow gets there, or it can be begun with."""
    commands = {name for name, (_, operation) in walker.operations.items() if "x-rules" in operation}
    assert commands - {name for flow in FLOWS.values() for name in flow} - set(walker.roots) == OUT_OF_REACH.keys()
