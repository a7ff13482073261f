"""What a node's page says at its top: one verdict, and what stands behind it, in words."""

from __future__ import annotations

from dataclasses import dataclass

from noderr.core.description import NodeDescription, PeerDescription
from noderr.core.status import ServiceState
from noderr.core.vitals import Missing

_KINDS = {
    ServiceState.RUNNING: "good",
    ServiceState.FAILED: "bad",
    ServiceState.RESTARTING: "bad",
}


@dataclass(frozen=True)
class Verdict:
    """`kind` is good, warn or bad; `why` is one sentence."""

    kind: str
    title: str
    why: str


@dataclass(frozen=True)
class NodeView:
    """What the template needs beside the description itself."""

    verdict: Verdict
    needs: tuple[Missing, ...]
    down: tuple[Missing, ...]
    peers: tuple[PeerDescription, ...]
    connected: int
    running: int


def view_node(node: NodeDescription) -> NodeView:
    """Peers that are away come first; the others keep their order."""
    return NodeView(
        verdict=_verdict(node),
        needs=tuple(one for one in node.missing if one.kind == "need"),
        down=tuple(one for one in node.missing if one.kind == "service"),
        peers=tuple(sorted(node.peers, key=lambda peer: (peer.connected, peer.ready is not False))),
        connected=sum(peer.connected for peer in node.peers),
        running=sum(service.state == ServiceState.RUNNING for service in node.services),
    )


def service_kind(state: str) -> str:
    """The badge of a service in this state."""
    return _KINDS.get(ServiceState(state), "warn")


def _verdict(node: NodeDescription) -> Verdict:
    if not node.alive:
        dead = [one.name for one in node.services if one.critical and one.state != ServiceState.RUNNING]
        if dead:
            return Verdict("bad", "Not alive", f"It cannot work without {_listed(dead)}.")
        return Verdict("bad", "Not alive", "Its event loop has not turned for too long.")
    if node.ready:
        return Verdict("good", "Ready", "Nothing is missing: this node does all of its tier's work.")
    return Verdict("warn", "Alive, not ready", f"Missing: {_summary(node)}.")


def _summary(node: NodeDescription) -> str:
    """How many of each kind are missing: `7 packages and 2 running services`."""
    parts = []
    for kind, singular, plural in (
        ("package", "package", "packages"),
        ("service", "running service", "running services"),
        ("need", "need of a service", "needs of services"),
    ):
        if found := sum(one.kind == kind for one in node.missing):
            parts.append(f"{found} {singular if found == 1 else plural}")
    return _listed(parts)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
