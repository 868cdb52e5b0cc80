"""However the supervisor ends, nothing that it started stays behind."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.support.stack import alive, announced_by, children_of, start, until

PATIENCE_WITH_A_CHILD = 9.0
"""Seconds; the supervisor kills after ten."""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_child_outlives_the_supervisor(tmp_path: Path, sent: signal.Signals) -> None:
    with (tmp_path / "log").open("wb") as errors:
        process = start(tmp_path / "data", errors)
        try:
            announced_by(process)
            children = set(children_of(process.pid))
            everybody = children | {grandchild for child in children for grandchild in children_of(child)}
            assert len(children) == 3
            assert len(everybody) > 3  # PostgreSQL has processes of its own
            asked = time.monotonic()
            os.kill(process.pid, sent)
            process.communicate(timeout=30)
            until(lambda: not alive(everybody), seconds=20)
            assert time.monotonic() - asked < PATIENCE_WITH_A_CHILD, "a child did not end by itself"
        finally:
            process.kill()
            process.communicate(timeout=30)
    assert process.returncode == (0 if sent is not signal.SIGKILL else -signal.SIGKILL)
