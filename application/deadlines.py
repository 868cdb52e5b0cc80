"""Deadlines: the policy that says which command a due deadline sends.

The command decides whether the time has come, so sending it twice or too early does no harm: it is refused, and what
else ended the subject has removed the deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal
from uuid import UUID

from application.registry import Command
from application.ticketing.orders import ExpireOrder

DeadlineKind = Literal["hold"]

_COMMANDS: dict[DeadlineKind, Callable[[UUID], Command]] = {
    "hold": lambda order_id: ExpireOrder(order_id=order_id),
}


def command_for(kind: DeadlineKind, subject_id: UUID) -> Command:
    """The command that a deadline of this kind sends about its subject."""
    return _COMMANDS[kind](subject_id)


def idempotency_key(kind: DeadlineKind, subject_id: UUID) -> str:
    """The key of that command: a deadline has one effect however often it is sent."""
    return f"deadline:{kind}:{subject_id}"
