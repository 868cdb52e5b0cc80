"""`stagebook migrate` and `stagebook database-url`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from api.cli.surroundings import connected_settings
from infrastructure.logging import configure_logging


def migrate(*, data_dir: Path | None = None) -> None:
    """Bring the database to this program's schema and print the migrations that took.

    Parameters
    ----------
    data_dir
        Folder of the embedded database, which must be running; DATABASE_URL goes first. Default: .stagebook
    """
    from infrastructure.postgres.prepare import prepare

    settings = connected_settings(data_dir)
    configure_logging(settings.log_level)
    for name in asyncio.run(prepare(settings.database_url)).migrations:
        print(name)


def database_url(*, data_dir: Path | None = None) -> None:
    """Print the URL of the database, for psql and analysts' tools.

    Parameters
    ----------
    data_dir
        Folder of the embedded database, which must be running; DATABASE_URL goes first. Default: .stagebook
    """
    print(connected_settings(data_dir).database_url)
