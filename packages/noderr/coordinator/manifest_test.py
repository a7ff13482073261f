"""`service.toml` beside this file says what the coordinator is."""

from __future__ import annotations

from pathlib import Path

from noderr.types import SHARED_PACKAGES, check_manifests, load_manifest, load_service_manifest

HERE = Path(__file__).parent
TIERS = sorted(HERE.parents[2].glob("tiers/*/tier.toml"))


def test_ports_and_packages() -> None:
    manifest = load_service_manifest(HERE / "service.toml")
    assert manifest.ports == {"http": 3000, "nodes": 3010}
    assert set(manifest.packages) == SHARED_PACKAGES | {"coordinator"}
    assert (manifest.folder, manifest.repository_folder) == ("noderr/coordinator", "packages/noderr/coordinator")


def test_no_tier_has_its_ports() -> None:
    assert len(TIERS) == 3
    check_manifests([load_service_manifest(HERE / "service.toml"), *map(load_manifest, TIERS)])
