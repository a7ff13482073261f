"""Where another node is and by which key it is known, as settings say it: `<public key>@<host>:<port>`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from noderr.types.signing.errors import PublicKeyError
from noderr.types.signing.node_key import node_id, parse_public_key

_FORM = "<public key, 64 hexadecimal digits>@<host>:<port>"


@dataclass(frozen=True)
class PeerAddress:
    """`public_key` is raw Ed25519; `host` a name or an IP address without brackets."""

    public_key: bytes
    host: str
    port: int

    @cached_property
    def node_id(self) -> str:
        return node_id(self.public_key)

    def __str__(self) -> str:
        return f"{self.public_key.hex()}@{join_host_port(self.host, self.port)}"


def parse_peer(text: str) -> PeerAddress:
    """Read one peer. Raises `ValueError`, which says what is wrong with it."""
    key, separator, address = text.strip().partition("@")
    if not separator:
        raise ValueError(f"peer {text!r} has no @: write {_FORM}")
    try:
        public_key = parse_public_key(key)
    except PublicKeyError as error:
        raise ValueError(f"peer {text!r}: {error}") from error
    host, port = split_host_port(address)
    return PeerAddress(public_key, host, port)


def split_host_port(text: str) -> tuple[str, int]:
    """`host:port`, `1.2.3.4:port` or `[::1]:port`. Raises `ValueError`."""
    host, separator, port = text.strip().rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not separator or not host or (":" in host and not bracketed) or any(c.isspace() or c in "/@" for c in host):
        raise ValueError(f"address {text!r}: write host:port, and an IPv6 address in brackets")
    if not (port.isascii() and port.isdecimal()) or not 0 < int(port) < 65536:
        raise ValueError(f"address {text!r}: the port must be a number from 1 to 65535")
    return host.strip("[]"), int(port)


def join_host_port(host: str, port: int) -> str:
    """The address as `split_host_port` reads it."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
