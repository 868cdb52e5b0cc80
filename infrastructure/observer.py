"""What the projection runner has to tell, as log lines."""

from __future__ import annotations

import structlog

from projections.runner.park import Parked

_logger = structlog.get_logger("stagebook.projections")


class LoggingObserver:
    """`projections.runner.run.Observer` on the application log."""

    def advanced(self, projection: str, position: int, records: int) -> None:
        """A batch was committed."""
        _logger.debug("projected", projection=projection, position=position, records=records)

    def parked(self, projection: str, parked: Parked) -> None:
        """An organization was set aside: an alarm."""
        _logger.error("organization parked", projection=projection, **{name: str(value) for name, value in parked._asdict().items()})

    def interrupted(self, projection: str, error: Exception) -> None:
        """Something else than a record failed; it will be tried again."""
        _logger.warning("projection interrupted", projection=projection, error=f"{type(error).__name__}: {error}")

    def rebuilt(self, projection: str, position: int) -> None:
        """The tables were made anew."""
        _logger.info("projection rebuilt", projection=projection, position=position)
