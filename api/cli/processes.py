"""`stagebook serve` and `stagebook work`: one process each, as the supervisor, a container or a service manager starts them."""

from __future__ import annotations

from api.cli.options import DataDir
from api.cli.surroundings import connected_settings, reachable_database
from infrastructure.logging import configure_logging


def serve(*, data_dir: DataDir = None, host: str | None = None, port: int | None = None) -> None:
    """Run the API alone, on a migrated database, until SIGTERM.

    Parameters
    ----------
    host
        Address to listen on. Default: 127.0.0.1
    port
        TCP port. Default: 8080
    """
    from infrastructure.bootstrap import serve as run

    settings = connected_settings(data_dir).with_options(host=host, port=port).with_keys()
    configure_logging(settings.log_level)
    with reachable_database():
        run(settings)


def work(*, data_dir: DataDir = None) -> None:
    """Run the projection worker alone, on a migrated database, until SIGTERM."""
    from infrastructure.bootstrap import work as run

    settings = connected_settings(data_dir).with_keys()
    configure_logging(settings.log_level)
    with reachable_database():
        run(settings)
