"""`stagebook projections`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from api.cli.output import show
from api.cli.surroundings import connected_settings

app = App(name="projections", help="Look at the read models, check them, retry what was parked.")

Json = Annotated[bool, Parameter("--json", negative="")]


@app.command
def status(*, as_json: Json = False, data_dir: Path | None = None) -> None:
    """Print how far each projection is, and what it has parked.

    Parameters
    ----------
    as_json
        One JSON object a line.
    data_dir
        Folder of the embedded database, which must be running; DATABASE_URL goes first. Default: .stagebook
    """
    from infrastructure.bootstrap import projection_status

    show(asyncio.run(projection_status(connected_settings(data_dir).with_keys())), as_json=as_json)


@app.command
def verify(*, as_json: Json = False, data_dir: Path | None = None) -> int:
    """Replay the log beside the live read models and compare every table. Exit code 1 when one differs.

    Parameters
    ----------
    as_json
        One JSON object a line.
    data_dir
        Folder of the embedded database, which must be running; DATABASE_URL goes first. Default: .stagebook
    """
    from infrastructure.bootstrap import verify_projections

    tables = asyncio.run(verify_projections(connected_settings(data_dir).with_keys()))
    show(tables, as_json=as_json)
    return 0 if all(table["equal"] for table in tables) else 1


@app.command
def retry(*, as_json: Json = False, data_dir: Path | None = None) -> None:
    """Apply again, in order, what was parked, and print what is parked still.

    Parameters
    ----------
    as_json
        One JSON object a line.
    data_dir
        Folder of the embedded database, which must be running; DATABASE_URL goes first. Default: .stagebook
    """
    from infrastructure.bootstrap import retry_projections

    show(asyncio.run(retry_projections(connected_settings(data_dir).with_keys())), as_json=as_json)
