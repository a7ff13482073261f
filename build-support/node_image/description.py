"""What an image is, apart from its files: the one description that the Dockerfile and the assembler share."""

from __future__ import annotations

from dataclasses import dataclass, field

from noderr.types import ImageManifest

PYTHON = "/usr/bin/python3.13"
APP = "/opt/noderr"
DIST_PACKAGES = "usr/local/lib/python3.13/dist-packages"
LAYER_NAMES = ("base", "shared", "own", "source")
"""The four layers, lowest first; each changes more often than the one below."""

# No PYTHON* variable: the interpreter is isolated and would not look.
_ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin", "LANG": "C.UTF-8"}


@dataclass(frozen=True)
class HealthCheck:
    """The command that asks what runs whether it lives, and how patient the engine is with it."""

    command: tuple[str, ...] = (PYTHON, "-I", APP, "health")
    interval_seconds: int = 10
    timeout_seconds: int = 3
    start_period_seconds: int = 10
    retries: int = 3


@dataclass(frozen=True)
class ImageDescription:
    """The facts of one image that no release changes."""

    repository: str
    ports: tuple[int, ...]
    labels: dict[str, str]
    environment: dict[str, str]
    user: str = "1001:1001"
    entrypoint: tuple[str, ...] = (PYTHON, "-I", APP)
    command: tuple[str, ...] = ("serve",)
    volume: str = "/data"
    stop_signal: str = "SIGTERM"
    health_check: HealthCheck = field(default_factory=HealthCheck)


def describe(manifest: ImageManifest) -> ImageDescription:
    """The description of an image, from its manifest alone."""
    # A server listens on loopback unless told; in a container that is nobody, and which port of the host leads in is
    # Docker's to say.
    listen = {f"NODEOS_{name.upper()}_HOST": "0.0.0.0" for name in manifest.ports}  # noqa: S104
    return ImageDescription(
        repository=f"noderr-{manifest.name}",
        ports=tuple(manifest.ports.values()),
        labels={
            "org.opencontainers.image.title": f"NodeOS {manifest.name} {manifest.noun}",
            "org.opencontainers.image.description": manifest.responsibility,
            "org.opencontainers.image.vendor": "Noderr",
            **manifest.labels,
        },
        environment={**_ENVIRONMENT, **listen},
    )
