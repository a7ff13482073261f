from __future__ import annotations

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from noderr.telemetry import CATALOGUE, NodeMetrics


def rendered() -> dict[str, str]:
    """Family name as in the catalogue -> kind, as Prometheus' own parser reads them."""
    metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
    families = text_string_to_metric_families(metrics.render().decode())
    return {family.name + ("_total" if family.type == "counter" else ""): family.type for family in families}


def test_every_series_is_in_the_catalogue_and_every_entry_is_exposed() -> None:
    assert rendered() == {spec.name: spec.kind for spec in CATALOGUE}


def test_names_follow_the_conventions() -> None:
    assert len({spec.name for spec in CATALOGUE}) == len(CATALOGUE)
    for spec in CATALOGUE:
        assert spec.name.startswith(("noderr_", "process_"))
        assert spec.name.endswith("_total") == (spec.kind == "counter")
        assert (spec.kind == "histogram") == bool(spec.buckets)
        assert spec.kind != "histogram" or spec.name.endswith("_seconds")
        assert list(spec.buckets) == sorted(spec.buckets)


def test_resident_memory_is_the_real_one() -> None:
    registry = CollectorRegistry()
    NodeMetrics(registry, tier="oracle", version="1.2.3")
    memory = registry.get_sample_value("process_resident_memory_bytes")
    assert memory is not None
    assert memory > 5_000_000


def test_two_nodes_in_one_process_do_not_meet() -> None:
    first, second = (NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3") for _ in range(2))
    first.service_restarts.labels("http").inc()
    assert 'restarts_total{service="http"} 1.0' in first.render().decode()
    assert "restarts_total{" not in second.render().decode()
