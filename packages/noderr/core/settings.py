"""The node's settings: one schema, read from the environment, checked all at once at start-up."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import AfterValidator, Field, SecretStr, model_validator

from noderr.core.peer_address import PeerAddress, parse_peer, split_host_port
from noderr.core.settings_schema import PREFIX, Port, Settings
from noderr.types.signing.account_key import AccountKey, parse_address
from noderr.types.signing.node_key import parse_public_key

_KEY_HEX_DIGITS = 64
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _check_private_key(key: SecretStr) -> SecretStr:
    """Raises `ValueError` unless the secret is 64 hexadecimal digits."""
    text = key.get_secret_value()
    if len(text) != _KEY_HEX_DIGITS or not set(text) <= set("0123456789abcdefABCDEF"):
        raise ValueError(f"must be {_KEY_HEX_DIGITS} hexadecimal digits, has {len(text)} characters")
    return key


type PrivateKeyText = Annotated[SecretStr, AfterValidator(_check_private_key)]


def _check_account_key(key: SecretStr) -> SecretStr:
    """Raises `ValueError` unless the secret is 64 hexadecimal digits of a secp256k1 key."""
    _check_private_key(key)
    AccountKey(bytes.fromhex(key.get_secret_value()))
    return key


type AccountKeyText = Annotated[SecretStr, AfterValidator(_check_account_key)]


def _check_peers(text: str) -> str:
    for part in filter(None, map(str.strip, text.split(","))):
        parse_peer(part)
    return text


def _check_address(text: str) -> str:
    if text:
        split_host_port(text)
    return text


def _check_url(text: str) -> str:
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
        raise ValueError("must be an http:// or https:// address without query")
    return text


def _check_public_key(text: str) -> str:
    if text:
        parse_public_key(text)
    return text


def _check_account(text: str) -> str:
    if text:
        parse_address(text)
    return text


class ProcessSettings(Settings):
    """What every process of ours has, a node and a service of the network operator alike."""

    http_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="IP address on which the HTTP API listens; an image listens on all of its own.",
    )
    http_port: Port = Field(description="TCP port of the HTTP API, 0 to 65535; 0 takes a free one.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least level that is logged: debug, info, warning or error."
    )
    # Docker kills ten seconds after it asked; what is left above nine is for the end of the process itself.
    drain_seconds: float = Field(
        8.0, ge=0, le=9, description="Seconds that open work gets to finish after SIGTERM, 0 to 9."
    )
    data_dir: Path | None = Field(
        None,
        description="Directory for key and state. Unset: /data where that can be written, else .nodeos/<tier or "
        "service> in the working directory.",
    )
    node_key: PrivateKeyText | None = Field(
        None,
        description="The Ed25519 private key by which others know this node or service, 64 hexadecimal digits, to move "
        "it to a new data directory. Unset: the key in the data directory, made in the first start.",
    )

    def private_key(self) -> Ed25519PrivateKey | None:
        """The key given by `node_key`, if any."""
        if self.node_key is None:
            return None
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.node_key.get_secret_value()))


class NodeSettings(ProcessSettings):
    """What an operator may set. Ports have their default from the tier's manifest."""

    grpc_host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="IP address on which the gRPC server listens; an image listens on all, as for HTTP.",
    )
    grpc_port: Port = Field(description="TCP port of the gRPC server, 0 to 65535; 0 takes a free one.")
    peers: Annotated[str, AfterValidator(_check_peers)] = Field(
        "",
        description="Nodes to connect to, separated by commas, each <public key>@<host>:<port>. Those that the "
        "coordinator names are added. Nobody else can talk to this node's gRPC port.",
    )
    advertised_address: Annotated[str, AfterValidator(_check_address)] = Field(
        "",
        description="host:port under which other nodes reach this node's gRPC port. Unset: the coordinator does not "
        "name this node to others.",
    )
    coordinator_url: Annotated[str, AfterValidator(_check_url)] = Field(
        "",
        description="Address of the network's coordinator, such as https://coordinator.example.org. Unset: this node "
        "reports to nobody, and its telemetry waits in the data directory.",
    )
    coordinator_key: Annotated[str, AfterValidator(_check_public_key)] = Field(
        "",
        description="The coordinator's public key, 64 hexadecimal digits; its answers are checked against it. May be "
        "left out only where the address is https:// or on this machine.",
    )
    telemetry_spool_mb: int = Field(
        64,
        ge=1,
        le=4096,
        description="Space for telemetry that the coordinator has not taken, in MB; above it the oldest is dropped.",
    )

    account_key: AccountKeyText | None = Field(
        None,
        description="The secp256k1 private key of the Ethereum account that this node votes with, 64 hexadecimal "
        "digits, to move it to a new data directory. Unset: the key in the data directory, made in the first start.",
    )
    voters_file: Path | None = Field(
        None,
        description="File that says who votes in this network, with which weight, on which chain. Unset: this node "
        "takes part in no consensus, and is not ready.",
    )
    feeds: str = Field(
        "",
        max_length=4096,
        description="Public market data that a validator keeps order books of, separated by commas, each "
        "<venue>:<BASE>/<QUOTE>, such as kraken:BTC/USD,binance:BTC/USDT. Unset: it has no prices, and is not ready.",
    )
    markets: str = Field(
        "",
        max_length=4096,
        description="Markets that an oracle forecasts, separated by commas, each <venue>:<BASE>/<QUOTE>@<seconds>, "
        "such as kraken:BTC/USD@300,binance:BTC/USD@300: several venues of one symbol and horizon are one market. All "
        "oracles of a network have the same. Unset: an oracle abstains in every round, and is not ready.",
    )
    feed_recording_mb: int = Field(
        0,
        ge=0,
        le=8192,
        description="Space for the raw frames of each venue, in MB; above it the oldest are dropped. 0: none are kept.",
    )
    trading_mode: Literal["paper", "live"] = Field(
        "paper",
        description="paper or live. Live trades real money: it needs NODEOS_LIVE_ACCOUNT too, and a permit of the "
        "guardians that holds; without one of them nothing is traded.",
    )
    live_account: Annotated[str, AfterValidator(_check_account)] = Field(
        "",
        description="Address of this node's own Ethereum account, 0x and 40 hexadecimal digits: the second word for "
        "live trading, so that settings copied from another node do not trade live. Unset: no live trading.",
    )
    trading_file: Path | None = Field(
        None,
        description="File that says what a validator trades, how much of it, and by which rules of the guardians. "
        "Unset: it executes nothing, and attests what others do.",
    )
    risk_limits_file: Path | None = Field(
        None,
        description="File with the risk limits that a guardian judges trades by; all guardians of a network have the "
        "same. Unset: a guardian rejects every trade.",
    )
    otlp_endpoint: Annotated[str, AfterValidator(_check_url)] = Field(
        "",
        description="Where traces go: the address of an OpenTelemetry collector that takes OTLP over gRPC, such as "
        "http://127.0.0.1:4317. Unset: no tracing, and none of its libraries is loaded.",
    )
    random_seed: int | None = Field(
        None,
        ge=0,
        description="Seed of everything that is drawn by lot (jitter, sampling), to replay a run. Unset: a fresh one, "
        "which the log names. Keys never come from it.",
    )

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.http_port == self.grpc_port != 0:
            raise ValueError(f"{PREFIX}HTTP_PORT and {PREFIX}GRPC_PORT are both {self.http_port}: choose two ports")
        url = urlsplit(self.coordinator_url)
        if url.scheme == "http" and url.hostname not in _LOOPBACK and not self.coordinator_key:
            raise ValueError(
                f"{PREFIX}COORDINATOR_URL={self.coordinator_url!r} is not encrypted, so anybody on the way could "
                f"answer: use https://, or set {PREFIX}COORDINATOR_KEY"
            )
        return self

    def account(self) -> AccountKey | None:
        """The key given by `account_key`, if any."""
        return None if self.account_key is None else AccountKey(bytes.fromhex(self.account_key.get_secret_value()))

    def peer_addresses(self) -> tuple[PeerAddress, ...]:
        """The peers of `peers`, in its order."""
        return tuple(parse_peer(part) for part in filter(None, map(str.strip, self.peers.split(","))))
