"""Application logs: one JSON object a line on standard error. Never personal data, never a secret."""

from __future__ import annotations

import logging
import sys
from typing import Any

import msgspec
import structlog

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure_logging(level: str) -> None:
    """Log from `level` on, with `timestamp` (ISO 8601, UTC), `level`, `event` and what is bound to the context, such as `correlation_id`.

    Bind with `structlog.contextvars.bound_contextvars(correlation_id=...)`. The standard library's loggers (of the web server,
    of drivers) are written the same way.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer(serializer=_json)],
        )
    )
    logging.basicConfig(handlers=[handler], level=LEVELS[level], force=True)


def _json(fields: dict[str, Any], **_: Any) -> str:
    return msgspec.json.encode(fields, enc_hook=repr).decode()
