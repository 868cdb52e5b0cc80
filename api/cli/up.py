"""`stagebook up`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
    demo: Annotated[bool, Parameter(show_default=False)] = False,
    as_json: Annotated[bool, Parameter("--json", negative="", show_default=False)] = False,
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
    with _steps(quiet=as_json) as (on_step, end):

        def announce(started: Started) -> None:
            end()
            print_json(started) if as_json else print_summary(started)

        Supervisor(settings, program=program, demo=demo, announce=announce, on_step=on_step).run()


@contextmanager
def _steps(*, quiet: bool) -> Iterator[tuple[Callable[[str], None], Callable[[], None]]]:
    """Show on a terminal what the start is about, until it ends: to be told of each step, and of the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda _step: None, lambda: None
        return
    from rich.console import Console

    with Console(stderr=True).status("starting") as line:
        yield lambda step: line.update(f"{step} …"), line.stop


def print_json(started: Started) -> None:
    """Print one line for machines."""
    print(msgspec.json.encode(started).decode(), flush=True)


def print_summary(started: Started) -> None:
    """Print what a person needs next."""
    keys = [("Platform key", started.platform_key), ("Owner key", started.owner_key)]
    lines = [("API", f"{started.url}/v1"), ("Documentation", started.docs_url), ("Database", started.database_url)]
    lines += [(name, f"{key}  (shown this once)") for name, key in keys if key]
    print("\nStagebook is ready. Ctrl-C ends it.\n", *(f"  {name:<15}{text}" for name, text in lines), "", sep="\n", flush=True)
