"""The messages of an oracles' round as protobuf (`wire/consensus.proto`) and back."""

from __future__ import annotations

from functools import lru_cache

from noderr.oracle_consensus.messages import MAX_SEEN, Commit, Observation, Report, Reveal
from noderr.types.consensus import ProtocolMessage, Reason, RefusedMessage, Signed
from noderr.types.consensus.on_wire import batch_signature_of, signature_of
from noderr.types.consensus.weights import MAX_VOTERS
from noderr.types.errors import TypesError
from noderr.types.wire import consensus_pb2 as pb

# Every reveal comes twice, by itself and in the leader's report. Two rounds of dozens of markets fit.
_KNOWN_REVEALS = 4096
# Nobody has proven who signed what is remembered, so it is bounded: by 20 MB for all. Two dozen oracles fit.
_KNOWN_BYTES = 1024


def oracle_to_wire(signed: Signed[ProtocolMessage]) -> pb.VoterMessage:
    """Raises `TypeError` for what is no message of an oracle."""
    message, wire = signed.message, pb.VoterMessage(signer=signed.signer, signature=signed.signature)
    match message:
        case Commit():
            wire.commit.CopyFrom(
                pb.Commit(
                    epoch=message.epoch,
                    round=message.round,
                    topic=message.topic,
                    commitment=message.commitment,
                )
            )
        case Reveal():
            wire.reveal.CopyFrom(_reveal_to_wire(message))
        case Report():
            wire.report.CopyFrom(_report_to_wire(message))
        case _:
            raise TypeError(f"{type(message).__name__} is no message of an oracles' round")
    return wire


def oracle_from_wire(message: pb.VoterMessage) -> Signed[ProtocolMessage]:
    """Raises `RefusedMessage`."""
    try:
        match message.WhichOneof("body"):
            case "commit":
                body = message.commit
                commit = Commit(epoch=body.epoch, round=body.round, topic=body.topic, commitment=body.commitment)
                return Signed(commit, *batch_signature_of(message.signer, message.signature))
            case "reveal":
                return _signed_reveal(message.signer, message.signature, message.reveal)
            case "report":
                return Signed(_report_from_wire(message.report), *signature_of(message.signer, message.signature))
    except TypesError as error:
        raise error if isinstance(error, RefusedMessage) else RefusedMessage(Reason.MALFORMED, str(error)) from error
    raise RefusedMessage(Reason.MALFORMED, "neither a commitment nor a reveal nor a report")


def _reveal_to_wire(reveal: Reveal) -> pb.Reveal:
    seen = reveal.observation
    return pb.Reveal(
        epoch=reveal.epoch,
        round=reveal.round,
        topic=reveal.topic,
        observation=pb.Observation(
            abstain=seen.abstain,
            prediction_e8=seen.prediction_e8,
            confidence_bps=seen.confidence_bps,
            mid_price_e8=seen.mid_price_e8,
            observed_at_unix_s=seen.observed_at_s,
            model_hash=seen.model_hash,
        ),
        salt=reveal.salt,
        seen=reveal.seen,
    )


def _signed_reveal(signer: bytes, signature: bytes, body: pb.Reveal) -> Signed[Reveal]:
    """Mostly the same object for the same reveal, which then knows its hashes. Raises a `TypesError`.

    What a peer adds of fields that nobody knows is part of what is compared, and of what is bounded.
    """
    content = body.SerializeToString()
    if len(content) > _KNOWN_BYTES:
        return Signed(_reveal_from_wire(body), *batch_signature_of(signer, signature))
    return _known_reveal(signer, signature, content)


@lru_cache(_KNOWN_REVEALS)
def _known_reveal(signer: bytes, signature: bytes, content: bytes) -> Signed[Reveal]:
    return Signed(_reveal_from_wire(pb.Reveal.FromString(content)), *batch_signature_of(signer, signature))


def _reveal_from_wire(body: pb.Reveal) -> Reveal:
    if len(body.seen) > MAX_SEEN:
        raise RefusedMessage(Reason.OVERSIZED, f"a reveal with {len(body.seen)} commitments: at most {MAX_SEEN}")
    seen = body.observation
    return Reveal(
        epoch=body.epoch,
        round=body.round,
        topic=body.topic,
        observation=Observation(
            abstain=seen.abstain,
            prediction_e8=seen.prediction_e8,
            confidence_bps=seen.confidence_bps,
            mid_price_e8=seen.mid_price_e8,
            observed_at_s=seen.observed_at_unix_s,
            model_hash=seen.model_hash,
        ),
        salt=body.salt,
        seen=tuple(body.seen),
    )


def _report_to_wire(report: Report) -> pb.Report:
    return pb.Report(
        epoch=report.epoch,
        round=report.round,
        topic=report.topic,
        view=report.view,
        subject=report.subject,
        reveals=[
            pb.SignedReveal(signer=one.signer, signature=one.signature, reveal=_reveal_to_wire(one.message))
            for one in report.reveals
        ],
    )


def _report_from_wire(body: pb.Report) -> Report:
    if len(body.reveals) > MAX_VOTERS:
        raise RefusedMessage(Reason.OVERSIZED, f"a report with {len(body.reveals)} reveals: at most {MAX_VOTERS}")
    return Report(
        epoch=body.epoch,
        round=body.round,
        topic=body.topic,
        view=body.view,
        subject=body.subject,
        reveals=tuple(_signed_reveal(one.signer, one.signature, one.reveal) for one in body.reveals),
    )
