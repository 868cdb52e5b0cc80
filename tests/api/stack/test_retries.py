"""What a client may rely on when it retries, races itself, or reads what it wrote."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.support.stack import Stack, Tenant


def test_t21_a_retry_of_a_confirmation_gets_its_reply_although_the_order_is_confirmed(stack: Stack, tenant: Tenant) -> None:
    show = tenant.show()
    order = tenant.made(show.orders, show.order())
    first = tenant.post(f"/v1/orders/{order['id']}/confirm", idempotency_key="confirm")
    before = stack.sequence(tenant.founded["id"])
    again = tenant.post(f"/v1/orders/{order['id']}/confirm", idempotency_key="confirm")
    assert (again.status_code, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    assert "idempotent-replayed" not in first.headers
    assert (again.headers["etag"], again.headers["location"]) == (first.headers["etag"], first.headers["location"])
    other = tenant.post(f"/v1/orders/{order['id']}/confirm", idempotency_key="another")
    assert (other.status_code, other.json()["code"], other.json()["rule"]) == (409, "illegal_order_status", "T11")
    assert stack.sequence(tenant.founded["id"]) == before


def test_t21_a_retry_of_the_order_that_took_the_last_seat_gets_that_order(tenant: Tenant, other_api: str) -> None:
    show = tenant.show({"quantity_total": 1})
    first = tenant.post(show.orders, show.order(), idempotency_key="last seat")
    assert tenant.post(show.orders, show.order(), idempotency_key="too late").json()["code"] == "sold_out"
    with Tenant(other_api, tenant.key) as elsewhere:
        for retrying in (tenant, elsewhere):
            again = retrying.post(show.orders, show.order(), idempotency_key="last seat")
            assert (again.status_code, again.json()) == (201, first.json())


def test_t21_another_body_or_route_under_the_same_key_is_refused(stack: Stack, tenant: Tenant) -> None:
    show = tenant.show()
    tenant.made(show.orders, show.order(1), idempotency_key="mine")
    before = stack.sequence(tenant.founded["id"])
    answers = [
        tenant.post(show.orders, show.order(2), idempotency_key="mine"),
        tenant.post("/v1/venues", {"name": "Hall", "capacity": 5}, idempotency_key="mine"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in answers] == [(422, "idempotency_mismatch")] * 2
    assert stack.sequence(tenant.founded["id"]) == before


def test_t21_the_same_key_at_the_same_moment_through_two_processes_is_one_order(stack: Stack, tenant: Tenant, other_api: str) -> None:
    show = tenant.show({"quantity_total": 30})
    with Tenant(other_api, tenant.key) as elsewhere, ThreadPoolExecutor(8) as pool:
        for round_ in range(5):
            before = stack.sequence(tenant.founded["id"])
            racing = [
                pool.submit(client.post, show.orders, show.order(2), idempotency_key=f"round {round_}")
                for client in (tenant, elsewhere) * 4
            ]
            answers = [each.result() for each in racing]
            assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
            assert len({answer.json()["order_number"] for answer in answers}) == 1
            assert stack.sequence(tenant.founded["id"]) == before + 2  # the order and its hold


def test_t21_keys_of_different_organizations_do_not_meet(tenant: Tenant, stranger: Tenant) -> None:
    mine = tenant.made("/v1/venues", {"name": "Hall", "capacity": 5}, idempotency_key="hall")
    theirs = stranger.made("/v1/venues", {"name": "Barn", "capacity": 9}, idempotency_key="hall")
    assert mine["id"] != theirs["id"]


def test_a_secret_is_shown_once_and_not_to_a_retry(tenant: Tenant) -> None:
    first = tenant.made("/v1/api-keys", {"name": "Tablet"}, idempotency_key="key")
    again = tenant.made("/v1/api-keys", {"name": "Tablet"}, idempotency_key="key")
    assert first["key"].startswith("sbk_")
    assert again == {name: value for name, value in first.items() if name != "key"}


def test_if_match_admits_the_version_of_the_event_and_refuses_older_ones(stack: Stack, tenant: Tenant) -> None:
    path = f"/v1/events/{tenant.show().id}"
    tag = tenant.get(path, stagebook_min_position=str(stack.head())).headers["etag"]
    changed = tenant.send("PATCH", path, {"name": "Gala"}, if_match=tag)
    assert changed.status_code == 200
    stale = tenant.send("PATCH", path, {"name": "Ball"}, if_match=tag)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert tenant.row(path, changed.json()["position"])["name"] == "Gala"
    assert tenant.get(path).headers["etag"] == changed.headers["etag"]


def test_if_match_of_a_category_is_its_own_version_that_orders_do_not_move(stack: Stack, tenant: Tenant) -> None:
    show = tenant.show({}, {"name": "Balcony"})
    stalls, balcony = (f"/v1/ticket-categories/{id_}" for id_ in show.categories)
    tag = tenant.get(stalls, stagebook_min_position=str(stack.head())).headers["etag"]
    tenant.made(show.orders, show.order(2))
    tenant.send("PATCH", balcony, {"name": "Gallery"})
    found = tenant.get(stalls, stagebook_min_position=str(stack.head()))
    assert (found.headers["etag"], found.json()["quantity_reserved"]) == (tag, 2)
    assert tenant.send("PATCH", stalls, {"name": "Pit"}, if_match=tag).status_code == 200
    stale = tenant.send("PATCH", stalls, {"name": "Floor"}, if_match=tag)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")


def test_what_was_written_is_read_with_its_position(tenant: Tenant) -> None:
    venue = tenant.made("/v1/venues", {"name": "Hall 0", "capacity": 5})
    for number in range(1, 21):
        position = tenant.send("PATCH", f"/v1/venues/{venue['id']}", {"name": f"Hall {number}"}).json()["position"]
        assert tenant.row(f"/v1/venues/{venue['id']}", position)["name"] == f"Hall {number}"


def test_a_position_that_does_not_come_is_answered_503_with_retry_after(stack: Stack, tenant: Tenant) -> None:
    answer = tenant.get("/v1/venues", stagebook_min_position=str(stack.head() + 1_000_000))
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (503, "not_yet_projected", "1")


def test_a_batch_is_all_or_nothing(stack: Stack, tenant: Tenant) -> None:
    show = tenant.show({"quantity_total": 3})
    place = {"command": "place_order", "event_id": show.id}
    before = stack.sequence(tenant.founded["id"])
    refused = tenant.post("/v1/batch", {"commands": [place | show.order(2), place | show.order(2)]})
    assert (refused.status_code, refused.json()["code"]) == (409, "sold_out")
    assert refused.json()["errors"][0]["pointer"].startswith("/commands/1")
    assert stack.sequence(tenant.founded["id"]) == before
    done = tenant.made("/v1/batch", {"commands": [place | show.order(2), place | show.order(1)]})
    category = tenant.row(f"/v1/ticket-categories/{show.categories[0]}", done["position"])
    assert (len(done["replies"]), category["quantity_reserved"]) == (2, 3)


def test_a_batch_that_is_not_atomic_answers_each(tenant: Tenant) -> None:
    show = tenant.show({"quantity_total": 3})
    place = {"command": "place_order", "event_id": show.id}
    done = tenant.made("/v1/batch", {"atomic": False, "commands": [place | show.order(2), place | show.order(2)]})
    assert sorted(reply["status"] for reply in done["replies"]) == [201, 409]
    assert tenant.row(f"/v1/ticket-categories/{show.categories[0]}", done["position"])["quantity_reserved"] == 2


def test_t7_an_order_over_several_categories_holds_all_or_nothing(stack: Stack, tenant: Tenant) -> None:
    show = tenant.show({"quantity_total": 5}, {"name": "Balcony", "quantity_total": 1}, {"name": "Box", "quantity_total": 5})
    before = stack.sequence(tenant.founded["id"])
    refused = tenant.post(show.orders, show.order(3, 2, 3))
    assert (refused.status_code, refused.json()["code"]) == (409, "sold_out")
    assert stack.sequence(tenant.founded["id"]) == before
    order = tenant.made(show.orders, show.order(3, 1, 3))
    held = [tenant.row(f"/v1/ticket-categories/{id_}", order["position"])["quantity_reserved"] for id_ in show.categories]
    assert held == [3, 1, 3]
    tenant.made(f"/v1/orders/{order['id']}/cancel")
    held = [tenant.row(f"/v1/ticket-categories/{id_}", stack.head())["quantity_reserved"] for id_ in show.categories]
    assert held == [0, 0, 0]
