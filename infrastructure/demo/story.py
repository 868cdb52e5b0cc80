"""Telling the demo: each step once, however often it is told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TypeVar

from client import Command, Reply, Stagebook
from infrastructure.demo.begun import Begun
from infrastructure.demo.material import TIMEZONES

Answer = TypeVar("Answer", bound=Reply)


class Story:
    """The owner of the demo's organization, telling Stagebook what happens there."""

    def __init__(self, stagebook: Stagebook, begun: Begun) -> None:
        self._stagebook = stagebook
        self.begun = begun

    async def tell(self, step: str, command: Command[Answer]) -> Answer:
        """Do it, unless a step of this name was done before: then the answer is that of the first time."""
        key = f"demo: {step}".encode("ascii", "backslashreplace").decode()  # all that fits into a header
        return await self._stagebook.send(command, idempotency_key=key)

    @property
    def today(self) -> date:
        """The day on which the demo was begun."""
        return self.begun.at.date()

    def instant(self, *, days: float = 0) -> datetime:
        """So many days from the beginning of the demo, on the hour."""
        return self.begun.at.replace(minute=0, second=0, microsecond=0) + timedelta(days=days)

    @staticmethod
    def timezone_of(country: str | None) -> str:
        """An IANA time zone; UTC for what happens online."""
        return "UTC" if country is None else TIMEZONES[country]
