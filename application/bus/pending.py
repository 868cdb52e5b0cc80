"""What the parts of the bus hand to each other about one request."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from application.bus.messages import Outcome, Request
from application.bus.statistics import Times
from application.registry import CommandSpec, spec_of
from application.unit import Claimed
from domain.aggregate import DomainEvent


class Pending:
    """A request in the bus: from the queue to its answer."""

    __slots__ = ("answer", "attempt", "now", "request", "specs", "times", "tries")

    def __init__(self, request: Request, now: datetime, answer: asyncio.Future[Outcome], times: Times) -> None:
        self.request = request
        self.now = now
        """The command's time: every re-run has the same."""
        self.answer = answer
        self.times = times
        self.specs: Sequence[CommandSpec] = [spec_of(command) for command in request.commands]
        self.attempt = 0
        """How often a drawn unique key was taken."""
        self.tries = 0
        """How often it was decided and did not get into the log."""


Key: TypeAlias = bytes
"""A unique key as the log knows it: the keyed digest of its scope and text. The secret is its organization's, so it stands for that too."""


class KeyUse(NamedTuple):
    """A claim or release by a unit."""

    key: Key
    claimed: Claimed


class Happened(NamedTuple):
    """A domain event of a unit, with what its record's envelope needs besides."""

    event: DomainEvent
    stream_type: str
    command: str
