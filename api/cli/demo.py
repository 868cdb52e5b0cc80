"""`stagebook demo`."""

from __future__ import annotations

import asyncio
from pathlib import Path

from api.cli.surroundings import connected_settings
from infrastructure.logging import configure_logging


def demo(*, data_dir: Path | None = None) -> None:
    """Load an example organization and print its owner's API key.

    Parameters
    ----------
    data_dir
        Folder of the keys and of the embedded database, which must be running. Default: .stagebook
    """
    from infrastructure.bootstrap import load_demo

    settings = connected_settings(data_dir).with_keys()
    configure_logging(settings.log_level)
    print(asyncio.run(load_demo(settings)))
