"""What happened to a row, and how it was: from the records, on a real server."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from application.events.events import CreateEvent, DeleteEvent, UpdateEvent
from application.events.life_cycle import ConfirmEvent
from application.organizations.persons import ErasePerson
from application.organizations.users import AddUser
from application.ticketing.box_offices import OpenSales
from application.ticketing.orders import CancelOrder, LineRequest, PlaceOrder
from application.ticketing.ticket_categories import AddTicketCategory
from projections.schema import READ
from tests.integration.reads.conftest import Company


async def _on_sale(company: Company) -> tuple[UUID, UUID]:
    """An Event and one of its ticket categories."""
    event = await company.send(
        CreateEvent(
            name="Regatta",
            starts_at="2027-06-12T18:00:00Z",
            ends_at="2027-06-12T23:00:00Z",
            timezone="Europe/Berlin",
            online_url="https://regatta.example",
        )
    )
    category = await company.send(AddTicketCategory(event_id=event.id, name="Standing", price="12.5", quantity_total=100))
    await company.send(ConfirmEvent(event_id=event.id), OpenSales(event_id=event.id))
    return event.id, category.id


def _order(event_id: UUID, category_id: UUID, quantity: int = 2) -> PlaceOrder:
    line = LineRequest(ticket_category_id=category_id, quantity=quantity)
    return PlaceOrder(event_id=event_id, customer_email="bo@post.example", customer_name="Bo", lines=(line,))


async def test_every_row_is_reproduced_as_of_now_from_its_history(company: Company) -> None:
    """A1 row by row: in every table, what is folded from the records of a row is the row."""
    event_id, category_id = await _on_sale(company)
    order = await company.send(_order(event_id, category_id))
    await company.send(_order(event_id, category_id, 3), CancelOrder(order_id=order.id, reason="Ill"))
    await company.send(AddUser(email="cy@harbour.example", full_name="Cy", role="member"))
    await company.system.caught_up()
    compared = 0
    for table in READ.tables.values():
        page = await company.get(table.name.replace("_", "-"))
        for row in page["data"]:
            path = f"{table.name.replace('_', '-')}/{row['id']}"
            assert await company.get(path, as_of=str(page["position"])) == row
            history = await company.get(f"{path}/history")
            assert history["data"][-1]["position"] == row["log_position"]
            compared += 1
    assert compared > 20


async def test_the_history_says_who_did_what_when_why_and_where_in_the_log(company: Company) -> None:
    event_id, category_id = await _on_sale(company)
    order = await company.send(_order(event_id, category_id))
    await company.send(CancelOrder(order_id=order.id, reason="Ill"))
    history = await company.get(f"orders/{order.id}/history")
    placed, cancelled = history["data"]
    assert (placed["type"], placed["action"], placed["actor"], placed["command"]) == (
        "order.placed",
        "inserted",
        "system:test",
        "place_order",
    )
    assert placed["changes"]["total_amount"] == "25.00"
    assert placed["changes"]["customer_email"] == "bo@post.example"
    assert cancelled["changes"]["order_status"] == "cancelled"
    assert placed["position"] < cancelled["position"] <= history["position"]
    assert [step["stream_version"] for step in history["data"]] == [1, 2]
    assert datetime.fromisoformat(placed["recorded_at"]) < datetime.fromisoformat(cancelled["recorded_at"])


async def test_what_other_streams_add_to_a_row_is_in_its_history(company: Company) -> None:
    event_id, category_id = await _on_sale(company)
    await company.send(_order(event_id, category_id, 4))
    steps = (await company.get(f"ticket-categories/{category_id}/history"))["data"]
    assert [(step["type"], step["action"]) for step in steps] == [("category.added", "inserted"), ("quota.reserved", "changed")] or steps[
        -1
    ]["added"] == {"quantity_reserved": 4}


async def test_a_history_has_pages(company: Company) -> None:
    event_id, _ = await _on_sale(company)
    await company.send(*(UpdateEvent(event_id=event_id, name=f"Regatta {n}") for n in range(5)))
    whole = (await company.get(f"events/{event_id}/history"))["data"]
    paged: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await company.get(f"events/{event_id}/history", limit="2", **cursor)
        paged += page["data"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == whole
    assert len(whole) > 5


async def test_a_row_is_shown_as_it_was_at_a_position_and_at_an_instant(company: Company) -> None:
    event_id, category_id = await _on_sale(company)
    order = await company.send(_order(event_id, category_id))
    placed_at = company.now[0]
    await company.send(CancelOrder(order_id=order.id, reason="Ill"))
    first, last = (await company.get(f"orders/{order.id}/history"))["data"]
    for moment in (
        str(first["position"]),
        str(last["position"] - 1),
        placed_at.isoformat(),
        (placed_at + timedelta(seconds=59)).isoformat(),
    ):
        assert (await company.get(f"orders/{order.id}", as_of=moment))["order_status"] == "pending", moment
    assert (await company.get(f"orders/{order.id}", as_of=company.now[0].isoformat()))["order_status"] == "cancelled"
    assert await company.get(f"orders/{order.id}", as_of=str(first["position"]), fields="order_status") == {"order_status": "pending"}
    for before in (str(first["position"] - 1), (placed_at - timedelta(seconds=1)).isoformat(), "0"):
        assert (await company.problem(f"orders/{order.id}", as_of=before))["code"] == "not_found"


async def test_a_deleted_row_has_a_history_and_a_past(company: Company) -> None:
    """Also a row that went with the Event that it belonged to."""
    event = await company.send(
        CreateEvent(name="Gone", starts_at="2027-06-12T18:00:00Z", ends_at="2027-06-12T23:00:00Z", timezone="Europe/Berlin")
    )
    category = await company.send(AddTicketCategory(event_id=event.id, name="Standing", price="1", quantity_total=1))
    before = (await company.get("events"))["position"]
    await company.send(DeleteEvent(event_id=event.id))
    for path in (f"events/{event.id}", f"ticket-categories/{category.id}"):
        assert (await company.problem(path))["code"] == "not_found"
        assert (await company.get(f"{path}/history"))["data"][-1]["action"] == "deleted"
        assert (await company.get(path, as_of=str(before)))["id"] == path.rpartition("/")[2]


async def test_an_erased_person_stays_erased_in_the_past(company: Company) -> None:
    event_id, category_id = await _on_sale(company)
    order = await company.send(_order(event_id, category_id))
    before = (await company.get("orders"))["position"]
    await company.send(ErasePerson(email="bo@post.example"))
    await company.system.caught_up()
    assert (await company.get(f"orders/{order.id}", as_of=str(before)))["customer_email"] is None
    steps = (await company.get(f"orders/{order.id}/history"))["data"]
    assert steps[0]["changes"]["customer_name"] is None
    assert steps[-1]["action"] == "erased"


async def test_o1_another_organizations_row_has_no_history(company: Company) -> None:
    assert (await company.problem(f"orders/{uuid4()}/history"))["code"] == "not_found"


async def test_a_past_that_cannot_be_is_refused(company: Company) -> None:
    for wrong in ("yesterday", "-1", "9" * 19, "2027-01-01T00:00:00"):
        problem = await company.problem(f"orders/{uuid4()}", as_of=wrong)
        assert problem["errors"][0]["parameter"] == "as_of"
    problem = await company.problem(f"events/{uuid4()}", as_of="1", expand="venue")
    assert problem["errors"][0]["parameter"] == "expand"
