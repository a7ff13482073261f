"""How one tier hands its results to the next: over the peers' links, to the nodes of the voters that the file names.

    validators ── market.view ──────────▶ oracles
    oracles ───── handover.signal ──────▶ validators     what they agreed on, with the certificate
    validators ── handover.portfolio ───▶ guardians      what a proposal is judged on
    validators ── consensus.guardian.proposal ▶ guardians
    guardians ─── handover.approval ────▶ validators     the certificate of each decision

What arrives is checked by who acts on it. That a sender is of the right tier only keeps strangers from filling memory.
"""

from __future__ import annotations

from noderr.core.consensus.membership import Membership
from noderr.core.peers import PeerNetwork

VIEW_TOPIC = "market.view"
SIGNAL_TOPIC = "handover.signal"
PORTFOLIO_TOPIC = "handover.portfolio"
PROPOSAL_TOPIC = "consensus.guardian.proposal"
APPROVAL_TOPIC = "handover.approval"

GUARDIAN_PERIOD_NS = 5_000_000_000
"""A guardians' slot, unless the voters' file says another: a proposal is of the slot in which it is made."""


class TierNodes:
    """The nodes whose accounts vote in one tier."""

    def __init__(self, peers: PeerNetwork, membership: Membership, tier: int) -> None:
        voters = membership.voters(tier)
        self._peers = peers
        self.node_ids = frozenset(membership.nodes[voter] for voter in voters.voters) if voters else frozenset()

    def offer(self, topic: str, payload: bytes) -> int:
        """To all of them that are connected, without waiting; to how many. What is lost nobody sends again."""
        return sum(self._peers.offer(node_id, topic, payload) for node_id in sorted(self.node_ids))

    def has(self, node_id: str) -> bool:
        """Whether a message's sender is one of them."""
        return node_id in self.node_ids
