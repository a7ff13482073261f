"""Votes whose codes do not bear out their choice count nowhere, alone or in a certificate."""

from __future__ import annotations

import copy
import time
from pathlib import Path

import pytest

from noderr.core.consensus.actions import Decided, Payload
from noderr.core.consensus.codec import Codec
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.testing import DOMAIN, NOW_NS, SECOND_NS, keys, vote, voter_set
from noderr.core.consensus.testing_nodes import VoterNode, voting, write_voters
from noderr.core.consensus.vote_round import VoteRound
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import PeerNode, until
from noderr.types.consensus import AccountSignatures, Choice, Reason, RefusedMessage, make_certificate, sign
from noderr.types.eip712 import Domain
from noderr.validator_consensus.attestation_codec import AttestationCodec
from noderr.validator_consensus.parts import consensus_parts

KEYS = keys(4)
ALL_PASSED, ALL_FAILED, ONE_FAILED, ONE_MISSING, UNKNOWN = 0xF, 0xF << 16, 0x7 | 0x8 << 16, 0x7, 0x1F
CODEC = AttestationCodec(DOMAIN)
CONTRADICTIONS = [
    (Choice.APPROVE, ALL_FAILED),
    (Choice.APPROVE, ONE_FAILED),
    (Choice.APPROVE, ONE_MISSING),
    (Choice.APPROVE, 0),
    (Choice.APPROVE, UNKNOWN),
    (Choice.REJECT, ALL_PASSED),
    (Choice.ABSTAIN, ONE_FAILED),
]


def arrived(*payloads: Payload, codec: Codec = CODEC) -> list[Payload | RefusedMessage]:
    """What is made of a bundle of these."""
    return list(codec.decode(Codec(DOMAIN).encode(payloads)))


@pytest.mark.parametrize(
    ("choice", "codes"), [(Choice.APPROVE, ALL_PASSED), (Choice.REJECT, ONE_FAILED), (Choice.ABSTAIN, ONE_MISSING)]
)
def test_what_says_one_thing_arrives_as_it_was(choice: Choice, codes: int) -> None:
    votes = [sign(vote(choice=choice, codes=codes), key, DOMAIN) for key in KEYS]
    assert arrived(*votes, make_certificate(votes)) == [*votes, make_certificate(votes)]


@pytest.mark.parametrize(("choice", "codes"), CONTRADICTIONS)
def test_what_contradicts_itself_is_refused(choice: Choice, codes: int) -> None:
    honest = [sign(vote(choice=choice, codes=ALL_PASSED), key, DOMAIN) for key in KEYS[:3]]
    lie = sign(vote(choice=choice, codes=codes), KEYS[3], DOMAIN)
    for refused in arrived(lie, make_certificate([*honest, lie])):
        assert isinstance(refused, RefusedMessage)
        assert refused.reason is Reason.UNPROVEN


def test_what_is_no_vote_at_all_is_as_malformed_as_elsewhere() -> None:
    signed = sign(vote(codes=ALL_PASSED), KEYS[0], DOMAIN)
    certificate = make_certificate([signed])
    spoiled = copy.replace(certificate, topic=b"\1")
    [refused] = arrived(spoiled)
    assert isinstance(refused, RefusedMessage)
    assert refused.reason is Reason.MALFORMED


@pytest.mark.parametrize(("codes", "is_decided"), [(ALL_PASSED, True), (ALL_FAILED, False)])
def test_approvals_that_say_that_all_failed_decide_nothing(codes: int, is_decided: bool) -> None:
    machine = VoteRound(
        RoundContext(KEYS[0].address, voter_set(KEYS), DOMAIN, AccountSignatures()),
        round_=5,
        topic=b"\1" * 32,
        deadline_ns=NOW_NS + 30 * SECOND_NS,
        resend_ns=SECOND_NS,
    )
    votes = [sign(vote(codes=codes), key, DOMAIN) for key in KEYS[1:]]
    actions = [
        action
        for one in arrived(*votes)
        if not isinstance(one, RefusedMessage)
        for action in machine.on_message(one, NOW_NS)  # type: ignore[arg-type]  # Votes are all that was sent.
    ]
    assert any(isinstance(action, Decided) for action in actions) is is_decided


async def test_a_validator_s_node_refuses_it(tmp_path: Path) -> None:
    def make(node: NodeContext) -> ConsensusService:
        [service] = consensus_parts(node).services
        assert isinstance(service, ConsensusService)
        return service

    validator, liar = VoterNode(1, "validator", tmp_path, make), PeerNode(2, "validator")
    genesis_s = int(time.time()) - 10
    write_voters(tmp_path, [validator], tier="validator", genesis_unix_s=genesis_s, round_ms=60_000, others=[liar])
    domain = Domain("NodeOS", "1", 31337, b"\xaa" * 20)
    lie = sign(vote(tier=1, epoch=1, round=0, codes=ALL_FAILED), KEYS[0], domain)
    async with voting(validator, others=[liar]):
        await liar.network.send(validator.peer.identity.node_id, "consensus.validator", Codec(domain).encode([lie]))
        await until(
            lambda: validator.peer.sample("noderr_consensus_refused_total", protocol="validator", reason="unproven")
            == 1
        )
