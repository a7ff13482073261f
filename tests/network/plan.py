"""Which processes a local network consists of: keys, ports, settings. Pure, apart from where the keys come from."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from noderr.core.consensus.membership import membership_json
from noderr.core.peer_address import PeerAddress
from noderr.types.signing.account_key import AccountKey
from noderr.types.signing.node_key import node_id

COORDINATOR = "coordinator"
TIERS = ("oracle", "guardian", "validator")
# Of a chain that is nobody's, and rounds short enough to watch.
_CHAIN_ID = 31337
_ROUND_MS = {"oracle": 3_000, "guardian": 1_000, "validator": 3_000}


@dataclass(frozen=True)
class Member:
    """One process or container. `host` is where the others reach it; `peer_port` is the gRPC port of a node."""

    name: str
    kind: str
    key: Ed25519PrivateKey
    account: AccountKey
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

    def voters(self, *, genesis_unix_s: int, round_ms: Mapping[str, int] = _ROUND_MS) -> bytes:
        """The file of voters: all nodes, each with the weight of any other of its tier."""
        return membership_json(
            [(node.kind, node.account.address, node.public_key, 1) for node in self.nodes],
            chain_id=_CHAIN_ID,
            verifying_contract=bytes(19) + b"\1",
            genesis_unix_s=genesis_unix_s,
            epoch=1,
            round_ms=round_ms,
        )

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
            AccountKey(secrets.token_bytes(32)),
            host.format(name=name),
            ports[2 * index],
            ports[2 * index + 1],
        )
        for index, (name, kind) in enumerate(names)
    ]
    return NetworkPlan(members[0], tuple(members[1:]))


def write_voters(plan: NetworkPlan, folder: Path) -> Path:
    """Write the file of voters for NODEOS_VOTERS_FILE; returns its path. The first round begins now."""
    path = folder / "voters.json"
    path.write_bytes(plan.voters(genesis_unix_s=int(time.time())))
    return path


def write_account(member: Member, folder: Path) -> Path:
    """Write the member's account as a secret file for NODEOS_ACCOUNT_KEY_FILE; returns its path."""
    return _write_secret(folder / f"{member.name}.account", member.account.secret)


def write_key(member: Member, folder: Path) -> Path:
    """Write the member's key as a secret file for NODEOS_NODE_KEY_FILE; returns its path."""
    return _write_secret(folder / f"{member.name}.key", member.key.private_bytes_raw())


def _write_secret(path: Path, secret: bytes) -> Path:
    path.touch(mode=0o600)
    path.write_text(secret.hex() + "\n")
    return path
