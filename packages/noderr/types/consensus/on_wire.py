"""Votes and certificates as protobuf messages (`wire/consensus.proto`) and back.

What does not make sense becomes nothing: reading raises `RefusedMessage` with the reason MALFORMED.
"""

from __future__ import annotations

from noderr.types.consensus.batch_signature import is_signature_length
from noderr.types.consensus.certificate import Certificate, VoterSignature
from noderr.types.consensus.errors import Reason, RefusedMessage
from noderr.types.consensus.signed import Signed
from noderr.types.consensus.vote import Choice, Vote
from noderr.types.consensus.weights import MAX_VOTERS
from noderr.types.errors import TypesError
from noderr.types.signing.account_key import ADDRESS_BYTES, SIGNATURE_BYTES
from noderr.types.trading.checks import check_bytes
from noderr.types.trading.errors import FieldError
from noderr.types.wire import consensus_pb2 as pb

_CHOICES = {int(choice): choice for choice in Choice}


def vote_to_wire(signed: Signed[Vote]) -> pb.VoterMessage:
    vote = signed.message
    return pb.VoterMessage(
        signer=signed.signer,
        signature=signed.signature,
        vote=pb.Vote(
            tier=vote.tier,
            epoch=vote.epoch,
            round=vote.round,
            topic=vote.topic,
            subject=vote.subject,
            choice=int(vote.choice),
            codes=vote.codes,
            expires_at_unix_s=vote.expires_at_s,
        ),
    )


def vote_from_wire(message: pb.VoterMessage) -> Signed[Vote]:
    """Raises `RefusedMessage`."""
    body = message.vote
    try:
        vote = Vote(
            tier=body.tier,
            epoch=body.epoch,
            round=body.round,
            topic=body.topic,
            subject=body.subject,
            choice=_choice(body.choice),
            codes=body.codes,
            expires_at_s=body.expires_at_unix_s,
        )
        return Signed(vote, *signature_of(message.signer, message.signature))
    except TypesError as error:
        raise RefusedMessage(Reason.MALFORMED, str(error)) from error


def certificate_to_wire(certificate: Certificate) -> pb.Certificate:
    return pb.Certificate(
        tier=certificate.tier,
        epoch=certificate.epoch,
        round=certificate.round,
        topic=certificate.topic,
        subject=certificate.subject,
        choice=int(certificate.choice),
        expires_at_unix_s=certificate.expires_at_s,
        signatures=[
            pb.VoterSignature(voter=part.voter, codes=part.codes, signature=part.signature)
            for part in certificate.signatures
        ],
    )


def certificate_from_wire(message: pb.Certificate) -> Certificate:
    """What it says; whether that is proven, `verify_certificate` tells. Raises `RefusedMessage`."""
    if len(message.signatures) > MAX_VOTERS:
        raise RefusedMessage(Reason.OVERSIZED, f"{len(message.signatures)} signatures: at most {MAX_VOTERS} can vote")
    try:
        parts = [(*signature_of(part.voter, part.signature), part.codes) for part in message.signatures]
        certificate = Certificate(
            tier=message.tier,
            epoch=message.epoch,
            round=message.round,
            topic=message.topic,
            subject=message.subject,
            choice=_choice(message.choice),
            expires_at_s=message.expires_at_unix_s,
            signatures=tuple(
                VoterSignature(voter=voter, codes=codes, signature=signature) for voter, signature, codes in parts
            ),
        )
        # The fields are those of a vote: it refuses what makes none.
        certificate.vote_of(VoterSignature(voter=bytes(ADDRESS_BYTES), codes=0, signature=b""))
    except TypesError as error:
        raise RefusedMessage(Reason.MALFORMED, str(error)) from error
    return certificate


def signature_of(signer: bytes, signature: bytes) -> tuple[bytes, bytes]:
    """Both, if they have the length of an address and a signature. Raises `FieldError`."""
    check_bytes(pb.VoterMessage, "signer", signer, ADDRESS_BYTES)
    check_bytes(pb.VoterMessage, "signature", signature, SIGNATURE_BYTES)
    return signer, signature


def batch_signature_of(signer: bytes, signature: bytes) -> tuple[bytes, bytes]:
    """The same of a signature that may be a batch's."""
    check_bytes(pb.VoterMessage, "signer", signer, ADDRESS_BYTES)
    if not is_signature_length(len(signature)):
        raise FieldError(
            "VoterMessage", "signature", f"{len(signature)} bytes", "65 bytes, or a batch's with its proof"
        )
    return signer, signature


def _choice(number: int) -> Choice:
    choice = _CHOICES.get(number)
    if choice is None:
        raise FieldError("Vote", "choice", number, f"one of {', '.join(map(str, _CHOICES))}")
    return choice
