from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from noderr.telemetry.tracing import span, start_tracing, trace_ids


class Collector:
    """Takes spans as an OpenTelemetry collector does, and keeps the bytes."""

    def __init__(self) -> None:
        self.got: list[bytes] = []
        self._server = grpc.server(ThreadPoolExecutor(1))
        handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(self._export)
        name = "opentelemetry.proto.collector.trace.v1.TraceService"
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, {"Export": handler}),))
        self.endpoint = f"http://127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def stop(self) -> None:
        self._server.stop(None).wait()

    def _export(self, request: bytes, _context: grpc.ServicerContext) -> bytes:
        self.got.append(request)
        return b""


@pytest.fixture
def collector() -> Iterator[Collector]:
    found = Collector()
    yield found
    found.stop()


def test_spans_reach_the_collector_with_who_sent_them(collector: Collector) -> None:
    end = start_tracing(collector.endpoint, service="oracle", version="1.2.3", node_id="ab12")
    try:
        with span("http.request", method="GET"):
            inside = trace_ids(None, "info", {"event": "asked"})
    finally:
        end()
    sent = b"".join(collector.got)
    assert all(word in sent for word in (b"http.request", b"noderr-oracle", b"1.2.3", b"ab12", b"GET"))
    assert bytes.fromhex(str(inside["trace_id"])) in sent
    assert bytes.fromhex(str(inside["span_id"])) in sent


def test_exception_passes_through_a_span_and_is_told(collector: Collector) -> None:
    end = start_tracing(collector.endpoint, service="oracle", version="1.2.3", node_id="ab12")
    try:
        with pytest.raises(ValueError, match="went wrong"), span("peer.message"):
            raise ValueError("went wrong")
    finally:
        end()
    assert b"went wrong" in b"".join(collector.got)


def test_without_tracing_a_log_line_stays_as_it_is() -> None:
    with span("http.request", method="GET"):
        assert trace_ids(None, "info", {"event": "asked"}) == {"event": "asked"}


def test_nothing_of_opentelemetry_is_loaded_while_it_is_off() -> None:
    code = (
        "import sys\nfrom noderr.telemetry.tracing import span\nwith span('x'):\n    pass\n"
        "print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))"
    )
    environ = {"PYTHONPATH": ":".join(path for path in sys.path if path)}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
