"""What both checks of certificates share: is this the certificate that the report pins, and does it prove itself?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from noderr.types.consensus import (
    Certificate,
    CertificateError,
    Choice,
    Signatures,
    VoterSet,
    verify_certificate,
)
from noderr.types.consensus.certificate_reference import CertificateReference, certificate_digest
from noderr.types.eip712 import Domain
from noderr.validator_consensus.checks import PASSED, CheckResult, failed, insufficient

_SECOND_NS = 1_000_000_000


class VoterSets(Protocol):
    """Who voted in an epoch: the registry on the chain, or what stands for it."""

    async def voters(self, tier: int, epoch: int) -> VoterSet | None:
        """None when it does not know. May raise any `Exception`."""


@dataclass(frozen=True, slots=True)
class CertificateRules:
    """Where certificates count, and who signs them."""

    voters: VoterSets
    domain: Domain
    signatures: Signatures | None = None

    async def prove(
        self, certificate: Certificate | None, reference: CertificateReference, tier: int, at_ns: int
    ) -> CheckResult:
        """Whether it is the one referred to, of this tier, an approval by a quorum, and not expired at `at_ns`."""
        if certificate is None or certificate_digest(certificate) != reference.certificate:
            return insufficient("the certificate that the report refers to is missing")
        wrong = _wrong(certificate, reference, tier)
        if wrong is not None:
            return failed(wrong)
        voters = await self.voters.voters(tier, certificate.epoch)
        if voters is None or (voters.tier, voters.epoch) != (tier, certificate.epoch):
            return insufficient(f"who voted in epoch {certificate.epoch} of tier {tier} is not known here")
        try:
            verify_certificate(certificate, voters, self.domain, now_s=at_ns // _SECOND_NS, signatures=self.signatures)
        except CertificateError as error:
            return failed(str(error))
        return PASSED


def _wrong(certificate: Certificate, reference: CertificateReference, tier: int) -> str | None:
    if reference != CertificateReference.of(certificate):
        return "the report says another epoch, round or topic than its certificate"
    if certificate.tier != tier:
        return f"the certificate is of tier {certificate.tier}, and it must be of tier {tier}"
    if certificate.choice is not Choice.APPROVE:
        return f"the certificate says {certificate.choice.name}"
    return None
