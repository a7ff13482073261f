"""The coordinator's settings: one schema, beside what every process has."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from noderr.core.settings import ProcessSettings
from noderr.core.settings_schema import PREFIX, Port
from noderr.types import ServiceManifest

_DRIVER = "postgresql+psycopg"
_FORM = "write postgresql://user:password@host/name"


def _postgres_url(secret: SecretStr) -> URL:
    """Raises `ValueError`, which does not repeat the address: it may hold a password."""
    try:
        url = make_url(secret.get_secret_value())
    except (ArgumentError, ValueError):
        raise ValueError(f"is no address of a database: {_FORM}") from None
    if url.drivername not in ("postgresql", _DRIVER):
        raise ValueError(f"names a database of the kind {url.drivername!r}: {_FORM}, or unset it for SQLite")
    return url.set(drivername=_DRIVER)


def _check_database(secret: SecretStr) -> SecretStr:
    _postgres_url(secret)
    return secret


class CoordinatorSettings(ProcessSettings):
    """What the network operator may set. Ports have their default from `service.toml`."""

    nodes_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="IP address on which nodes are served; an image listens on all of its own.",
    )
    nodes_port: Port = Field(description="TCP port on which nodes are served, 0 to 65535; 0 takes a free one.")
    database_url: Annotated[SecretStr, AfterValidator(_check_database)] | None = Field(
        None,
        description="PostgreSQL database, such as postgresql://user:password@host/name. Unset: SQLite in the data "
        "directory.",
    )
    # At most what lets a node miss one heartbeat and still be named to its peers.
    heartbeat_seconds: int = Field(
        15, ge=1, le=120, description="How often each node is to send a heartbeat, in seconds, 1 to 120."
    )
    retention_days: int = Field(30, ge=1, le=3650, description="How long telemetry is kept, in days, 1 to 3650.")

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.http_port == self.nodes_port != 0:
            raise ValueError(f"{PREFIX}HTTP_PORT and {PREFIX}NODES_PORT are both {self.http_port}: choose two ports")
        return self

    def postgres_url(self) -> URL | None:
        """The address of `database_url`, if any."""
        return None if self.database_url is None else _postgres_url(self.database_url)


def port_defaults(manifest: ServiceManifest) -> dict[str, int]:
    """The ports of the manifest, as settings."""
    return {f"{name}_port": port for name, port in manifest.ports.items()}
