"""One certificate, pinned to the byte: who refers to it cannot be shown another one for the same subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from noderr.types.consensus.certificate import Certificate
from noderr.types.consensus.vote import MAX_U64
from noderr.types.eip712 import parse_struct_type
from noderr.types.trading.checks import check_bytes, check_integer

CERTIFICATE_TYPE = parse_struct_type(
    "Certificate(uint8 tier,uint64 epoch,uint64 round,bytes32 topic,bytes32 subject,uint8 choice,uint64 expiresAt,"
    "VoterSignature[] signatures)VoterSignature(address voter,uint32 codes,bytes signature)"
)
CERTIFICATE_REFERENCE_STRUCT = "CertificateReference(uint64 epoch,uint64 round,bytes32 topic,bytes32 certificate)"


def certificate_digest(certificate: Certificate) -> bytes:
    """`hashStruct` of the certificate with its signatures, 32 bytes."""
    return CERTIFICATE_TYPE.hash_struct(
        {
            "tier": certificate.tier,
            "epoch": certificate.epoch,
            "round": certificate.round,
            "topic": certificate.topic,
            "subject": certificate.subject,
            "choice": int(certificate.choice),
            "expiresAt": certificate.expires_at_s,
            "signatures": [
                {"voter": part.voter, "codes": part.codes, "signature": part.signature}
                for part in certificate.signatures
            ],
        }
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateReference:
    """Where to look for a certificate (epoch, round, topic), and its `certificate_digest`."""

    epoch: int
    round: int
    topic: bytes
    certificate: bytes

    def __post_init__(self) -> None:
        check_integer(self, "epoch", self.epoch, 0, MAX_U64)
        check_integer(self, "round", self.round, 0, MAX_U64)
        check_bytes(self, "topic", self.topic, 32)
        check_bytes(self, "certificate", self.certificate, 32)

    @classmethod
    def of(cls, certificate: Certificate) -> CertificateReference:
        """The reference to this one."""
        return cls(
            epoch=certificate.epoch,
            round=certificate.round,
            topic=certificate.topic,
            certificate=certificate_digest(certificate),
        )

    def struct(self) -> Mapping[str, object]:
        """The members of `CERTIFICATE_REFERENCE_STRUCT`."""
        return {"epoch": self.epoch, "round": self.round, "topic": self.topic, "certificate": self.certificate}
