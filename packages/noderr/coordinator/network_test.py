"""What is said of nodes and records."""

from __future__ import annotations

import pytest

from noderr.coordinator.network import node_state, record_text
from noderr.coordinator.testing import NOW_NS, SECOND_NS, record
from noderr.types.wire.telemetry_pb2 import NodeEvent, ReadinessChanged, Record, Sample, Samples, ServiceChanged


@pytest.mark.parametrize(
    ("ago_seconds", "state"),
    [
        (None, "never"),
        (-5, "online"),
        (0, "online"),
        (30, "online"),
        (30.001, "late"),
        (300, "late"),
        (300.001, "silent"),
        (86_400, "silent"),
    ],
)
def test_states(ago_seconds: float | None, state: str) -> None:
    heard_ns = None if ago_seconds is None else NOW_NS - round(ago_seconds * SECOND_NS)
    assert node_state(heard_ns, NOW_NS, 15) == state


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (record(1, "hello"), "tested (text=hello)"),
        (Record(node_event=NodeEvent(name="node_started")), "node_started"),
        (Record(service_changed=ServiceChanged(service="http", state="running")), "http is running"),
        (Record(service_changed=ServiceChanged(service="a", state="failed", problem="gone")), "a is failed: gone"),
        (Record(readiness_changed=ReadinessChanged(ready=True)), "is ready"),
        (Record(readiness_changed=ReadinessChanged(missing=["x", "y"])), "is not ready: 2 thing(s) missing"),
        (Record(samples=Samples(samples=[Sample(name="up", value=1)])), "1 samples"),
        (Record(), "(empty)"),
    ],
)
def test_records_in_words(given: Record, text: str) -> None:
    assert record_text(given) == text
