"""`stagebook up`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import Parameter

from infrastructure.logging import configure_logging
from infrastructure.settings import Settings

if TYPE_CHECKING:
    from infrastructure.supervisor import Started


def up(
    *,
    data_dir: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    demo: bool = False,
    as_json: Annotated[bool, Parameter("--json", negative="")] = False,
) -> None:
    """Start everything: PostgreSQL, migrations, the API, the worker. Ctrl-C ends it.

    The first start prints the platform key, which may make organizations, once.

    Parameters
    ----------
    data_dir
        Folder of the database and the keys; made at the first start. Default: .stagebook
    host
        Address that the API listens on. Default: 127.0.0.1
    port
        Its TCP port. Default: 8080
    demo
        When the log is still empty, load an example organization and print its owner's key.
    as_json
        Once everything is ready, print one line of JSON on standard output, in place of the summary.
    """
    from infrastructure.supervisor import Supervisor

    settings = Settings.load().with_options(data_dir=data_dir, host=host, port=port)
    configure_logging(settings.log_level)
    # -P: a folder named `api` below the present one is not ours.
    program = [sys.executable, "-P", "-m", "api.cli.main"]
    Supervisor(settings, program=program, demo=demo, announce=print_json if as_json else print_summary).run()


def print_json(started: Started) -> None:
    """Print one line for machines."""
    print(msgspec.json.encode(started).decode(), flush=True)


def print_summary(started: Started) -> None:
    """Print what a person needs next."""
    keys = [("Platform key", started.platform_key), ("Owner key", started.owner_key)]
    lines = [("API", f"{started.url}/v1"), ("Documentation", started.docs_url), ("Database", started.database_url)]
    lines += [(name, f"{key}  (shown this once)") for name, key in keys if key]
    print("\nStagebook is ready. Ctrl-C ends it.\n", *(f"  {name:<15}{text}" for name, text in lines), "", sep="\n", flush=True)
