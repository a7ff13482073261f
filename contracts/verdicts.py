"""One question to Python and to the contract: what each says of a certificate, and of evidence, in the same words."""

from __future__ import annotations

from collections.abc import Callable

from contracts.deployment import Deployment
from contracts.evm import Reverted
from noderr.types.consensus import (
    AccountSignatures,
    Certificate,
    Choice,
    Evidence,
    Reason,
    RefusedMessage,
    Vote,
    VoterSet,
    verify_certificate,
    verify_evidence,
)

type Verdict = int | bytes | str
"""The weight or the offender that is proven, or the name of the error."""

type SignatureTuple = tuple[bytes, int, bytes]
type CertificateTuple = tuple[int, int, int, bytes, bytes, int, int, list[SignatureTuple]]
type VoteTuple = tuple[int, int, int, bytes, bytes, int, int, int]


def certificate_tuple(certificate: Certificate) -> CertificateTuple:
    """As the contract takes it."""
    return (
        certificate.tier,
        certificate.epoch,
        certificate.round,
        certificate.topic,
        certificate.subject,
        certificate.choice,
        certificate.expires_at_s,
        [(part.voter, part.codes, part.signature) for part in certificate.signatures],
    )


def vote_tuple(vote: Vote) -> VoteTuple:
    """As the contract takes it."""
    return (
        vote.tier,
        vote.epoch,
        vote.round,
        vote.topic,
        vote.subject,
        vote.choice,
        vote.codes,
        vote.expires_at_s,
    )


def error_name(reason: Reason) -> str:
    """The contract's error for it: `not-a-member` is `NotAMember`."""
    return "".join(word.capitalize() for word in reason.split("-"))


def contract_certificate(deployment: Deployment, certificate: Certificate) -> Verdict:
    """What the contract says, at its chain's time."""
    return _refusable(lambda: int(deployment.verifier.read("verify", certificate_tuple(certificate))))


def python_certificate(deployment: Deployment, voters: VoterSet, certificate: Certificate) -> Verdict:
    """What Python says, at the same time."""

    def verdict() -> int:
        if certificate.choice not in list(Choice):
            # No `Certificate` that was read from bytes gets this far: there is no such `Choice`.
            raise RefusedMessage(Reason.MALFORMED, "choice")
        verify_certificate(certificate, voters, deployment.domain, now_s=deployment.evm.now_s)
        return voters.weight_of([part.voter for part in certificate.signatures])

    return _refusable(verdict)


def contract_evidence(deployment: Deployment, evidence: Evidence[Vote]) -> Verdict:
    """What the contract says; it finds the signers itself."""
    first, second = evidence.first, evidence.second
    votes = vote_tuple(first.message), vote_tuple(second.message)

    def verdict() -> bytes:
        found = deployment.verifier.read("isEquivocation", *votes, first.signature, second.signature)
        return bytes.fromhex(found.removeprefix("0x"))

    return _refusable(verdict)


def python_evidence(deployment: Deployment, evidence: Evidence[Vote]) -> Verdict:
    """What Python says."""

    def verdict() -> bytes:
        verify_evidence(evidence, deployment.domain, AccountSignatures())
        return evidence.offender

    return _refusable(verdict)


def _refusable(verdict: Callable[[], Verdict]) -> Verdict:
    try:
        return verdict()
    except Reverted as reverted:
        return reverted.name
    except RefusedMessage as refused:
        return error_name(refused.reason)
