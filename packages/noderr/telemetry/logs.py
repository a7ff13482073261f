"""Structured logs: one JSON object a line, our own records and those of every library.

Each line has `timestamp` (UTC, ISO 8601), `level`, `event`, `logger`, `tier` and `version`, what the caller passed, and
what is bound to the current task: `request_id` (HTTP), `correlation_id` and `peer` (node to node), and `trace_id` and
`span_id` where traces are on.
"""

from __future__ import annotations

import json
import logging
from typing import TextIO

import structlog
from structlog.types import EventDict, Processor, WrappedLogger

from noderr.telemetry.errors import LogLevelError
from noderr.telemetry.redaction import plain

LEVELS = ("debug", "info", "warning", "error")

# Libraries that tell at "info" what our own records tell better.
_QUIET = ("asyncio", "grpc", "uvicorn.error")


def configure_logging(stream: TextIO, *, level: str, tier: str, version: str) -> None:
    """Send every log record of this process to `stream`. Raises `LogLevelError` for an unknown level."""
    if level not in LEVELS:
        raise LogLevelError(f"log level {level!r} does not exist: choose one of {', '.join(LEVELS)}")

    def node(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {"tier": tier, "version": version, **event}

    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        node,
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,  # So that tests can configure more than once.
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _render],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.captureWarnings(True)


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    # The last step, so that nothing gets in behind the redaction. The fields a reader looks for first come first.
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    return json.dumps(plain({**first, **event}), ensure_ascii=False)
