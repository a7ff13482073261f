"""Where Prometheus finds what it watches: `prometheus.yml`, and targets to start from."""

from __future__ import annotations

from typing import Any

from monitoring.fleet import METRICS_PORT, Fleet
from noderr.types import ImageManifest

SCRAPE_INTERVAL = "15s"
TARGETS = "targets"
EXAMPLES = "targets.example"
ALERT_MANAGERS = "alertmanager"


def prometheus_document(fleet: Fleet) -> dict[str, Any]:
    """One job a tier and service, each with a file of targets, which Prometheus reads anew by itself."""
    return {
        "global": {"scrape_interval": SCRAPE_INTERVAL, "evaluation_interval": SCRAPE_INTERVAL},
        "rule_files": ["alerts.yml"],
        "alerting": {"alertmanagers": [{"file_sd_configs": [{"files": [_targets_file(ALERT_MANAGERS)]}]}]},
        "scrape_configs": [_job(manifest) for manifest in fleet],
    }


def example_targets(manifest: ImageManifest) -> list[dict[str, Any]]:
    """A file of targets as an operator may have it: the names are those of containers on one Docker network."""
    port = manifest.ports[METRICS_PORT]
    names = [manifest.name] if manifest.kind == "service" else [f"{manifest.name}-{place}" for place in (1, 2)]
    return [{"targets": [f"{name}:{port}" for name in names]}]


def _job(manifest: ImageManifest) -> dict[str, Any]:
    return {
        "job_name": manifest.name,
        "file_sd_configs": [{"files": [_targets_file(manifest.name)]}],
        "relabel_configs": [
            # An operator may name a node in the file of targets; else it is called as its host.
            {
                "source_labels": ["node", "__address__"],
                "regex": r";(.+):\d+",
                "target_label": "node",
            }
        ],
    }


def _targets_file(job: str) -> str:
    return f"{TARGETS}/{job}.yml"
