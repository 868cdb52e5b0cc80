"""`commands`: PlaceOrder over HTTP, with key, idempotency key, personal data, and the projections running; beside a bare echo route."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from infrastructure.bench.festival import CUSTOMERS, Festival, open_festival
from infrastructure.bench.http_load import Load, Target, generator, load
from infrastructure.bench.report import Figure, Report, conditions
from infrastructure.bench.stack import System, free_port, running_bus, running_system, wait_for

_CONNECTIONS = (1, 32, 128)
_SECONDS = 6
_REPETITIONS = 3
_CATEGORIES = 64


async def run() -> Report:
    """Measure the whole system in its own process tree."""
    return await asyncio.to_thread(_run)


def _run() -> Report:
    placed: dict[int, list[Load]] = {connections: [] for connections in _CONNECTIONS}
    echoed: dict[int, list[Load]] = {connections: [] for connections in _CONNECTIONS}
    with running_system() as system, echo_server() as echo_url:
        target = orders_target(system, asyncio.run(open_sale(system)))
        load(target, 128, _SECONDS)  # persons' keys, plans, caches
        for _ in range(_REPETITIONS):
            for connections in _CONNECTIONS:
                time.sleep(1)
                placed[connections].append(load(target, connections, _SECONDS))
                time.sleep(1)
                echoed[connections].append(load(target._replace(url=echo_url), connections, _SECONDS))
    figures = []
    ratios = {}
    for connections in _CONNECTIONS:
        orders, echoes = placed[connections], echoed[connections]
        figures += [
            Figure(
                name=f"PlaceOrder, {connections} connections",
                unit="commands/s",
                values=[one.rate for one in orders],
                note=_refusals(orders),
            ),
            Figure(name=f"PlaceOrder, {connections} connections, p50", unit="ms", values=[one.p50 for one in orders]),
            Figure(name=f"PlaceOrder, {connections} connections, p99", unit="ms", values=[one.p99 for one in orders]),
            Figure(name=f"echo, {connections} connections", unit="requests/s", values=[one.rate for one in echoes], note="baseline"),
        ]
        ratios[f"PlaceOrder / echo, {connections} connections"] = figures[-4].median / figures[-1].median
    return Report(
        benchmark="commands",
        figures=figures,
        ratios=ratios,
        conditions=conditions(seconds=_SECONDS, repetitions=_REPETITIONS, categories=_CATEGORIES, customers=CUSTOMERS, load=generator()),
    )


def _refusals(loads: list[Load]) -> str:
    refused = sum(one.refused for one in loads)
    return f"{refused} refused" if refused else ""


async def open_sale(system: System) -> Festival:
    """What `orders_target` sells."""
    async with running_bus(system.settings) as (_, bus):
        return await open_festival(bus, _CATEGORIES)


def orders_target(system: System, festival: Festival) -> Target:
    """The route of orders: two tickets each, for returning customers, spread over the categories."""
    categories = [str(category) for category in festival.category_ids]
    listed = ", ".join(f'"{category}"' for category in categories)
    lua = (
        '\'{"customer_email":"customer\' .. (math.floor(n / ' + str(_CATEGORIES) + ") % " + str(CUSTOMERS) + ") .. "
        '\'@example.org","customer_name":"A Customer","lines":[{"quantity":2,"ticket_category_id":"\' .. '
        "({" + listed + "})[n % " + str(_CATEGORIES) + " + 1] .. '\"}]}'"
    )

    def body(n: int) -> str:
        customer, category = n // _CATEGORIES % CUSTOMERS, categories[n % _CATEGORIES]
        lines = f'[{{"quantity":2,"ticket_category_id":"{category}"}}]'
        return f'{{"customer_email":"customer{customer}@example.org","customer_name":"A Customer","lines":{lines}}}'

    headers = {"Authorization": f"Bearer {festival.owner_key}", "Content-Type": "application/json"}
    return Target(f"{system.url}/v1/events/{festival.event_id}/orders", headers, lua, body)


@contextmanager
def echo_server() -> Iterator[str]:
    """The URL of the bare route that orders are compared with."""
    port = free_port()
    with subprocess.Popen([sys.executable, "-m", "infrastructure.bench.echo", str(port)]) as process:  # our own module
        try:
            url = f"http://127.0.0.1:{port}/echo"
            wait_for(url)
            yield url
        finally:
            process.kill()
