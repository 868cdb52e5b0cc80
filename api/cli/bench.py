"""`stagebook bench`."""

from __future__ import annotations

import asyncio
from typing import Annotated

from cyclopts import Parameter

from api.cli.output import show
from infrastructure.settings import Settings


def bench(name: str = "all", /, *, as_json: Annotated[bool, Parameter("--json", negative="")] = False) -> None:
    """Run a benchmark on a database of its own and print the rates that it measured.

    Parameters
    ----------
    name
        Which one; `all` for one after the other.
    as_json
        One JSON object a line.
    """
    from infrastructure import bootstrap

    show(asyncio.run(bootstrap.bench(Settings.load(), name)), as_json=as_json)
