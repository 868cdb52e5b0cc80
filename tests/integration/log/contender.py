"""One of several processes that fight over a few streams; run by `test_contention`.

Every record says what its writer had read: the version of each stream, and the count that it raised. So whoever reads the
log afterwards can tell whether each decision was made on the state that it found.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from uuid import UUID

import asyncpg

from application.ports import Committed, Component, LogSession, Moved, Verdict
from infrastructure.postgres.log import PostgresLog
from tests.support.records import ORGANIZATION, OTHER_ORGANIZATION, component, record, unit

STREAMS = [UUID(int=(n << 64) + n) for n in range(1, 7)]


class ChangedItsMind(Exception):
    """Rolls a transaction back."""


class Contender:
    """Raises counters in turn, optimistically and under locks, and remembers what it was told."""

    def __init__(self, log: PostgresLog, name: int) -> None:
        self.log = log
        self.name = name
        self.written = 0
        self.tally: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self._random = random.Random(name)  # noqa: S311  # any mixture will do
        self._numbers = 0

    async def run(self, seconds: float) -> None:
        end = monotonic() + seconds
        while monotonic() < end:
            way = self._random.choice([self.optimistic, self.optimistic, self.locked, self.roll_back])
            try:
                await way()
            except asyncpg.PostgresError as error:
                self.errors[f"{type(error).__name__}: {error}"] += 1

    async def optimistic(self) -> None:
        """Read, think for a moment, append; two components that share no stream."""
        streams = self._random.sample(STREAMS, 4)
        decided = await self.decide(self.log, streams[:2], streams[2:])
        await asyncio.sleep(0)
        self.count(decided, await self.log.append(decided))

    async def locked(self) -> None:
        """Read and append with the streams locked. Who goes without locks can still come between."""
        streams = self._random.sample(STREAMS, 2)
        async with self.log.locked(streams) as session:
            decided = await self.decide(session, streams)
            verdicts = await session.append(decided)
        self.count(decided, verdicts)

    async def roll_back(self) -> None:
        """Append and take it back: nothing of it may ever be seen, and no position may stay empty."""
        streams = self._random.sample(STREAMS, 2)
        with suppress(ChangedItsMind):
            async with self.log.locked(streams) as session:
                await session.append(await self.decide(session, streams, marker="rolled back"))
                self.tally["rolled back"] += 1
                raise ChangedItsMind

    async def decide(self, session: LogSession, *pairs: Sequence[UUID], marker: str = "kept") -> list[Component]:
        """For each pair, raise the first stream's counter by two records; the second is only read."""
        loaded = await session.load(dict.fromkeys((stream for pair in pairs for stream in pair), 0))
        states = {each.stream_id: json.loads(each.data)["count"] for each in loaded.records}
        decided = []
        for written, read in pairs:
            reads = {written: states.get(written, 0), read: states.get(read, 0)}
            home = OTHER_ORGANIZATION if written.int % 2 else ORGANIZATION
            self._numbers += 1
            said = {
                "by": self.name,
                "number": self._numbers,
                "marker": marker,
                "reads": {str(stream): version for stream, version in reads.items()},
            }
            made = [
                record(written, reads[written] + n, organization=home, data=json.dumps({**said, "count": reads[written] + n}).encode())
                for n in (1, 2)
            ]
            decided.append(component(unit(*made), reads={read: reads[read]}))
        return decided

    def count(self, decided: Sequence[Component], verdicts: Sequence[Verdict]) -> None:
        for each, verdict in zip(decided, verdicts, strict=True):
            if isinstance(verdict, Committed):
                self.written += len(each.units[0].records)
            self.tally["moved" if isinstance(verdict, Moved) else type(verdict).__name__.lower()] += 1


async def main(url: str, name: str, seconds: str) -> None:
    """Say when ready, wait for the start, fight, report."""
    log = await PostgresLog.open(url, connections=2)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    contender = Contender(log, int(name))
    await contender.run(float(seconds))
    await log.close()
    print(json.dumps({"written": contender.written, "tally": contender.tally, "errors": contender.errors}), flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
