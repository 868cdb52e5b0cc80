"""`stagebook migrate` and `stagebook database-url`."""

from __future__ import annotations

from api.cli.options import DataDir, Json
from api.cli.output import json_line
from api.cli.surroundings import connected_settings, run
from infrastructure.logging import configure_logging


def migrate(*, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Bring the database to this program's schema and print the migrations that took."""
    from infrastructure.postgres.prepare import prepare

    settings = connected_settings(data_dir)
    configure_logging(settings.log_level)
    for name in run(prepare(settings.database_url)).migrations:
        json_line({"migration": name}) if as_json else print(name)


def database_url(*, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Print the URL of the database, for psql and analysts' tools."""
    url = connected_settings(data_dir).database_url
    json_line({"database_url": url}) if as_json else print(url)
