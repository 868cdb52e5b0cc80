"""`stagebook records`: the log as it is stored. Personal data stays sealed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import msgspec
from cyclopts import App, Parameter
from cyclopts.validators import Number

from api.cli.names import known_names
from api.cli.options import DataDir, Json
from api.cli.output import console, json_line, json_text
from api.cli.surroundings import connected_settings, run
from infrastructure.faults import Fault

if TYPE_CHECKING:
    from application.ports import Record
    from infrastructure.postgres.log import PostgresLog
    from infrastructure.postgres.search import Filter

app = App(name="records", help="Look at the log.")

_BATCH = 500
_WAIT_SECONDS = 5.0
_STYLES = ("cyan", "green", "magenta", "yellow", "blue", "bright_red")

Many = Annotated[int, Parameter(("--number", "-n"), validator=Number(gte=0, lte=100_000))]
Position = Annotated[int, Parameter(validator=Number(gte=1, lt=2**63))]


class NoSuchRecord(Fault):
    """The log has no record at this position."""

    exit_code = 1


@app.command
def tail(
    *,
    number: Many = 20,
    follow: Annotated[bool, Parameter(("--follow", "-f"), negative="", show_default=False)] = False,
    record_type: Annotated[tuple[str, ...], Parameter("--type", negative="", show_default=False)] = (),
    organization: UUID | None = None,
    stream: UUID | None = None,
    as_json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the last records, the newest at the end.

    Parameters
    ----------
    number
        How many.
    follow
        Then go on with new ones as they are appended, until Ctrl-C.
    record_type
        Only of this type: order.placed, or a pattern such as 'order.*'. May be given several times.
    organization
        Only of the organization with this id.
    stream
        Only of the stream with this id: of one Event, one order, one venue.
    """
    from infrastructure.postgres.search import Filter

    wanted = Filter(types=_types(record_type), organization_id=organization, stream_id=stream)
    run(_tail(connected_settings(data_dir).database_url, wanted, number, follow=follow, say=_whole_line if as_json else _short_line()))


@app.command
def show(position: Position, /, *, as_json: Json = False, data_dir: DataDir = None) -> None:
    """Print one record whole, as JSON.

    Parameters
    ----------
    position
        Its position in the log, from 1.
    """
    run(_show(connected_settings(data_dir).database_url, position, indented=not as_json))


def _types(patterns: tuple[str, ...]) -> list[str] | None:
    if not patterns:
        return None
    import domain.catalog  # noqa: F401  # registers the types
    from domain.aggregate import EVENT_TYPES

    return [name for pattern in patterns for name in known_names("record type", pattern, EVENT_TYPES)]


async def _tail(url: str, wanted: Filter, number: int, *, follow: bool, say: Callable[[Record], None]) -> None:
    from infrastructure.postgres.search import last_records

    async with _log(url) as log:
        position = await log.head()
        for record in await last_records(url, wanted, number):
            say(record)
            position = max(position, record.position)
        while follow:
            for record in await log.read(position, _BATCH):
                position = record.position
                if wanted.admits(record):
                    say(record)
            await log.wait(position, _WAIT_SECONDS)


async def _show(url: str, position: int, *, indented: bool) -> None:
    async with _log(url) as log:
        for record in await log.read(position - 1, 1):
            if record.position == position:
                print(json_text(_whole(record), indented=indented))
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


def _whole_line(record: Record) -> None:
    json_line(_whole(record))


def _short_line() -> Callable[[Record], None]:
    """Prints a record in columns; all that belongs to one kind of stream has one colour."""
    from zlib import crc32

    from rich.text import Text

    out = console()

    def say(record: Record) -> None:
        meta = msgspec.json.decode(record.meta)
        style = _STYLES[crc32(record.stream_type.encode()) % len(_STYLES)]
        parts = (
            (f"{record.position:>9}  ", "bold"),
            (f"{record.recorded_at.isoformat(' ', 'milliseconds')}  ", "dim"),
            (f"{record.type:<32}  ", style),
            f"{record.stream_id}  v{record.version:<5} ",
            (str(meta["actor"]), "dim"),
        )
        out.print(Text.assemble(*parts), soft_wrap=True)

    return say


def _whole(record: Record) -> dict[str, object]:
    stored = {"data": msgspec.Raw(record.data), "meta": msgspec.Raw(record.meta), "leaf_hash": record.leaf_hash.hex()}
    return {**record._asdict(), **stored}
