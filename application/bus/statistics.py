"""What the bus did so far and holds at present, as plain numbers: for metrics, the slow-command log, traces and benchmarks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from time import perf_counter
from typing import Final, NamedTuple, TypeAlias

from application.bus.messages import Busy, Outcome, Unavailable
from application.registry import Command
from domain.refusals import Refusal

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_UNITS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)

Ending: TypeAlias = Outcome | Exception
"""What became of a request."""

Ended: TypeAlias = tuple[type[Command], str, str]
"""A command, how it ended (see `ending`), and the code of the refusal if it was one."""


class Distribution:
    """How often a measure fell into which range. Ranges end at `bounds`, which belong to them; the last one has no end."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Iterable[float] = _SECONDS) -> None:
        """By default the ranges are those of seconds that a request may take."""
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def add(self, value: float) -> None:
        """One more."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value


class Times:
    """When what happened to a unit, on the clock of `time.perf_counter`; 0.0 is never. Of units that were decided again, the last try."""

    __slots__ = ("appended", "appending", "began", "decided", "entered")

    def __init__(self) -> None:
        self.entered = perf_counter()
        self.began = self.decided = self.appending = self.appended = 0.0

    @property
    def deciding(self) -> float:
        """Seconds that its handlers and its encoding took."""
        return self.decided - self.began if self.decided else 0.0

    @property
    def append(self) -> float:
        """Seconds that the log took for the batch that it was part of."""
        return self.appended - self.appending


class Held(NamedTuple):
    """What a bus has in its hands at present, and how often the cache had what it was asked for."""

    waiting: int
    """Units in the queue."""
    open: int
    """Units that have no answer yet; the queue is full when they are `limit`."""
    limit: int
    aggregates: int
    """In the cache."""
    person_keys: int
    """Of persons whose key is known to be current."""
    hits: int
    misses: int


class Statistics:
    """Plain counters since the start of the process."""

    def __init__(self) -> None:
        self.ended: dict[Ended, int] = {}
        self.committed = 0
        self.refused = 0
        self.replayed = 0
        self.conflicts = 0
        """Units that had to be decided again because another process was there first."""
        self.locked_rounds = 0
        self.batches = 0
        self.batched_units = 0
        self.append_seconds = 0.0
        self.batch_sizes = Distribution(_UNITS)
        self.append_times = Distribution()

    def appended(self, units: int, seconds: float) -> None:
        """One append call: how many units, how long."""
        self.batches += 1
        self.batched_units += units
        self.append_seconds += seconds
        self.batch_sizes.add(units)
        self.append_times.add(seconds)

    def answered(self, commands: Iterable[Command], end: Ending) -> None:
        """One request, each of its commands counted."""
        how, code = ending(end)
        for command in commands:
            key = (type(command), how, code)
            self.ended[key] = self.ended.get(key, 0) + 1


def ending(end: Ending) -> tuple[str, str]:
    """How a request ended, in a word, and the code of the refusal if it was one."""
    match end:
        case Outcome():
            return ("replayed" if end.replayed else "committed"), ""
        case Refusal():
            return "refused", end.code
        case Busy():
            return "busy", ""
        case Unavailable():
            return "unavailable", ""
        case _:
            return "fault", ""
