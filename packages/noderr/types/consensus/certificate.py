"""A quorum certificate: votes of more than two thirds of the weight for one choice on one subject.

Anyone who knows the voters of the epoch verifies it from its bytes alone, and so does the contract.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

from msgspec import Struct

from noderr.types.consensus.errors import CertificateError, Reason, RefusedMessage
from noderr.types.consensus.signed import AccountSignatures, Signatures, Signed, check_signature
from noderr.types.consensus.vote import Choice, Vote
from noderr.types.consensus.weights import VoterSet
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import checksum_address
from noderr.types.trading.errors import FieldError

_SIGNER = attrgetter("signer")


class VoterSignature(Struct, frozen=True, kw_only=True):
    """One voter's part: `codes` are in what was signed, so each voter's digest may differ."""

    voter: bytes
    codes: int
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """`signatures` ascend strictly by voter; the other fields are those of every vote in it."""

    tier: int
    epoch: int
    round: int
    topic: bytes
    subject: bytes
    choice: Choice
    expires_at_s: int
    signatures: tuple[VoterSignature, ...]

    def vote_of(self, part: VoterSignature) -> Vote:
        """What this voter signed."""
        return Vote(
            tier=self.tier,
            epoch=self.epoch,
            round=self.round,
            topic=self.topic,
            subject=self.subject,
            choice=self.choice,
            codes=part.codes,
            expires_at_s=self.expires_at_s,
        )


def make_certificate(votes: Iterable[Signed[Vote]]) -> Certificate:
    """The certificate that these votes make; they agree in all but codes. Verifying tells whether they are a quorum."""
    ordered = sorted(votes, key=_SIGNER)
    first = ordered[0].message
    return Certificate(
        tier=first.tier,
        epoch=first.epoch,
        round=first.round,
        topic=first.topic,
        subject=first.subject,
        choice=first.choice,
        expires_at_s=first.expires_at_s,
        signatures=tuple(
            [VoterSignature(voter=vote.signer, codes=vote.message.codes, signature=vote.signature) for vote in ordered]
        ),
    )


def verify_certificate(
    certificate: Certificate,
    voters: VoterSet,
    domain: Domain,
    *,
    now_s: int,
    signatures: Signatures | None = None,
) -> None:
    """Nothing, if the certificate proves what it says at `now_s` (Unix seconds). Raises `CertificateError`.

    The order of the checks is the contract's, so that both refuse a certificate for the same reason. What it is *about*
    the caller compares: tier, topic, subject and choice are what was asked for, or it proves something else.
    """
    if (certificate.tier, certificate.epoch) != (voters.tier, voters.epoch):
        raise CertificateError(
            Reason.WRONG_EPOCH,
            f"it is of tier {certificate.tier}, epoch {certificate.epoch}, "
            f"and the voters are of tier {voters.tier}, epoch {voters.epoch}",
        )
    if now_s > certificate.expires_at_s:
        raise CertificateError(Reason.EXPIRED, f"it expired at {certificate.expires_at_s}, and it is {now_s}")
    parts = certificate.signatures
    if any(not first.voter < second.voter for first, second in pairwise(parts)):
        raise CertificateError(Reason.DUPLICATE, "its voters do not ascend strictly, so one might count twice")
    for part in parts:
        if part.voter not in voters.weights:
            raise CertificateError(Reason.NOT_A_MEMBER, f"{checksum_address(part.voter)} does not vote in this epoch")
        _check_part(certificate, part, domain, signatures or AccountSignatures())
    weight = voters.weight_of([part.voter for part in parts])
    if not voters.decides([part.voter for part in parts]):
        raise CertificateError(Reason.NO_QUORUM, f"it has {weight} of {voters.total}: more than two thirds decide")


def _check_part(certificate: Certificate, part: VoterSignature, domain: Domain, signatures: Signatures) -> None:
    try:
        vote = certificate.vote_of(part)
    except FieldError as error:
        raise CertificateError(Reason.MALFORMED, str(error)) from error
    try:
        check_signature(Signed(vote, part.voter, part.signature), domain, signatures)
    except RefusedMessage as error:
        raise CertificateError(error.reason, str(error)) from error
