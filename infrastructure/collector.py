"""The cyclic garbage collector, kept out of the way of batches.

A batch holds a hundred thousand objects for some milliseconds and then lets nearly all of them go by reference count. The
collector's own timing would look through them once a batch (measured: a quarter of the API's time, for nothing), and through all cached
aggregates now and then. So it runs by the clock; what has survived a run is not looked at again.
"""

from __future__ import annotations

import asyncio
import gc
from typing import Final

_EVERY_SECONDS: Final = 300.0


def take_over() -> None:
    """Switch the automatic collector off. What start-up has made stays for good."""
    gc.disable()
    gc.collect()
    gc.freeze()


async def collect_by_the_clock() -> None:
    """Run until cancelled."""
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        gc.collect()
        gc.freeze()
