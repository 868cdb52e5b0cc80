"""Many processes on a few streams: no gap, no duplicate, nothing skipped, no update lost, every decision on what it read.

The same test is run on mutants of the append, each without one of its guards: there it must find a violation.
"""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from application.ports import Record
from infrastructure.postgres.log import PostgresLog

ROOT = Path(__file__).parents[3]
LOCK = "perform pg_advisory_xact_lock(1937006946, 1);"
CHECK = "where there.version is distinct from nullif(expected.version, 0);"
HEAD = "head := coalesce((select max(position) from log.records), 0);"


async def test_eight_processes_lose_and_skip_nothing(database_url: str) -> None:
    found, tally = await contend(database_url, processes=8, seconds=4)
    assert found == []
    assert tally["committed"] > 50
    assert tally["moved"] > 5
    assert tally["rolled back"] > 5


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({LOCK: ""}, "error"),
        ({CHECK: "where false;"}, "stale"),
        ({LOCK: "", HEAD: "head := nextval('log.mutant');"}, "gap"),
    ],
    ids=["no lock", "no check of the streams read", "a sequence in place of the lock"],
)
async def test_without_a_guard_a_violation_is_found(database_url: str, changes: dict[str, str], expected: str) -> None:
    await mutate(database_url, changes)
    found, _ = await contend(database_url, processes=4, seconds=2)
    assert expected in {violation.partition(":")[0] for violation in found}


async def mutate(url: str, changes: dict[str, str]) -> None:
    """Replace parts of the append in this database; each must be there once."""
    connection = await asyncpg.connect(url)
    source: str = await connection.fetchval("select pg_get_functiondef('log.append'::regproc)")
    for part, replacement in changes.items():
        assert source.count(part) == 1
        source = source.replace(part, replacement)
    await connection.execute("create sequence log.mutant increment 4 minvalue 0; grant usage on log.mutant to public")
    await connection.execute(source)
    await connection.close()


async def contend(url: str, *, processes: int, seconds: float) -> tuple[list[str], Counter[str]]:
    """Let the processes fight while a reader follows; violations found, and how often what happened."""
    log = await PostgresLog.open(url, connections=2)
    started = [await start(url, name, seconds) for name in range(processes)]
    for process in started:
        assert await line(process) == "ready\n"
    done = asyncio.Event()
    following = asyncio.create_task(follow(log, done))
    for process in started:
        assert process.stdin
        process.stdin.write(b"go\n")
    reports = [json.loads(await line(process)) for process in started]
    for process in started:
        await process.wait()
    done.set()
    followed = await following
    stored: list[Record] = list(await log.read(0, 1_000_000))
    await log.close()
    tally = sum((Counter(report["tally"]) for report in reports), Counter())
    return [*violations(stored, followed, reports)], tally


async def start(url: str, name: int, seconds: float) -> Process:
    command = [sys.executable, "-m", "tests.integration.log.contender", url, str(name), str(seconds)]
    return await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, cwd=ROOT)


async def line(process: Process) -> str:
    assert process.stdout
    async with asyncio.timeout(60):
        return (await process.stdout.readline()).decode()


async def follow(log: PostgresLog, done: asyncio.Event) -> list[int]:
    """Positions as a reader meets them who never looks back."""
    positions: list[int] = []
    while True:
        last_round = done.is_set()
        after = positions[-1] if positions else 0
        positions += [record.position for record in await log.read(after, 50)]
        if last_round and positions[-1:] in ([], [after]):
            return positions
        await log.wait(positions[-1] if positions else 0, 0.02)


def violations(stored: Sequence[Record], followed: Sequence[int], reports: Sequence[dict[str, Any]]) -> list[str]:
    """One line each; the word before the colon says of what kind."""
    found = [f"error: {error}" for report in reports for error in report["errors"]]
    positions = [record.position for record in stored]
    if positions != list(range(1, len(stored) + 1)):
        found.append(f"gap: {len(stored)} records end at position {positions[-1]}")
    if list(followed) != positions:
        found.append(f"skipped: the reader met {len(followed)} of {len(stored)} records")
    written = sum(report["written"] for report in reports)
    if written != len(stored):
        found.append(f"lost: {written} records were acknowledged, {len(stored)} are there")
    for organization in {record.organization_id for record in stored}:
        sequence = [record.organization_seq for record in stored if record.organization_id == organization]
        if sequence != list(range(1, len(sequence) + 1)):
            found.append(f"gap: in the sequence of {organization}")
    return [*found, *decisions(stored)]


def decisions(stored: Sequence[Record]) -> list[str]:
    """Replay the log: each unit's writer must have read the streams as they stand right before it."""
    found = []
    versions: Counter[UUID] = Counter()
    units = Counter[tuple[int, int]]()
    for record in stored:
        said = json.loads(record.data)
        unit = (said["by"], said["number"])
        if said["marker"] != "kept":
            found.append(f"resurrected: position {record.position} was rolled back")
        if not units[unit]:
            stale = {stream: version for stream, version in said["reads"].items() if versions[UUID(stream)] != version}
            found += [f"stale: position {record.position} rests on version {version} of {stream}" for stream, version in stale.items()]
        units[unit] += 1
        versions[record.stream_id] += 1
        if not versions[record.stream_id] == record.version == said["count"]:
            found.append(f"lost: position {record.position} has version {record.version} and count {said['count']}")
    return found + [f"torn: unit {unit} has {count} records" for unit, count in units.items() if count != 2]
