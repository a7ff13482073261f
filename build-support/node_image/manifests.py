"""Reads the manifest of whatever an image is made of: a tier, or a service of the network operator."""

from __future__ import annotations

from pathlib import Path

from noderr.types import ImageManifest, ManifestError, load_manifest, load_service_manifest
from noderr.types import parse_manifest as parse_tier
from noderr.types import parse_service_manifest as parse_service
from noderr.types.manifest_reader import read_document

GLOBS = ("tiers/*/tier.toml", "packages/noderr/*/service.toml")
"""Where manifests are in the repository."""


def load_manifest_file(source: Path) -> ImageManifest:
    """Read and check one manifest; the file's name says which kind it is. Raises `ManifestError`."""
    match source.name:
        case "tier.toml":
            return load_manifest(source)
        case "service.toml":
            return load_service_manifest(source)
    raise ManifestError(str(source), ["is no manifest: those are called tier.toml and service.toml"])


def parse_manifest_text(text: str, *, name: str = "manifest") -> ImageManifest:
    """Check the text of one manifest; its key `service` or `tier` says which kind it is. Raises `ManifestError`."""
    return (parse_service if "service" in read_document(text, name) else parse_tier)(text, name=name)
