"""What several tests of this package share: a manifest."""

from __future__ import annotations

from noderr.types import TierManifest, parse_manifest


def manifest_text(*missing: str) -> str:
    """The manifest of a guardian that any machine can run. `missing` are packages that it lists besides."""
    packages = ", ".join(f'"{name}"' for name in (*missing, "telemetry", "core", "types", "utils"))
    return f"""
tier = "guardian"
number = 2
responsibility = "Risk"
packages = [{packages}]
ports = {{ http = 3003, grpc = 50053 }}
stake = {{ stake_nodr = 1, airdrop_nodr = 1 }}
[resources]
cpu_cores = {{ min = 1, max = 2 }}
memory_gb = {{ min = 1, max = 4 }}
storage_gb = 1
"""


def small_guardian() -> TierManifest:
    """The same, read."""
    return parse_manifest(manifest_text())
