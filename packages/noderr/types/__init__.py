"""The vocabulary that every NodeOS package shares. It imports nothing of ours."""

from noderr.types.errors import ManifestError, TypesError
from noderr.types.tier import (
    KNOWN_PACKAGES,
    SHARED_PACKAGES,
    Range,
    TierManifest,
    check_manifests,
    load_manifest,
    parse_manifest,
)
from noderr.types.version import Version

__all__ = [
    "KNOWN_PACKAGES",
    "SHARED_PACKAGES",
    "ManifestError",
    "Range",
    "TierManifest",
    "TypesError",
    "Version",
    "check_manifests",
    "load_manifest",
    "parse_manifest",
]
