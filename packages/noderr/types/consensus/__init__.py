"""Votes, quorums, certificates and evidence: what all three protocols share and anyone can verify."""

from noderr.types.consensus.certificate import Certificate, VoterSignature, make_certificate, verify_certificate
from noderr.types.consensus.errors import CertificateError, Reason, RefusedMessage, WeightError
from noderr.types.consensus.evidence import Evidence, message_slot, verify_evidence
from noderr.types.consensus.signed import (
    AccountSignatures,
    ProtocolMessage,
    Signatures,
    Signed,
    TypedMessage,
    check_signature,
    sign,
)
from noderr.types.consensus.vote import VOTE_TYPE, Choice, Vote
from noderr.types.consensus.weights import VoterSet, has_quorum, max_faulty

__all__ = [
    "VOTE_TYPE",
    "AccountSignatures",
    "Certificate",
    "CertificateError",
    "Choice",
    "Evidence",
    "ProtocolMessage",
    "Reason",
    "RefusedMessage",
    "Signatures",
    "Signed",
    "TypedMessage",
    "Vote",
    "VoterSet",
    "VoterSignature",
    "WeightError",
    "check_signature",
    "has_quorum",
    "make_certificate",
    "max_faulty",
    "message_slot",
    "sign",
    "verify_certificate",
    "verify_evidence",
]
