"""What the projection runner has to tell, as log lines."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from application.ports import Record
from projections.runner.park import Parked
from projections.runner.run import Observer

_logger = structlog.get_logger("stagebook.projections")


class LoggingObserver:
    """`projections.runner.run.Observer` on the application log."""

    def advanced(self, projection: str, records: Sequence[Record], seconds: float) -> None:
        """A batch was committed."""
        _logger.debug("projected", projection=projection, position=records[-1].position, records=len(records), seconds=round(seconds, 3))

    def parked(self, projection: str, parked: Parked) -> None:
        """An organization was set aside: an alarm."""
        _logger.error("organization parked", projection=projection, **{name: str(value) for name, value in parked._asdict().items()})

    def interrupted(self, projection: str, error: Exception) -> None:
        """Something else than a record failed; it will be tried again."""
        _logger.warning("projection interrupted", projection=projection, error=f"{type(error).__name__}: {error}")

    def rebuilt(self, projection: str, position: int) -> None:
        """The tables were made anew."""
        _logger.info("projection rebuilt", projection=projection, position=position)


class Observers:
    """`projections.runner.run.Observer` that tells several."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def advanced(self, projection: str, records: Sequence[Record], seconds: float) -> None:
        """A batch was committed."""
        for observer in self._observers:
            observer.advanced(projection, records, seconds)

    def parked(self, projection: str, parked: Parked) -> None:
        """An organization was set aside: an alarm."""
        for observer in self._observers:
            observer.parked(projection, parked)

    def interrupted(self, projection: str, error: Exception) -> None:
        """Something else than a record failed; it will be tried again."""
        for observer in self._observers:
            observer.interrupted(projection, error)

    def rebuilt(self, projection: str, position: int) -> None:
        """The tables were made anew."""
        for observer in self._observers:
            observer.rebuilt(projection, position)
