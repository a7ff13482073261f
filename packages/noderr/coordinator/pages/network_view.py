"""What the coordinator's page shows of a network: who is in trouble, tiers in numbers, the nodes asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from noderr.coordinator.description import KnownNode, NetworkDescription
from noderr.coordinator.network import STATES
from noderr.coordinator.registry import TIERS

_MOST_ROWS = 500
"""More than a person reads, and more than a browser takes lightly every two seconds."""

# Worst first. A silent node's own words are old, so only one that is heard counts as not alive or not ready.
_CONDITIONS = ("silent", "not alive", "late", "not ready", "never heard", "ready")
_KINDS = ("bad", "bad", "warn", "warn", "none", "good")
_READY = len(_CONDITIONS) - 1


@dataclass(frozen=True)
class NodeFilter:
    """What the page is asked to show; empty shows all. `text` is words that must all be found."""

    tier: str = ""
    state: str = ""
    text: str = ""

    def fits(self, node: KnownNode) -> bool:
        if (self.tier and node.tier != self.tier) or (self.state and node.state != self.state):
            return False
        words = self.text.lower().split()
        return not words or all(word in _search_text(node) for word in words)


@dataclass(frozen=True)
class NodeRow:
    """A node and the one word for how it is; `behind` when it is to run another version."""

    it: KnownNode
    condition: str
    kind: str
    behind: bool


@dataclass(frozen=True)
class TierRow:
    """One tier in numbers. `versions` are those running, most nodes first."""

    name: str
    nodes: int
    states: tuple[tuple[str, int], ...]
    ready: int
    desired: str
    versions: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class NetworkView:
    """`trouble` counts enrolled nodes that are not ready, for any reason; `left_out` rows fit and are not shown."""

    kind: str
    title: str
    why: str
    tiers: tuple[TierRow, ...]
    rows: tuple[NodeRow, ...]
    fitting: int
    ready: int
    trouble: int
    records: int
    lost: int

    @property
    def left_out(self) -> int:
        return self.fitting - len(self.rows)


def view_network(network: NetworkDescription, chosen: NodeFilter) -> NetworkView:
    """Rows with trouble first, then by tier and id."""
    conditions = Counter(_condition(node) for node in network.nodes)
    ready = conditions[_READY]
    trouble = len(network.nodes) - ready
    tiers = tuple(_tier(name, network) for name in TIERS)
    fitting = sorted((node for node in network.nodes if chosen.fits(node)), key=_trouble_first)
    return NetworkView(
        *_verdict(len(network.nodes), conditions, tiers),
        tiers=tiers,
        rows=tuple(_row(node, network.desired_versions) for node in fitting[:_MOST_ROWS]),
        fitting=len(fitting),
        ready=ready,
        trouble=trouble,
        records=sum(node.records for node in network.nodes),
        lost=sum(node.lost_records for node in network.nodes),
    )


def _condition(node: KnownNode) -> int:
    """The index of how it is in `_CONDITIONS`."""
    if node.state == "never":
        return 4
    if node.state == "silent":
        return 0
    if node.alive is False:
        return 1
    if node.state == "late":
        return 2
    return _READY if node.ready else 3


def _trouble_first(node: KnownNode) -> tuple[int, int, str]:
    return (_condition(node), TIERS.index(node.tier), node.node_id)


def _verdict(nodes: int, conditions: Counter[int], tiers: Sequence[TierRow]) -> tuple[str, str, str]:
    if not nodes:
        return "none", "No node is enrolled", "The command `enrol` adds one."
    ready = conditions[_READY]
    if ready == nodes:
        return "good", "All nodes are ready", f"{nodes} enrolled, each heard within two heartbeats."
    found = [f"{conditions[index]} {_CONDITIONS[index]}" for index in range(_READY) if conditions[index]]
    # A quorum is more than two thirds of a tier: without it the tier decides nothing.
    short = [tier.name for tier in tiers if tier.nodes and 3 * tier.ready <= 2 * tier.nodes]
    lack = f" Too few for a quorum, more than two thirds of a tier: {', '.join(short)}." if short else ""
    return "bad" if short else "warn", f"{ready} of {nodes} nodes are ready", f"{', '.join(found)}.{lack}"


def _row(node: KnownNode, desired: dict[str, str]) -> NodeRow:
    index = _condition(node)
    behind = node.version is not None and desired.get(node.tier, node.version) != node.version
    return NodeRow(node, _CONDITIONS[index], _KINDS[index], behind)


def _tier(name: str, network: NetworkDescription) -> TierRow:
    members = [node for node in network.nodes if node.tier == name]
    states = Counter(node.state for node in members)
    return TierRow(
        name,
        len(members),
        tuple((state, states[state]) for state in STATES),
        sum(_condition(node) == _READY for node in members),
        network.desired_versions.get(name, ""),
        _most_first([node.version for node in members if node.version and node.state in ("online", "late")]),
    )


def _most_first(versions: Sequence[str]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(Counter(versions).items(), key=lambda item: (-item[1], item[0])))


def _search_text(node: KnownNode) -> str:
    """All that a person may look for, in lower case."""
    words = (node.node_id, node.tier, node.state, node.version or "", node.address, *node.missing)
    return " ".join(words).lower()
