"""Application logs."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
import structlog

from infrastructure.logging import configure_logging


@pytest.fixture
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def _lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    captured = capsys.readouterr()
    assert captured.out == ""
    return [msgspec.json.decode(line) for line in captured.err.splitlines()]


@pytest.mark.usefixtures("_restored")
def test_a_log_line_is_json_on_standard_error_with_utc_time_level_and_correlation(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    with structlog.contextvars.bound_contextvars(correlation_id="c-1"):
        structlog.get_logger("test").warning("slow", seconds=3, error=ValueError("x"))
    (line,) = _lines(capsys)
    assert (line["event"], line["level"], line["correlation_id"], line["seconds"]) == ("slow", "warning", "c-1", 3)
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)


@pytest.mark.usefixtures("_restored")
def test_the_standard_librarys_loggers_are_written_the_same_way(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    with structlog.contextvars.bound_contextvars(correlation_id="c-2"):
        logging.getLogger("driver").error("lost %s", "connection")
    (line,) = _lines(capsys)
    assert (line["event"], line["logger"], line["level"], line["correlation_id"]) == ("lost connection", "driver", "error", "c-2")


@pytest.mark.usefixtures("_restored")
def test_what_is_below_the_level_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("error")
    structlog.get_logger("test").warning("hidden")
    logging.getLogger("driver").warning("hidden")
    assert _lines(capsys) == []


@pytest.mark.usefixtures("_restored")
def test_an_exception_is_part_of_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("info")
    try:
        raise ValueError("boom")  # noqa: EM101, TRY301  # the thing under test
    except ValueError:
        structlog.get_logger("test").exception("failed")
    (line,) = _lines(capsys)
    assert "ValueError: boom" in line["exception"]
