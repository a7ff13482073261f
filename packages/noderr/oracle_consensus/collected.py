"""What a round has got of one kind: the first message of each voter; a second one that differs is evidence."""

from __future__ import annotations

from collections.abc import Iterator

from noderr.core.consensus.context import RoundContext
from noderr.types.consensus import (
    Evidence,
    ProtocolMessage,
    Reason,
    RefusedMessage,
    Signed,
    check_signature,
    has_quorum,
)
from noderr.types.signing.account_key import checksum_address


class Collected[M: ProtocolMessage]:
    """Messages of one kind, one for each voter."""

    def __init__(self, context: RoundContext) -> None:
        self._context = context
        self._voters = context.voters
        self._messages: dict[bytes, Signed[M]] = {}
        self._weight = 0
        self.is_complete = False
        """Whether everybody has spoken."""
        self.is_quorum = False
        """Whether those who have spoken are a quorum."""
        self.two_faced: set[bytes] = set()
        """Who has said two things: more of them is refused."""

    def __iter__(self) -> Iterator[Signed[M]]:
        return (self._messages[voter] for voter in sorted(self._messages))

    def __len__(self) -> int:
        return len(self._messages)

    def get(self, voter: bytes) -> Signed[M] | None:
        """What this voter said first."""
        return self._messages.get(voter)

    @property
    def missing(self) -> tuple[bytes, ...]:
        """Who has said nothing, ascending."""
        return tuple(voter for voter in self._voters.voters if voter not in self._messages)

    def add(self, signed: Signed[M], *, proven: bool = False) -> Evidence[M] | None:
        """Take a message that belongs to this round; one that is `proven` was signed here. Raises `RefusedMessage`."""
        if signed.signer not in self._voters.weights:
            raise RefusedMessage(Reason.NOT_A_MEMBER, f"{checksum_address(signed.signer)} is not in the committee")
        known = self._messages.get(signed.signer)
        if known is not None and (known is signed or known.message == signed.message):
            raise RefusedMessage(Reason.DUPLICATE, "this message is known already")
        if signed.signer in self.two_faced:
            raise RefusedMessage(Reason.EQUIVOCATION, "its signer was found out already")
        if not proven:
            check_signature(signed, self._context.domain, self._context.signatures)
        if known is not None:
            self.two_faced.add(signed.signer)
            return Evidence(known, signed)
        self._messages[signed.signer] = signed
        self._weight += self._voters.weights[signed.signer]
        self.is_complete = len(self._messages) == len(self._voters.weights)
        self.is_quorum = has_quorum(self._weight, self._voters.total)
        return None
