"""What every part of a round needs to know: who asks, who votes, where signatures count."""

from __future__ import annotations

from dataclasses import dataclass

from noderr.types.consensus import Signatures, VoterSet
from noderr.types.eip712 import Domain


@dataclass(frozen=True, slots=True)
class RoundContext:
    """`me` is this voter's address; who is not among `voters` watches and signs nothing."""

    me: bytes
    voters: VoterSet
    domain: Domain
    signatures: Signatures

    @property
    def may_vote(self) -> bool:
        """Whether this node has a vote in the epoch."""
        return self.me in self.voters.weights
