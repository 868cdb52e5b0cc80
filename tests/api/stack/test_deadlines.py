"""T7: a hold that nobody confirms ends by itself, through worker, deadline loop and bus."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.principal import system
from application.ticketing.orders import LineRequest, PlaceOrder
from infrastructure.settings import Settings
from tests.support.inprocess import Process
from tests.support.stack import Stack, Tenant, until


def _hold_made_an_hour_ago(stack: Stack, tenant: Tenant, command: PlaceOrder) -> str:
    """The order of a process whose clock is an hour behind: its hold ended long ago, and nobody has noticed yet."""
    settings = Settings(database_url=stack.database_url, data_dir=stack.data_dir).with_keys()

    async def place() -> str:
        process = await Process.start(settings.database_url, lambda: datetime.now(UTC) - timedelta(hours=1), settings.master_key)
        try:
            outcome = await process.send(system("test", UUID(tenant.founded["id"])), command)
        finally:
            await process.stop()
        return str(outcome.replies[0].id)

    return asyncio.run(place())


def test_t7_a_hold_ends_by_its_deadline_and_its_places_are_for_sale_again(stack: Stack, tenant: Tenant) -> None:
    show = tenant.show({"quantity_total": 2})
    line = LineRequest(ticket_category_id=UUID(show.categories[0]), quantity=2)
    order = _hold_made_an_hour_ago(stack, tenant, PlaceOrder(event_id=UUID(show.id), lines=(line,)))
    until(lambda: tenant.row(f"/v1/orders/{order}", stack.head())["order_status"] == "expired", seconds=20)
    assert tenant.row(f"/v1/ticket-categories/{show.categories[0]}", stack.head())["quantity_reserved"] == 0
    assert tenant.post(show.orders, show.order(2)).status_code == 201
    refused = tenant.post(f"/v1/orders/{order}/confirm")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_order_status")


def test_t7_a_live_hold_is_left_alone(stack: Stack, tenant: Tenant) -> None:
    show = tenant.show(hold_minutes=1)
    order = tenant.made(show.orders, show.order(2))
    refused = tenant.post(f"/v1/orders/{order['id']}/expire")
    assert (refused.status_code, refused.json()["code"], refused.json()["rule"]) == (409, "hold_not_expired", "T7")
    assert tenant.row(f"/v1/orders/{order['id']}", stack.head())["order_status"] == "pending"
