"""The kinds of operations. A new one is a function `async def run(work)` in a file of its own, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from api.endpoints import note
from api.operations import batch, export
from api.problems import problem_of
from application.bus.port import CommandBus
from application.ids import fresh_uuid7
from application.operations.model import Run
from application.reading import ReadStore
from application.registry import COMMANDS
from application.unit import AccessHook
from projections.schema import READ


def kinds(bus: CommandBus, reads: ReadStore, authorize: AccessHook) -> Mapping[str, Run]:
    """What does the work, by kind."""
    return {
        batch.KIND: batch.batch_run(COMMANDS, bus, fresh_uuid7),
        export.KIND: export.export_run(READ.tables, bus, reads, authorize),
    }


def problem_details(fault: Exception, correlation_id: str) -> dict[str, Any]:
    """What a failed operation shows of its fault, which is noted in the application's log."""
    problem = problem_of(fault, correlation_id=correlation_id)
    note(problem, fault, "operation")
    shown: dict[str, Any] = msgspec.to_builtins(problem, enc_hook=str)
    return shown
