"""T8 with two API processes on one database: everybody wants the same tickets, and exactly all of them are sold."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.support.crowd import Crowd
from tests.support.stack import Show, Stack, Tenant

CUSTOMERS = 8


def test_t8_two_apis_sell_one_hot_category_exactly_out(stack: Stack, tenant: Tenant, everything_is_right: Callable[[], None]) -> None:
    places = 20 * int(float(os.environ.get("STAGEBOOK_CHAOS_SECONDS", "10")))
    show = tenant.show({"quantity_total": places, "max_per_order": 3})
    with stack.another_api() as other_url, ThreadPoolExecutor(CUSTOMERS) as pool:
        urls = (stack.url, other_url)
        buying = [pool.submit(_buy_until_sold_out, urls[n % 2], tenant.key, show, n) for n in range(CUSTOMERS)]
        kept = [each.result(300) for each in buying]
        # What somebody gave back when the others had left already.
        kept += [_buy_until_sold_out(url, tenant.key, show, 0, gives_back=False) for url in urls]
    everything_is_right()
    category = tenant.row(f"/v1/ticket-categories/{show.categories[0]}", stack.head())
    sold, held = sum(sold for sold, _ in kept), sum(held for _, held in kept)
    assert (category["quantity_sold"], category["quantity_reserved"]) == (sold, held)
    assert sold + held == places
    assert min(sum(customer) for customer in kept[:CUSTOMERS]) > 0, "somebody starved"


def test_t8_two_apis_one_is_killed_while_both_sell(stack: Stack, tenant: Tenant, everything_is_right: Callable[[], None]) -> None:
    show = tenant.show({"quantity_total": 1_000_000})
    with stack.another_api() as other_url:
        crowd = Crowd(show, [stack.url, other_url], tenant)
        with crowd.ordering():
            crowd.wait_for(30)
            stack.kill("serve")
            crowd.wait_for(60)
    everything_is_right()
    crowd.check(stack)


def _buy_until_sold_out(url: str, key: str, show: Show, customer: int, *, gives_back: bool = True) -> tuple[int, int]:
    """Orders of one to three, every third confirmed, every fourth given back. How many places the customer has bought, and holds."""
    sold = held = turn = 0
    wanted = 3
    with Tenant(url, key) as client:
        while wanted:
            turn += 1
            answer = client.post(show.orders, show.order(wanted), idempotency_key=f"{url} {customer} {turn} {gives_back}")
            if not answer.is_success:
                assert answer.json()["code"] == "sold_out", answer.text
                wanted -= 1
                continue
            order = f"/v1/orders/{answer.json()['id']}"
            if turn % 3 == 0:
                client.made(f"{order}/confirm")
            if turn % 4 == 0 and gives_back:
                client.made(f"{order}/cancel")
            elif turn % 3 == 0:
                sold += wanted
            else:
                held += wanted
    return sold, held
