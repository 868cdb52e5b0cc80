"""Telemetry that a test can set and look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from application.bus.statistics import Held
from infrastructure.telemetry.standing import Standing
from projections.runner.status import Status


def status(projection: str = "relational", **more: Any) -> Status:
    """A projection that is up to date."""
    fields: dict[str, Any] = {
        "projection": projection,
        "version": 1,
        "tables_version": 1,
        "state": "live",
        "owner": "worker",
        "head": 40,
        "position": 40,
        "lag_records": 0,
        "lag_seconds": 0.0,
        "parked": (),
    }
    return Status(**(fields | more))


@dataclass
class MemoryTelemetry:
    """`api.telemetry.Telemetry` in memory."""

    traces: None = None
    standing: Standing | Exception = field(default_factory=lambda: Standing([status(), status("deadlines")], {}, 0.0))
    holding: Held = field(default_factory=lambda: Held(0, 0, 4096, 0, 0, 0, 0))
    heard: list[tuple[str, int]] = field(default_factory=list)

    def answered(self, operation: str, status: int, seconds: float) -> None:
        assert seconds >= 0
        self.heard.append((operation, status))

    def held(self) -> Held:
        return self.holding

    async def condition(self) -> Standing:
        if isinstance(self.standing, Exception):
            raise self.standing
        return self.standing

    async def exposition(self) -> bytes:
        return b"stagebook_up 1\n"
