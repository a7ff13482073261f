from __future__ import annotations

from typing import Any

import yaml

from monitoring.documents import GENERATED, monitoring_files
from monitoring.fleet import Fleet
from monitoring.scrape import example_targets, prometheus_document
from monitoring.series import ALL_CATALOGUES, TARGET_LABELS
from noderr.types import ImageManifest


def test_the_order_of_the_manifests_does_not_matter(manifests: list[ImageManifest]) -> None:
    assert monitoring_files(manifests) == monitoring_files(reversed(manifests))


def test_every_tier_and_service_is_scraped_where_its_manifest_says(
    manifests: list[ImageManifest], fleet: Fleet
) -> None:
    files = monitoring_files(manifests)
    document: dict[str, Any] = yaml.safe_load(files[GENERATED / "prometheus.yml"])
    jobs = [job["job_name"] for job in document["scrape_configs"]]
    assert sorted(jobs) == sorted(manifest.name for manifest in manifests)
    assert set(jobs) >= {"oracle", "guardian", "validator", "coordinator"}
    for manifest in fleet:
        [entry] = yaml.safe_load(files[GENERATED / f"targets.example/{manifest.name}.yml"])
        assert [entry] == example_targets(manifest)
        assert {target.rpartition(":")[2] for target in entry["targets"]} == {str(manifest.ports["http"])}


def test_target_labels_are_those_that_the_checks_count_on(fleet: Fleet) -> None:
    for job in prometheus_document(fleet)["scrape_configs"]:
        # Prometheus itself adds the first two.
        assert {"job", "instance"} | {rule["target_label"] for rule in job["relabel_configs"]} == TARGET_LABELS


def test_no_target_label_hides_a_label_of_the_code() -> None:
    for spec in ALL_CATALOGUES:
        assert not TARGET_LABELS & set(spec.labels), spec.name
    names = [spec.name for spec in ALL_CATALOGUES]
    assert len(set(names)) == len(names)


def test_the_limits_are_those_of_the_manifests(manifests: list[ImageManifest]) -> None:
    files = monitoring_files(manifests)
    for manifest in manifests:
        limit = f'process_resident_memory_bytes{{job="{manifest.name}"}} > 0.9 * {manifest.memory_gb.max}e9'
        assert limit in " ".join(files[GENERATED / "alerts.yml"].split())
