"""`stagebook serve` and `stagebook work`: one process each, as the supervisor, a container or a service manager starts them."""

from __future__ import annotations

from pathlib import Path

from api.cli.surroundings import connected_settings
from infrastructure.logging import configure_logging


def serve(*, data_dir: Path | None = None, host: str | None = None, port: int | None = None) -> None:
    """Run the API alone, on a migrated database, until SIGTERM.

    Parameters
    ----------
    data_dir
        Folder of the keys. Default: .stagebook
    host
        Address to listen on. Default: 127.0.0.1
    port
        TCP port. Default: 8080
    """
    from infrastructure.bootstrap import serve as run

    settings = connected_settings(data_dir).with_options(host=host, port=port).with_keys()
    configure_logging(settings.log_level)
    run(settings)


def work(*, data_dir: Path | None = None) -> None:
    """Run the projection worker alone, on a migrated database, until SIGTERM.

    Parameters
    ----------
    data_dir
        Folder of the keys. Default: .stagebook
    """
    from infrastructure.bootstrap import work as run

    settings = connected_settings(data_dir).with_keys()
    configure_logging(settings.log_level)
    run(settings)
