"""Evidence as bytes that stand alone: a bundle for one chain and contract, of just the two messages, in one order."""

from __future__ import annotations

from noderr.core.consensus.codec import MAX_BUNDLE_BYTES, Codec
from noderr.types.consensus import (
    Certificate,
    Evidence,
    ProtocolMessage,
    Reason,
    RefusedMessage,
    Signatures,
    Signed,
    verify_evidence,
)

# Two reports of a committee of 15 have 22 kB; of the largest that may be, 80, half a megabyte.
MAX_EVIDENCE_BYTES = MAX_BUNDLE_BYTES


def canonical[M: ProtocolMessage](evidence: Evidence[M]) -> Evidence[M]:
    """The same pair in its one order: ascending by what was signed."""
    first, second = evidence.first, evidence.second
    return Evidence(second, first) if second.message.struct_hash < first.message.struct_hash else evidence


def evidence_to_bytes(evidence: Evidence[ProtocolMessage], codec: Codec) -> bytes:
    """One text for one pair. Raises `RefusedMessage` when it would be too large, `TypeError` as the codec does."""
    ordered = canonical(evidence)
    content = codec.encode([ordered.first, ordered.second])
    if len(content) > MAX_EVIDENCE_BYTES:
        raise RefusedMessage(
            Reason.OVERSIZED, f"evidence of {len(content)} bytes: at most {MAX_EVIDENCE_BYTES} are kept"
        )
    return content


def evidence_from_bytes(content: bytes, codec: Codec, signatures: Signatures) -> Evidence[ProtocolMessage]:
    """Evidence that is proven, and written as `evidence_to_bytes` writes it. Raises `RefusedMessage`."""
    if len(content) > MAX_EVIDENCE_BYTES:
        raise RefusedMessage(Reason.OVERSIZED, f"{len(content)} bytes: evidence has at most {MAX_EVIDENCE_BYTES}")
    signed: list[Signed[ProtocolMessage]] = []
    for payload in codec.decode(content):
        if isinstance(payload, RefusedMessage):
            raise payload
        if isinstance(payload, Certificate):
            raise RefusedMessage(Reason.MALFORMED, "a certificate is no evidence: two messages of one signer are")
        signed.append(payload)
    if len(signed) != 2:
        raise RefusedMessage(Reason.MALFORMED, f"{len(signed)} messages: evidence has 2")
    evidence = Evidence(*signed)
    if evidence_to_bytes(evidence, codec) != content:
        raise RefusedMessage(Reason.MALFORMED, "the evidence is not written in its one way")
    verify_evidence(evidence, codec.domain, signatures)
    return evidence
