"""The node's settings: one schema, read from the environment, checked all at once at start-up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

PREFIX = "NODEOS_"

_KEY_HEX_DIGITS = 64


def _check_key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value()
    if len(text) != _KEY_HEX_DIGITS or not set(text) <= set("0123456789abcdefABCDEF"):
        raise ValueError(f"must be {_KEY_HEX_DIGITS} hexadecimal digits, has {len(text)} characters")
    return key


type _Port = Annotated[int, Field(ge=0, le=65535)]


class NodeSettings(BaseSettings):
    """What an operator may set. Each field is the environment variable `NODEOS_<FIELD>`; its description is the remedy
    in error messages and the comment in the generated `.env`. Ports have their default from the tier's manifest.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    http_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="IP address on which the HTTP API listens; an image listens on all of its own.",
    )
    http_port: _Port = Field(description="TCP port of the HTTP API, 0 to 65535; 0 takes a free one.")
    grpc_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="IP address on which the gRPC server listens; an image listens on all, as for HTTP.",
    )
    grpc_port: _Port = Field(description="TCP port of the gRPC server, 0 to 65535; 0 takes a free one.")
    data_dir: Path | None = Field(
        None,
        description="Directory for the node's key and state. Unset: /data where that can be written, "
        "else .nodeos/<tier> in the working directory.",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged: debug, info, warning or error."
    )
    # Docker kills ten seconds after it asked; what is left above nine is for the end of the process itself.
    drain_seconds: float = Field(
        8.0, ge=0, le=9, description="Seconds that open work gets to finish after SIGTERM, 0 to 9."
    )
    node_key: Annotated[SecretStr, AfterValidator(_check_key)] | None = Field(
        None,
        description="The node's Ed25519 private key, 64 hexadecimal digits, to move a node to a new data directory. "
        "Unset: the key in the data directory, made in the first start.",
    )

    @model_validator(mode="after")
    def _two_ports(self) -> Self:
        if self.http_port == self.grpc_port != 0:
            raise ValueError(f"{PREFIX}HTTP_PORT and {PREFIX}GRPC_PORT are both {self.http_port}: choose two ports")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load_settings` reads the environment that it is given, and hands in what it found.
        return (init_settings,)

    def private_key(self) -> Ed25519PrivateKey | None:
        """The key given by `node_key`, if any."""
        if self.node_key is None:
            return None
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.node_key.get_secret_value()))


def variable(field: str) -> str:
    """The environment variable of a field: `http_port` is NODEOS_HTTP_PORT."""
    return PREFIX + field.upper()


def secret_fields() -> frozenset[str]:
    """Fields that hold a secret; each may come as `NODEOS_<FIELD>_FILE`, the path of a file that holds it."""
    return frozenset(name for name, field in NodeSettings.model_fields.items() if _holds_secret(field.annotation))


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_holds_secret(part) for part in get_args(annotation))
