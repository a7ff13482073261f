"""The image configuration as engines keep it: made from our description, or canonicalised from an engine's own.

Both ways end in `canonical_config`, so a difference in meaning between the Dockerfile and the description is a
difference in bytes. What is dropped is only what an engine writes of itself, and what says nothing (false, empty).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from node_image.description import LAYER_NAMES, ImageDescription
from node_image.errors import SavedImageError
from node_image.release import Release, release_of

_SECOND_NS = 1_000_000_000

# Notes of the engine about the build, and those we write anew.
_ENGINE_KEYS = frozenset(
    {"id", "parent", "container", "container_config", "docker_version", "created", "history", "rootfs"}
)
_BUILDER_PREFIX = "moby.buildkit."
# The host name of the build container, the parent's digest, and a mark that only Windows reads.
_ENGINE_CONFIG_KEYS = frozenset({"Hostname", "Domainname", "Image", "ArgsEscaped"})


def engine_config(description: ImageDescription, release: Release, architecture: str) -> dict[str, Any]:
    """The configuration that an engine would write for our Dockerfile."""
    health = description.health_check
    return {
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": description.user,
            "ExposedPorts": {f"{port}/tcp": {} for port in description.ports},
            "Env": [f"{name}={value}" for name, value in description.environment.items()],
            "Entrypoint": list(description.entrypoint),
            "Cmd": list(description.command),
            "Volumes": {description.volume: {}},
            "Labels": {**description.labels, **release.labels},
            "StopSignal": description.stop_signal,
            "Healthcheck": {
                "Test": ["CMD", *health.command],
                "Interval": health.interval_seconds * _SECOND_NS,
                "Timeout": health.timeout_seconds * _SECOND_NS,
                "StartPeriod": health.start_period_seconds * _SECOND_NS,
                "Retries": health.retries,
            },
        },
    }


def canonical_config(found: Mapping[str, Any], diff_ids: Sequence[str]) -> dict[str, Any]:
    """`found` without an engine's notes, over the layers `diff_ids` (`sha256:…`, lowest first).

    Raises `ReleaseError` when the labels name no release, `SavedImageError` when the layers are not our four.
    """
    if len(diff_ids) != len(LAYER_NAMES):
        raise SavedImageError(f"the image has {len(diff_ids)} layers; ours have four: {', '.join(LAYER_NAMES)}")
    block = _canonical_block(found.get("config") or {})
    created = release_of(block.get("Labels", {})).created
    kept = {
        key: value
        for key, value in found.items()
        if key not in _ENGINE_KEYS and not key.startswith(_BUILDER_PREFIX) and value
    }
    if (kept.get("architecture"), kept.get("variant")) == ("arm64", "v8"):
        del kept["variant"]  # There is no other arm64; some builders say so and some do not.
    return {
        **kept,
        "config": block,
        "created": created,
        "rootfs": {"type": "layers", "diff_ids": list(diff_ids)},
        "history": [{"created": created, "created_by": f"noderr {name} layer"} for name in LAYER_NAMES],
    }


def _canonical_block(block: Mapping[str, Any]) -> dict[str, Any]:
    # An empty object says something inside ExposedPorts and Volumes, so only the outer level is cleaned.
    kept = {key: value for key, value in block.items() if value and key not in _ENGINE_CONFIG_KEYS}
    if kept.get("WorkingDir") == "/":
        del kept["WorkingDir"]
    if "Healthcheck" in kept:
        kept["Healthcheck"] = {key: value for key, value in kept["Healthcheck"].items() if value}
    return kept
