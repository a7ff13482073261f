"""The coordinator's settings: one schema, beside what every process has."""

from __future__ import annotations

from pydantic import Field, SecretStr

from noderr.core.settings import ProcessSettings
from noderr.core.settings_schema import Port
from noderr.types import ServiceManifest


class CoordinatorSettings(ProcessSettings):
    """What the network operator may set. Ports have their default from `service.toml`."""

    nodes_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="IP address on which nodes are served; an image listens on all of its own.",
    )
    nodes_port: Port = Field(description="TCP port on which nodes are served, 0 to 65535; 0 takes a free one.")
    database_url: SecretStr | None = Field(
        None,
        description="PostgreSQL database, such as postgresql://user:password@host/name. Unset: SQLite in the data "
        "directory.",
    )
    heartbeat_seconds: int = Field(
        15, ge=1, le=300, description="How often each node is to send a heartbeat, in seconds, 1 to 300."
    )
    retention_days: int = Field(30, ge=1, le=3650, description="How long telemetry is kept, in days, 1 to 3650.")


def port_defaults(manifest: ServiceManifest) -> dict[str, int]:
    """The ports of the manifest, as settings."""
    return {f"{name}_port": port for name, port in manifest.ports.items()}
