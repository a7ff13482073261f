from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import structlog
from pydantic import BaseModel, SecretBytes, SecretStr

from noderr.telemetry import LogLevelError, configure_logging


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(stream, level="info", tier="oracle", version="1.2.3")
    yield stream
    logging.captureWarnings(False)
    root.handlers[:], root.level = before
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_one_object_a_line_with_the_agreed_fields(stream: io.StringIO) -> None:
    structlog.get_logger("noderr.core").info("node_started", port=3002, text="two\nlines")
    structlog.get_logger("noderr.core").warning("second")
    first, second = lines(stream)
    assert first["event"] == "node_started"
    assert first["level"] == "info"
    assert first["logger"] == "noderr.core"
    assert (first["tier"], first["version"], first["port"], first["text"]) == ("oracle", "1.2.3", 3002, "two\nlines")
    when = datetime.fromisoformat(first["timestamp"])
    assert when.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - when) < timedelta(minutes=1)
    assert second["level"] == "warning"


def test_secrets_are_redacted_by_type_wherever_they_stand(stream: io.StringIO) -> None:
    class Settings(BaseModel):
        token: SecretStr

    secret = SecretStr("hunter2")
    structlog.get_logger().info(
        "secrets",
        plainly=secret,
        nested={"deep": [{"er": secret}], "raw": SecretBytes(b"hunter2")},
        settings=Settings(token=secret),
        key=b"hunter2",
        tupled=(1, {secret}),
    )
    logging.getLogger("library").warning("has %s", secret)
    assert "hunter2" not in stream.getvalue()
    assert lines(stream)[0]["plainly"] == "**redacted**"
    assert lines(stream)[0]["key"] == "<7 bytes>"


def test_records_and_warnings_of_libraries_are_json_too(stream: io.StringIO) -> None:
    logging.getLogger("some.library").error("broken %s", "pipe")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
    record, warning = lines(stream)
    assert (record["event"], record["level"], record["tier"]) == ("broken pipe", "error", "oracle")
    assert "old call" in warning["event"]


def test_exception_is_one_line(stream: io.StringIO) -> None:
    try:
        raise ValueError("wrong\nvalue")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = lines(stream)
    assert "ValueError: wrong\nvalue" in line["exception"]


def test_values_that_json_lacks_do_not_break_the_line(stream: io.StringIO) -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    structlog.get_logger().info("odd", nan=float("nan"), big=2**200, keys={(1, 2): object}, cyclic=cyclic)
    (line,) = lines(stream)
    assert line["nan"] == "nan"
    assert line["big"] == 2**200


def test_level_is_honoured(stream: io.StringIO) -> None:
    structlog.get_logger().debug("unheard")
    assert lines(stream) == []


def test_task_context_is_in_the_line(stream: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        structlog.get_logger().info("inside")
    structlog.get_logger().info("outside")
    inside, outside = lines(stream)
    assert inside["request_id"] == "r1"
    assert "request_id" not in outside


def test_unknown_level_is_refused() -> None:
    with pytest.raises(LogLevelError, match="'loud' does not exist: choose one of debug, info"):
        configure_logging(io.StringIO(), level="loud", tier="oracle", version="1.2.3")
