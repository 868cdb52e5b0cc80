"""`stagebook records`: the log as it is stored. Personal data stays sealed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
from cyclopts import App, Parameter

from api.cli.output import json_line
from api.cli.surroundings import connected_settings
from infrastructure.faults import Fault

if TYPE_CHECKING:
    from application.ports import Record
    from infrastructure.postgres.log import PostgresLog

app = App(name="records", help="Look at the log.")

Json = Annotated[bool, Parameter("--json", negative="")]
_BATCH = 500
_WAIT_SECONDS = 5.0


class NoSuchRecord(Fault):
    """The log has no record at this position."""

    exit_code = 1


@app.command
def tail(*, number: int = 20, follow: bool = False, as_json: Json = False, data_dir: Path | None = None) -> None:
    """Print the last records.

    Parameters
    ----------
    number
        How many.
    follow
        Then go on with new ones as they are appended, until Ctrl-C.
    as_json
        One JSON object a line.
    data_dir
        Folder of the embedded database, which must be running; DATABASE_URL goes first. Default: .stagebook
    """
    asyncio.run(_tail(connected_settings(data_dir).database_url, number, follow=follow, as_json=as_json))


@app.command
def show(position: int, /, *, data_dir: Path | None = None) -> None:
    """Print one record whole, as JSON.

    Parameters
    ----------
    position
        Its position in the log, from 1.
    data_dir
        Folder of the embedded database, which must be running; DATABASE_URL goes first. Default: .stagebook
    """
    asyncio.run(_show(connected_settings(data_dir).database_url, position))


async def _tail(url: str, number: int, *, follow: bool, as_json: bool) -> None:
    async with _log(url) as log:
        head = await log.head()
        position = max(0, head - number)
        while position < head or follow:
            for record in await log.read(position, _BATCH):
                position = record.position
                json_line(_whole(record)) if as_json else print(_line(record), flush=True)
            if follow:
                await log.wait(position, _WAIT_SECONDS)


async def _show(url: str, position: int) -> None:
    async with _log(url) as log:
        for record in await log.read(position - 1, 1):
            if record.position == position:
                print(msgspec.json.format(msgspec.json.encode(_whole(record))).decode())
                return
    message = f"the log has no record at position {position}"
    raise NoSuchRecord(message)


@asynccontextmanager
async def _log(url: str) -> AsyncIterator[PostgresLog]:
    from infrastructure.postgres.log import PostgresLog

    log = await PostgresLog.open(url, connections=1)
    try:
        yield log
    finally:
        await log.close()


def _line(record: Record) -> str:
    meta = msgspec.json.decode(record.meta)
    time = record.recorded_at.isoformat(timespec="milliseconds")
    return f"{record.position:>9}  {time}  {record.type:<32}  {record.stream_id}  v{record.version:<5} {meta['actor']}"


def _whole(record: Record) -> dict[str, object]:
    stored = {"data": msgspec.Raw(record.data), "meta": msgspec.Raw(record.meta), "leaf_hash": record.leaf_hash.hex()}
    return {**record._asdict(), **stored}
