"""How late the event loop is: what every request and every batch waits for, whatever else they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from time import perf_counter
from typing import Final

from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from application.bus.statistics import Distribution
from infrastructure.telemetry.families import histogram

_EVERY_SECONDS: Final = 0.25


class LoopLag(Collector):
    """Sleeps again and again, and measures how much longer than asked for it took."""

    def __init__(self) -> None:
        self.late = Distribution()

    async def run(self) -> None:
        """Run until cancelled."""
        while True:
            due = perf_counter() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            self.late.add(max(0.0, perf_counter() - due))

    def collect(self) -> Iterator[Metric]:
        """For the registry."""
        yield histogram("event_loop_late_seconds", "How late the event loop woke up who slept, looked at four times a second", self.late)
