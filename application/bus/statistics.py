"""Counts of what the bus did, for metrics and benchmarks."""

from __future__ import annotations


class Statistics:
    """Plain counters since the start of the process."""

    def __init__(self) -> None:
        self.committed = 0
        self.refused = 0
        self.replayed = 0
        self.conflicts = 0
        """Units that had to be decided again because another process was there first."""
        self.locked_rounds = 0
        self.batches = 0
        self.batched_units = 0
        self.append_seconds = 0.0

    def appended(self, units: int, seconds: float) -> None:
        """One append call: how many units, how long."""
        self.batches += 1
        self.batched_units += units
        self.append_seconds += seconds
