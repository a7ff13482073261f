"""Traces, when somebody wants them: OpenTelemetry over OTLP/gRPC. Off, nothing of it is loaded; `span` costs a call."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import structlog
from structlog.types import EventDict, WrappedLogger

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

_EXPORT_SECONDS = 5
_active: list[Tracer] = []
"""The tracer of this process, or nothing."""


@contextlib.contextmanager
def span(name: str, **attributes: str | int | float | bool) -> Iterator[None]:
    """What happens inside is one span of a trace, when traces are on. An exception is recorded and passes on."""
    if not _active:
        yield
        return
    with _active[0].start_as_current_span(name, attributes=attributes):
        yield


def start_tracing(endpoint: str, *, service: str, version: str, node_id: str) -> Callable[[], None]:
    """Send spans to the collector at `endpoint` (http:// or https://) from now on; call what is returned to end it.

    Spans are sent in the background; a collector that is away loses them and disturbs nobody.
    """
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create(
        {"service.name": f"noderr-{service}", "service.version": version, "noderr.node_id": node_id}
    )
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(
        endpoint=endpoint, insecure=urlsplit(endpoint).scheme == "http", timeout=_EXPORT_SECONDS
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _active[:] = [provider.get_tracer("noderr")]
    structlog.get_logger("noderr.telemetry").info("tracing_started", endpoint=endpoint)
    return lambda: _end(provider)


def trace_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: adds `trace_id` and `span_id` of the current span to a log record."""
    if _active:
        from opentelemetry import trace

        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            return {**event, "trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
    return event


def _end(provider: TracerProvider) -> None:
    _active.clear()
    provider.shutdown()
