"""The settings that a command works with."""

from __future__ import annotations

from pathlib import Path

from infrastructure.faults import Fault
from infrastructure.postgres.embedded import running_url
from infrastructure.settings import Settings


class NoDatabase(Fault):
    """There is no database to work with."""


def connected_settings(data_dir: Path | None) -> Settings:
    """The settings with the URL of a database: `DATABASE_URL`, or that of the embedded server running on the data folder."""
    settings = Settings.load().with_options(data_dir=data_dir)
    url = settings.database_url or running_url(settings.data_dir)
    if url is None:
        message = f"no server runs on the data folder {settings.data_dir}: run `stagebook up`, or set DATABASE_URL"
        raise NoDatabase(message)
    return settings.with_options(database_url=url)
