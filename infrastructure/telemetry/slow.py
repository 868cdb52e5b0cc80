"""The log of slow commands: where their time went, never what was in them."""

from __future__ import annotations

from time import perf_counter

import structlog

from application.bus.bus import Watch
from application.bus.messages import Outcome, Request
from application.bus.statistics import Ending, Times, ending
from application.registry import spec_of

_logger = structlog.get_logger("stagebook.bus")


def all_of(*watches: Watch) -> Watch:
    """For the bus: each of these."""

    def watch(request: Request, times: Times, end: Ending) -> None:
        for each in watches:
            each(request, times, end)

    return watch


def slow_command_log(limit: float) -> Watch:
    """For the bus: one line for each unit of work that took longer than `limit` seconds."""

    def watch(request: Request, times: Times, end: Ending) -> None:
        total = perf_counter() - times.entered
        if total > limit:
            _log(request, times, end, total)

    return watch


def _log(request: Request, times: Times, end: Ending, total: float) -> None:
    outcome, code = ending(end)
    seconds = {
        "seconds": total,
        # In the queue, for what it read to be loaded, for the batch before it.
        "waiting": max(0.0, total - times.deciding - times.append),
        "deciding": times.deciding,
        "appending": times.append,
    }
    _logger.warning(
        "slow command",
        operation=operation(request),
        outcome=outcome,
        **({"code": code} if code else {}),
        **{name: round(value, 3) for name, value in seconds.items()},
        correlation_id=request.correlation_id,
        **({"position": end.position} if isinstance(end, Outcome) else {}),
    )


def operation(request: Request) -> str:
    """The command's name; of a unit of many commands, how many there are."""
    commands = request.commands
    return spec_of(commands[0]).name if len(commands) == 1 else f"unit of {len(commands)} commands"
