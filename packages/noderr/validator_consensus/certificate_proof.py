"""What both checks of certificates share: is this the certificate that the report pins, and does it prove itself?"""

from __future__ import annotations

from dataclasses import dataclass

from noderr.types.consensus import Certificate, CertificateError, Signatures, verify_certificate
from noderr.types.consensus.approval import VoterSets, not_an_approval
from noderr.types.consensus.certificate_reference import CertificateReference, certificate_digest
from noderr.types.eip712 import Domain
from noderr.validator_consensus.checks import PASSED, CheckResult, failed, insufficient

_SECOND_NS = 1_000_000_000


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
        if reference != CertificateReference.of(certificate):
            return failed("the report says another epoch, round or topic than its certificate")
        objection = not_an_approval(certificate, tier)
        if objection is not None:
            return failed(objection.detail)
        voters = await self.voters.voters(tier, certificate.epoch)
        if voters is None or (voters.tier, voters.epoch) != (tier, certificate.epoch):
            return insufficient(f"who voted in epoch {certificate.epoch} of tier {tier} is not known here")
        try:
            verify_certificate(certificate, voters, self.domain, now_s=at_ns // _SECOND_NS, signatures=self.signatures)
        except CertificateError as error:
            return failed(str(error))
        return PASSED
