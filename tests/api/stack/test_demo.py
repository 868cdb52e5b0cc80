"""The demo: a company worth looking at, however often its loading was interrupted."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import msgspec
import psycopg
import pytest

from client import Row, Stagebook, rows
from infrastructure.demo import begun
from infrastructure.demo.begun import Begun, Company
from infrastructure.demo.company import founding
from infrastructure.demo.material import conferences
from infrastructure.postgres.embedded import running_url
from tests.support.stack import PATIENCE, Stack, announced_by, children_of, start, until

HALF_WAY = 200
"""Records, of about 430."""


class Resumed(NamedTuple):
    """A system whose demo was interrupted at its first start, and completed at the second."""

    stack: Stack
    kept: Begun
    """What the first start left behind."""


@pytest.fixture(scope="module")
def resumed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resumed]:
    """`stagebook up --demo`, whose demo is killed in the middle, and started again."""
    data_dir = tmp_path_factory.mktemp("demo") / "data"
    with data_dir.with_suffix(".log").open("ab") as errors:
        first = start(data_dir, errors, demo=True)
        assert first.stdout is not None
        until(lambda: begun.is_unfinished(data_dir) and records(data_dir) > HALF_WAY)
        kept = begun.read(data_dir, datetime.now(UTC))
        (demo,) = [pid for pid in children_of(first.pid) if b"demo" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")]
        os.kill(demo, signal.SIGKILL)
        first.communicate(timeout=PATIENCE)
        assert first.returncode == 1
        assert kept is not None
        process = start(data_dir, errors, demo=True)
        try:
            announced = announced_by(process)
            yield Resumed(Stack(data_dir, process, announced, announced.platform_key or ""), kept)
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)


@pytest.fixture(scope="module")
def uninterrupted(resumed: Resumed, tmp_path_factory: pytest.TempPathFactory) -> Company:
    """Another company in the same system, loaded in one go."""
    return load(resumed.stack, tmp_path_factory.mktemp("in-one-go"))


def records(data_dir: Path) -> int:
    """How many there are in the log."""
    url = running_url(data_dir)
    assert url is not None
    with psycopg.connect(url) as connection:
        row = connection.execute("select count(*) from log.records").fetchone()
    return 0 if row is None else int(row[0])


def load(stack: Stack, folder: Path) -> Company:
    """`stagebook demo` to its end."""
    arguments = ("--url", stack.url, "--platform-key", stack.platform_key, "--data-dir", str(folder), "--json")
    done = stack.command("demo", *arguments)
    assert done.returncode == 0, done.stderr
    return msgspec.json.decode(done.stdout, type=Company)


async def inventory(url: str, key: str) -> dict[str, Counter[str]]:
    """What there is of every table, by status; without what a minute brings by itself."""
    async with Stagebook(url, key) as stagebook:
        return {
            kind.TABLE: Counter([_kind_of(row) async for row in stagebook.list(kind) if _kind_of(row)]) for kind in Row.__subclasses__()
        }


def _kind_of(row: Row) -> str:
    if isinstance(row, rows.Order):
        return row.order_status.replace("expired", "pending")
    if isinstance(row, rows.StatusChange):
        return "" if row.to_status == "expired" else f"{row.entity} {row.to_status}"
    return str(getattr(row, "status", "there"))


def test_the_key_of_the_interrupted_start_is_the_owners_key(resumed: Resumed) -> None:
    assert resumed.stack.announced.owner_key == resumed.kept.owner_key
    assert not begun.is_unfinished(resumed.stack.data_dir)


async def test_a_demo_that_was_interrupted_is_the_same_in_the_end(resumed: Resumed, uninterrupted: Company) -> None:
    taken_up = await inventory(resumed.stack.url, resumed.kept.owner_key or "")
    assert taken_up == await inventory(resumed.stack.url, uninterrupted.owner_key)
    assert taken_up["events"].total() == len(conferences())


@pytest.mark.parametrize("kind", Row.__subclasses__(), ids=lambda kind: kind.__name__)
async def test_every_table_has_something_to_look_at(resumed: Resumed, uninterrupted: Company, kind: type[Row]) -> None:
    async with Stagebook(resumed.stack.url, uninterrupted.owner_key) as stagebook:
        assert (await stagebook.page(kind, limit=1)).data


async def test_everything_is_in_every_state_that_it_can_be_in(resumed: Resumed, uninterrupted: Company) -> None:
    found = await inventory(resumed.stack.url, uninterrupted.owner_key)
    assert set(found["events"]) == {"planning", "confirmed", "live", "completed", "postponed", "cancelled"}
    assert set(found["orders"]) == {"pending", "confirmed", "cancelled"}
    assert set(found["users"]) == {"active", "deactivated"}


async def test_what_is_to_come_lies_in_the_future_and_no_person_is_real(resumed: Resumed, uninterrupted: Company) -> None:
    async with Stagebook(resumed.stack.url, uninterrupted.owner_key) as stagebook:
        events = [event async for event in stagebook.list(rows.Event)]
        addresses = [user.email or "" async for user in stagebook.list(rows.User)]
        addresses += [order.customer_email async for order in stagebook.list(rows.Order) if order.customer_email is not None]
    now = datetime.now(UTC)
    assert all(event.starts_at > now for event in events if event.status not in ("live", "completed"))
    assert [event.name for event in events if event.starts_at < now < event.ends_at and event.status == "live"] == ["FOSS Backstage"]
    assert all(address.endswith(".example") for address in addresses)


async def test_an_organization_whose_key_was_lost_is_founded_anew(resumed: Resumed, tmp_path: Path) -> None:
    lost = uuid4()
    async with Stagebook(resumed.stack.url, resumed.stack.platform_key) as platform:
        await platform.send(msgspec.structs.replace(founding(), id=lost), idempotency_key=f"demo: {lost}")
    begun.keep(tmp_path, Begun(organization_id=lost, at=datetime.now(UTC)))
    assert UUID(load(resumed.stack, tmp_path).organization_id) != lost
    assert not begun.is_unfinished(tmp_path)


def test_without_an_api_it_says_so_in_one_line(stack: Stack, tmp_path: Path) -> None:
    done = stack.command("demo", "--url", "http://127.0.0.1:1", "--platform-key", "sbp_x", "--data-dir", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.startswith(b"stagebook: no answer from http://127.0.0.1:1: ")
    assert done.stderr.count(b"\n") == 1


def test_without_the_platform_key_it_says_so_in_one_line(stack: Stack, tmp_path: Path) -> None:
    none = stack.command("demo", "--url", stack.url, "--data-dir", str(tmp_path))
    assert none.returncode == 2
    assert none.stderr == b"stagebook: the demo needs the platform key: --platform-key, or STAGEBOOK_PLATFORM_KEY\n"
    wrong = stack.command("demo", "--url", stack.url, "--data-dir", str(tmp_path), "--platform-key", "sbp_wrong")
    assert (wrong.returncode, wrong.stdout) == (1, b"")
    assert wrong.stderr.startswith(b"stagebook: the demo was not loaded: 401 unauthenticated")
