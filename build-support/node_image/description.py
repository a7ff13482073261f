"""What an image of a tier is, apart from its files: the one description that the Dockerfile and the assembler share."""

from __future__ import annotations

from dataclasses import dataclass, field

from noderr.types.tier import TierManifest

PYTHON = "/usr/bin/python3.13"
APP = "/opt/noderr"
DIST_PACKAGES = "usr/local/lib/python3.13/dist-packages"
LAYER_NAMES = ("base", "shared", "tier", "source")
"""The four layers, lowest first; each changes more often than the one below."""
TIER_LABEL = "io.noderr.tier"


# No PYTHON* variable: the interpreter is isolated and would not look. A node listens on loopback unless told; in a
# container that is nobody, and which port of the host leads in is Docker's to say.
_ENVIRONMENT = {
    "PATH": "/usr/local/bin:/usr/bin",
    "LANG": "C.UTF-8",
    "NODEOS_HTTP_HOST": "0.0.0.0",  # noqa: S104
    "NODEOS_GRPC_HOST": "0.0.0.0",  # noqa: S104
}


@dataclass(frozen=True)
class HealthCheck:
    """The command that asks the node whether it lives, and how patient the engine is with it."""

    command: tuple[str, ...] = (PYTHON, "-I", APP, "health")
    interval_seconds: int = 10
    timeout_seconds: int = 3
    start_period_seconds: int = 10
    retries: int = 3


@dataclass(frozen=True)
class ImageDescription:
    """The facts of one tier's image that no release changes."""

    repository: str
    ports: tuple[int, ...]
    labels: dict[str, str]
    user: str = "1001:1001"
    entrypoint: tuple[str, ...] = (PYTHON, "-I", APP)
    command: tuple[str, ...] = ("serve",)
    volume: str = "/data"
    stop_signal: str = "SIGTERM"
    health_check: HealthCheck = field(default_factory=HealthCheck)
    environment: dict[str, str] = field(default_factory=lambda: dict(_ENVIRONMENT))


def describe(manifest: TierManifest) -> ImageDescription:
    """The description of a tier's image, from its manifest alone."""
    return ImageDescription(
        repository=f"noderr-{manifest.tier}",
        ports=(manifest.http_port, manifest.grpc_port),
        labels={
            "org.opencontainers.image.title": f"NodeOS {manifest.tier} node",
            "org.opencontainers.image.description": manifest.responsibility,
            "org.opencontainers.image.vendor": "Noderr",
            TIER_LABEL: manifest.tier,
            "io.noderr.tier-number": str(manifest.number),
        },
    )
