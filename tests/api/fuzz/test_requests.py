"""Requests that a generator makes up from the description, right ones and wrong ones: every answer is as described, and none is a fault.

`make fuzz` runs this for minutes, with another seed each time, and then follows the links with made-up requests as well.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.stack import Stack, Tenant

HERE = Path(__file__).parent
MINUTES = float(os.environ.get("STAGEBOOK_FUZZ_MINUTES", "0"))
QUICK = ("--seed", "1", "--phases", "examples,coverage,fuzzing")
# Deleting its organization would end the run: the walks along the links do that, in organizations of their own.
KEPT = ("--exclude-operation-id", "delete_organization")
PLATFORM = "create_organization,suspend_organization,resume_organization"


@pytest.mark.timeout(120 + MINUTES * 120)
def test_with_an_owners_key(stack: Stack, tenant: Tenant, tmp_path: Path) -> None:
    _fuzz(stack, tenant.key, tmp_path, 20, *KEPT)


@pytest.mark.timeout(60 + MINUTES * 60)
def test_with_the_platforms_key(stack: Stack, tmp_path: Path) -> None:
    _fuzz(stack, stack.platform_key, tmp_path, 6, *(f"--include-operation-id={name}" for name in PLATFORM.split(",")))


def _fuzz(stack: Stack, key: str, folder: Path, seconds: int, *arguments: str) -> None:
    """Run the generator; by default for so many seconds, the same requests each time."""
    budget = seconds if MINUTES == 0 else max(seconds, int(MINUTES * 60))
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml"), "run"]
    command += [f"{stack.url}/schema/openapi.json", "--no-color", "--max-time", str(budget), *(QUICK if MINUTES == 0 else ()), *arguments]
    environment = os.environ | {"STAGEBOOK_FUZZ_KEY": key, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
    run = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=budget + 90)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "passed" in run.stdout, run.stdout
