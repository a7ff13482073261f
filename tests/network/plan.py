"""Which processes a local network consists of: keys, ports, settings. Pure, apart from where the keys come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from noderr.core.peer_address import PeerAddress
from noderr.types.signing.node_key import node_id

COORDINATOR = "coordinator"
TIERS = ("oracle", "guardian", "validator")


@dataclass(frozen=True)
class Member:
    """One process or container. `host` is where the others reach it; `peer_port` is the gRPC port of a node."""

    name: str
    kind: str
    key: Ed25519PrivateKey
    host: str
    http_port: int
    peer_port: int

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes_raw()

    @property
    def node_id(self) -> str:
        return node_id(self.public_key)

    @property
    def peer(self) -> PeerAddress:
        return PeerAddress(self.public_key, self.host, self.peer_port)


@dataclass(frozen=True)
class NetworkPlan:
    """A coordinator and its nodes. The coordinator's `peer_port` is the one that nodes call."""

    coordinator: Member
    nodes: tuple[Member, ...]

    @property
    def members(self) -> tuple[Member, ...]:
        return (self.coordinator, *self.nodes)

    @property
    def coordinator_url(self) -> str:
        return f"http://{self.coordinator.host}:{self.coordinator.peer_port}"

    def settings(self, member: Member) -> dict[str, str]:
        """The settings of a member that do not depend on how it is run."""
        if member is self.coordinator:
            return {}
        others = (str(node.peer) for node in self.nodes if node is not member)
        return {
            "NODEOS_PEERS": ",".join(others),
            "NODEOS_COORDINATOR_URL": self.coordinator_url,
            "NODEOS_COORDINATOR_KEY": self.coordinator.public_key.hex(),
            "NODEOS_ADVERTISED_ADDRESS": f"{member.host}:{member.peer_port}",
        }

    def enrolment(self) -> str:
        """A line a node, as the coordinator's `enrol --from` reads it: tier, public key, address."""
        return "".join(f"{node.kind} {node.public_key.hex()} {node.host}:{node.peer_port}\n" for node in self.nodes)


def plan_network(
    counts: Mapping[str, int], ports: Sequence[int], *, host: str, keys: Sequence[Ed25519PrivateKey] = ()
) -> NetworkPlan:
    """Plan `counts[tier]` nodes of each tier and a coordinator.

    `ports` are taken two for each member, coordinator first. Each is reached at `host`, where `{name}` stands for its
    name. Keys that are not given are made anew.
    """
    names = [(COORDINATOR, COORDINATOR)]
    names += [(f"{tier}-{number}", tier) for tier in TIERS for number in range(1, counts.get(tier, 0) + 1)]
    members = [
        Member(
            name,
            kind,
            keys[index] if index < len(keys) else Ed25519PrivateKey.generate(),
            host.format(name=name),
            ports[2 * index],
            ports[2 * index + 1],
        )
        for index, (name, kind) in enumerate(names)
    ]
    return NetworkPlan(members[0], tuple(members[1:]))


def write_key(member: Member, folder: Path) -> Path:
    """Write the member's key as a secret file for NODEOS_NODE_KEY_FILE; returns its path."""
    path = folder / f"{member.name}.key"
    path.touch(mode=0o600)
    path.write_text(member.key.private_bytes_raw().hex() + "\n")
    return path
