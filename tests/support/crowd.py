"""Customers who order tickets over HTTP all the time, and do not let go of an order before it is answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import httpx
import psycopg

from tests.support.stack import PATIENCE, Show, Stack, Tenant

_AGAIN = 0.05
"""Seconds between a failed attempt and the next."""


@dataclass
class Crowd:
    """Keyed orders by many clients at once. Connection errors and 503 are answered by sending the same again."""

    show: Show
    urls: Sequence[str]
    tenant: Tenant
    acknowledged: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The answer to each key."""
    refused: int = 0
    retries: int = 0
    wrong: list[str] = field(default_factory=list)
    """Answers that nobody should ever get."""
    _stop: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def ordering(self, clients: int = 6) -> Iterator[None]:
        """They order while the block runs, and until each last order has got its answer."""
        with ThreadPoolExecutor(clients) as pool:
            running: list[Future[None]] = [pool.submit(self._order_on, number) for number in range(clients)]
            try:
                yield
            finally:
                self._stop.set()
            for each in running:
                each.result(2 * PATIENCE)
        assert not self.wrong

    def wait_for(self, more: int) -> None:
        """Until so many more orders are acknowledged: whatever happened, the system has recovered."""
        wanted = len(self.acknowledged) + more
        deadline = time.monotonic() + PATIENCE
        while len(self.acknowledged) < wanted:
            assert not self.wrong
            assert time.monotonic() < deadline, f"{len(self.acknowledged)} of {wanted} within {PATIENCE} seconds"
            time.sleep(_AGAIN)

    def check(self, stack: Stack) -> None:
        """Every acknowledged order is in the log once, under its number and key; and there is no other order."""
        with psycopg.connect(stack.database_url) as connection:
            whose = [self.tenant.founded["id"]]
            placed = connection.execute(
                "select stream_id::text from log.records where type = 'order.placed' and organization_id = %s", whose
            ).fetchall()
            lines = connection.execute("select count(*) from log.commands where organization_id = %s", whose).fetchone()
            rows = connection.execute("select id::text, order_number from read.orders where organization_id = %s", whose)
            numbers: dict[str, str] = dict(rows.fetchall())
        wanted = {answer["id"]: answer["order_number"] for answer in self.acknowledged.values()}
        assert sorted(id_ for (id_,) in placed) == sorted(wanted)
        assert len(wanted) == len(self.acknowledged) == len(set(wanted.values()))
        assert numbers == wanted
        assert lines == (len(self.acknowledged),)

    def _order_on(self, client: int) -> None:
        clients = [Tenant(url, self.tenant.key) for url in self.urls]
        try:
            number = 0
            while not self._stop.is_set():
                number += 1
                self._order(clients, f"client {client} order {number}", number)
        finally:
            for each in clients:
                each.__exit__()

    def _order(self, clients: Sequence[Tenant], key: str, number: int) -> None:
        body = self.show.order(1 + number % 2, customer_email=f"{key.replace(' ', '.')}@mail.example", customer_name="Some Body")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = _answer(clients[number % len(clients)], self.show.orders, body, key)
            if answer is not None and answer.status_code == HTTPStatus.CREATED:
                self.acknowledged[key] = answer.json()
                return
            if answer is not None and answer.json().get("code") == "sold_out":
                self.refused += 1
                return
            if answer is not None and not _comes_again(answer):
                self.wrong.append(answer.text)
                return
            if time.monotonic() > deadline:
                self.wrong.append(f"no answer to {key} within {PATIENCE} seconds")
                return
            self.retries += 1
            number += 1  # maybe another process answers
            time.sleep(_AGAIN)


def _answer(client: Tenant, path: str, body: object, key: str) -> httpx.Response | None:
    try:
        return client.post(path, body, idempotency_key=key)
    except httpx.TransportError:
        return None


def _comes_again(answer: httpx.Response) -> bool:
    """Whether the client is told to send the same once more."""
    return answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE or answer.json().get("code") == "idempotency_in_flight"
