"""The vocabulary that every NodeOS package shares. It imports nothing of ours."""

from noderr.types.errors import ManifestError, TypesError
from noderr.types.image_manifest import ImageManifest, Range, check_manifests
from noderr.types.packages import KNOWN_PACKAGES, OPERATOR_SERVICES, SHARED_PACKAGES
from noderr.types.service_manifest import ServiceManifest, load_service_manifest, parse_service_manifest
from noderr.types.tier import TierManifest, load_manifest, parse_manifest
from noderr.types.version import Version

__all__ = [
    "KNOWN_PACKAGES",
    "OPERATOR_SERVICES",
    "SHARED_PACKAGES",
    "ImageManifest",
    "ManifestError",
    "Range",
    "ServiceManifest",
    "TierManifest",
    "TypesError",
    "Version",
    "check_manifests",
    "load_manifest",
    "load_service_manifest",
    "parse_manifest",
    "parse_service_manifest",
]
