"""What guardians sign so that a network may trade live until a time, and what makes a lease of their signatures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from noderr.safety_control.errors import PermitError
from noderr.types.consensus import (
    AccountSignatures,
    RefusedMessage,
    Signatures,
    Signed,
    TypedMessage,
    VoterSet,
    check_signature,
)
from noderr.types.consensus.vote import MAX_U64
from noderr.types.eip712 import Domain, StructType, parse_struct_type
from noderr.types.keccak import keccak256
from noderr.types.signing.account_key import checksum_address
from noderr.types.tier_numbers import GUARDIAN_TIER
from noderr.types.trading import FieldError
from noderr.types.trading.checks import check_integer

LIVE_PERMIT_TYPE = parse_struct_type("LivePermit(uint64 epoch,uint64 issuedAt,uint64 expiresAt)")

LONGEST_S = 3_600
"""A lease that nobody renews is over within the hour: silence of the guardians ends live trading."""

_SKEW_S = 5
_TOPIC = keccak256(b"noderr live permit")


@dataclass(frozen=True, kw_only=True)
class LivePermit(TypedMessage):
    """For the network that the signatures' domain names. Times are Unix seconds, at most `LONGEST_S` apart."""

    TYPE: ClassVar[StructType] = LIVE_PERMIT_TYPE

    epoch: int
    issued_at_s: int
    expires_at_s: int

    def __post_init__(self) -> None:
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_integer(self, "issued_at_s", self.issued_at_s, 1, MAX_U64)
        check_integer(self, "expires_at_s", self.expires_at_s, 1, MAX_U64)
        if not 0 < self.expires_at_s - self.issued_at_s <= LONGEST_S:
            raise FieldError("LivePermit", "expires_at_s", self.expires_at_s, f"1 to {LONGEST_S} s after issued_at_s")

    @property
    def tier(self) -> int:
        """Only guardians permit."""
        return GUARDIAN_TIER

    @property
    def round(self) -> int:
        """Its expiry: permitting again, for longer, contradicts nothing and must be evidence of nothing."""
        return self.expires_at_s

    @property
    def topic(self) -> bytes:
        return _TOPIC

    def struct(self) -> Mapping[str, object]:
        return {"epoch": self.epoch, "issuedAt": self.issued_at_s, "expiresAt": self.expires_at_s}


def check_permits(
    permits: Sequence[Signed[LivePermit]],
    voters: VoterSet,
    domain: Domain,
    *,
    now_s: int,
    signatures: Signatures | None = None,
) -> LivePermit:
    """The permit that more than two thirds of the guardians' weight signed, and that holds now. Raises `PermitError`.

    Every signature must hold, so that a bundle with a forged one is looked at and not used.
    """
    if not permits:
        raise PermitError("no guardian permits it: collect the permits of more than two thirds of their weight")
    permit = permits[0].message
    if any(each.message != permit for each in permits):
        raise PermitError("the guardians signed different permits: sign one with the same times")
    if (permit.tier, permit.epoch) != (voters.tier, voters.epoch):
        raise PermitError(f"it is of epoch {permit.epoch}, and this is epoch {voters.epoch}: sign a new one")
    if not permit.issued_at_s - _SKEW_S <= now_s < permit.expires_at_s:
        raise PermitError(f"it holds from {permit.issued_at_s} until {permit.expires_at_s}, and it is {now_s}")
    for each in permits:
        if each.signer not in voters.weights:
            raise PermitError(f"{checksum_address(each.signer)} is no guardian of this epoch")
        try:
            check_signature(each, domain, signatures or AccountSignatures())
        except RefusedMessage as refused:
            raise PermitError(str(refused)) from refused
    signers = {each.signer for each in permits}
    if not voters.decides(signers):
        weight = voters.weight_of(signers)
        raise PermitError(f"guardians of {weight} of {voters.total} permit it: more than two thirds must")
    return permit
