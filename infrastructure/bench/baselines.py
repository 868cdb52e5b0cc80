"""What the figures are compared with: other people's ways of writing events, and PostgreSQL's own fastest way in."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import asyncpg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event


class _Hold(Aggregate):
    """Two events a unit, as a hold has."""

    def __init__(self, email: str, name: str, quantity: int) -> None:
        self.email = email
        self.name = name
        self.quantity = quantity

    @event("Reserved")
    def reserve(self, quantity: int) -> None:
        self.quantity = quantity


def application_save(url: str, threads: int, events: int, *, units: int) -> float:
    """Events per second through `eventsourcing` `Application.save` with its own PostgreSQL module: one or two events a save."""
    parts = urlsplit(url)
    host = parse_qs(parts.query).get("host", [parts.hostname or "127.0.0.1"])[0]
    environment = {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": parts.path.lstrip("/"),
        "POSTGRES_HOST": host,
        "POSTGRES_PORT": str(parts.port or parse_qs(parts.query).get("port", ["5432"])[0]),
        "POSTGRES_USER": parts.username or "postgres",
        "POSTGRES_PASSWORD": parts.password or "",
        "POSTGRES_POOL_SIZE": str(threads),
        "POSTGRES_MAX_OVERFLOW": str(threads),
        "PATH": os.environ.get("PATH", ""),
    }
    application: Application[Any] = Application(env=environment)

    def save(count: int) -> None:
        for _ in range(count):
            hold = _Hold("ada@example.org", "Ada Lovelace", 2)
            if events > 1:
                hold.reserve(quantity=2)
            application.save(hold)

    try:
        save(5)
        started = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(save, [units // threads] * threads))
        return events * (units // threads) * threads / (time.perf_counter() - started)
    finally:
        application.close()


async def copy_records(url: str, rows: Sequence[Sequence[Any]], columns: Sequence[str]) -> float:
    """Rows per second by binary COPY into an empty twin of `log.records`, with its indexes, in one transaction."""
    connection = await asyncpg.connect(url)
    table = f"copy_{uuid4().hex}"
    try:
        await connection.execute(f"create table public.{table} (like log.records including indexes including constraints)")
        started = time.perf_counter()
        await connection.copy_records_to_table(table, schema_name="public", records=rows, columns=columns)
        return len(rows) / (time.perf_counter() - started)
    finally:
        await connection.execute(f"drop table if exists public.{table}")
        await connection.close()
