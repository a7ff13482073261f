"""Four guardians with real keys, guards and connections vote on trades that one peer proposes to one of them."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from noderr.core.consensus.actions import Failure
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.status import Status
from noderr.core.consensus.testing_nodes import VoterNode, voting
from noderr.core.parts import NodeContext
from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import PeerNode, until
from noderr.guardian_consensus.evaluator import Refusing
from noderr.guardian_consensus.parts import consensus_parts
from noderr.guardian_consensus.service_testing import Asked, Guardians
from noderr.guardian_consensus.veto import Veto
from noderr.types.consensus import Choice, Signed, verify_certificate
from noderr.types.consensus.proposal_request import proposal_request_to_wire
from noderr.types.consensus.trade_proposal import TradeProposal
from noderr.types.tier_numbers import GUARDIAN_TIER
from noderr.types.wire import handover_pb2 as pb

LONG_MS, SHORT_MS = 4_000, 500
STRANGER = PeerNode(96, "validator")


def prove(guardians: Guardians, proposal: TradeProposal, choice: Choice) -> None:
    """Everybody has a certificate of this choice on just this proposal, which anybody can verify."""
    for node in guardians.nodes:
        certificate = node.round_of(proposal).certificate
        assert certificate is not None
        assert node.voter is not None
        voters, domain = node.voter.context.voters, node.voter.context.domain
        verify_certificate(certificate, voters, domain, now_s=proposal.expires_at_s)
        assert (certificate.tier, certificate.choice) == (GUARDIAN_TIER, choice)
        assert (certificate.topic, certificate.subject) == (proposal.id, proposal.digest)


async def test_without_a_risk_gate_guardians_reject_and_say_why(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Refusing("the risk gate")] * 4, round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.REJECT)
        certificate = guardians.nodes[0].round_of(proposal).certificate
        assert certificate is not None
        assert {part.codes for part in certificate.signatures} == {Veto.NO_EVALUATOR}


async def test_the_node_s_own_parts_refuse_every_trade(tmp_path: Path) -> None:
    def make(node: NodeContext) -> ConsensusService:
        [service] = consensus_parts(node).services
        assert isinstance(service, ConsensusService)
        return service

    guardians = Guardians(tmp_path, [], round_ms=LONG_MS)
    nodes = [VoterNode(number, "guardian", tmp_path, make) for number in range(1, 5)]
    guardians.write_voters(tmp_path, nodes)
    async with voting(*nodes, others=[guardians.executor]):
        await guardians.next_slot()
        content = guardians.asked(guardians.proposal())
        await guardians.executor.network.send(nodes[0].peer.identity.node_id, "consensus.guardian.proposal", content)
        await until(lambda: all(node.service.describe().decisions for node in nodes))
        for node in nodes:
            [decision] = node.service.describe().decisions
            assert decision.choice == "reject"
            assert len(decision.signers) >= 3
            assert node.service.missing() == ("the risk gate is not there: every trade is rejected",)


async def test_a_trade_for_a_signal_that_is_not_proven_reaches_no_evaluator_and_is_rejected(tmp_path: Path) -> None:
    evaluators = [Asked() for _ in range(4)]
    guardians = Guardians(tmp_path, evaluators, round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        await guardians.propose_bytes(guardians.asked(proposal, decision=None))
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.REJECT)
        certificate = guardians.nodes[0].round_of(proposal).certificate
        assert certificate is not None
        assert {part.codes for part in certificate.signatures} == {Veto.WRONG_CERTIFICATE}
        assert [one.proposals for one in evaluators] == [[]] * 4


async def test_what_all_approve_is_approved_though_one_alone_was_asked(tmp_path: Path) -> None:
    evaluators = [Asked() for _ in range(4)]
    guardians = Guardians(tmp_path, evaluators, round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        await guardians.propose(proposal, to=2)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)
        assert [one.proposals for one in evaluators] == [[proposal]] * 4
        # Each guardian tells the validators, so that one that is silent keeps nobody from knowing.
        await until(lambda: len(guardians.certificates) == 4)
        for told in guardians.certificates:
            assert (told.topic, told.subject, told.choice) == (proposal.id, proposal.digest, Choice.APPROVE)


async def test_two_against_two_is_no(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked(approves=number < 2) for number in range(4)], round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        for node in guardians.nodes:
            assert node.round_of(proposal).certificate is None
            [decision] = node.service.describe().decisions
            assert decision.failure == Failure.NO_MAJORITY
            assert node.peer.sample("noderr_consensus_rounds_total", protocol="guardian", outcome="no-majority") == 1


async def test_one_against_three_does_not_stop_a_trade(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked(approves=number > 0) for number in range(4)], round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)
        assert guardians.nodes[0].account.address not in {
            part.voter for part in guardians.nodes[1].round_of(proposal).certificate.signatures  # type: ignore[union-attr]
        }


async def test_who_never_answers_means_no_and_holds_up_nothing_after(tmp_path: Path) -> None:
    # The evaluators of two guardians hang on the first proposal, and answer the second.
    evaluators = [Asked(hangs=[1] if number < 2 else []) for number in range(4)]
    guardians = Guardians(tmp_path, evaluators, round_ms=SHORT_MS)
    async with guardians.voting():
        first = guardians.proposal(1)
        await guardians.propose(first)
        await guardians.all_end(first)
        for node in guardians.nodes:
            assert node.round_of(first).status is Status.FAILED
            assert node.service.describe().decisions[0].failure == Failure.TIMEOUT
        await until(lambda: [one.given_up for one in evaluators] == [1, 1, 0, 0])
        second = guardians.proposal(2)
        await guardians.propose(second)
        await guardians.all_end(second)
        prove(guardians, second, Choice.APPROVE)


async def test_one_that_never_answers_does_not_stop_the_three(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked(hangs=[1] if number == 0 else []) for number in range(4)], round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        await guardians.propose(proposal, to=0)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)


async def test_the_same_proposal_again_opens_nothing(tmp_path: Path) -> None:
    evaluators = [Asked() for _ in range(4)]
    guardians = Guardians(tmp_path, evaluators, round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        for to in (0, 0, 1):
            await guardians.propose(proposal, to)
        await guardians.all_end(proposal)
        await guardians.propose(proposal)
        prove(guardians, proposal, Choice.APPROVE)
        assert [one.proposals for one in evaluators] == [[proposal]] * 4
        for node in guardians.nodes:
            assert node.peer.sample("noderr_consensus_rounds_total", protocol="guardian", outcome="decided") == 1


async def test_of_two_proposals_with_one_id_only_the_first_is_voted_on(tmp_path: Path) -> None:
    evaluators = [Asked() for _ in range(4)]
    guardians = Guardians(tmp_path, evaluators, round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        other = copy.replace(proposal, snapshot=b"\6" * 32)
        with pytest.raises(PeerRefusedError, match="another subject of this topic is voted on"):
            await guardians.propose(other)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)
        assert [one.proposals for one in evaluators] == [[proposal]] * 4
        assert guardians.nodes[0].refused("wrong-subject") >= 1


async def test_who_saw_a_proposal_cannot_show_another_of_its_id_first(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked() for _ in range(4)], round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        other = copy.replace(proposal, snapshot=b"\6" * 32)
        for to in range(4):
            with pytest.raises(PeerRefusedError, match="wrong-subject"):
                await guardians.propose_bytes(guardians.asked(other, guardians.rival), to)
            with pytest.raises(PeerRefusedError, match="bad-signature"):
                await guardians.propose_bytes(_exchanged(guardians, proposal=other), to)
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)


async def test_one_executor_has_so_many_rounds_at_once_and_the_other_s_go_on(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked(hangs=range(1_000, 1_100)) for _ in range(4)], round_ms=LONG_MS)
    rival = guardians.rival

    def asked(number: int) -> bytes:
        return guardians.asked(guardians.proposal(number, executor=rival), rival)

    async with guardians.voting():
        for number in range(1_000, 1_032):
            await guardians.propose_bytes(asked(number))
        for number in range(1_032, 1_040):
            with pytest.raises(PeerRefusedError, match="too-many"):
                await guardians.propose_bytes(asked(number))
        assert guardians.nodes[0].refused("too-many") == 8
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)


async def test_an_executor_has_room_again_when_its_rounds_are_over(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked(hangs=range(1_000, 1_100)) for _ in range(4)], round_ms=LONG_MS)
    async with guardians.voting():
        expires_at_s = int(time.time()) + 2
        for number in range(1_000, 1_032):
            await guardians.propose(guardians.proposal(number, expires_at_s=expires_at_s))
        with pytest.raises(PeerRefusedError, match="too-many"):
            await guardians.propose(guardians.proposal())
        await until(lambda: time.time() > expires_at_s)
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)


async def test_two_proposals_with_one_id_shown_to_two_each_are_never_both_approved(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked() for _ in range(4)], round_ms=SHORT_MS)
    async with guardians.voting():
        one = guardians.proposal()
        other = copy.replace(one, snapshot=b"\6" * 32)
        for to, shown in enumerate([one, other, one, other]):
            try:
                await guardians.propose(shown, to)
            except PeerRefusedError as refused:
                # The first had been passed on to it before.
                assert "another subject" in str(refused)  # noqa: PT017  (it need not be refused)
        await guardians.all_end(one)
        certificates = [node.round_of(one).certificate for node in guardians.nodes]
        assert len({found.subject for found in certificates if found is not None}) <= 1
        for node in guardians.nodes:
            assert node.peer.sample("noderr_consensus_equivocations_total", protocol="guardian") == 0


REFUSALS: dict[str, tuple[str, Callable[[Guardians], bytes]]] = {
    "expired": ("expired", lambda them: _changed(them, expires_at_s=them.genesis_s)),
    "future": ("future", lambda them: them.asked(them.proposal(rounds_ahead=3))),
    "replayed": ("replayed", lambda them: them.asked(them.proposal(rounds_ahead=-2))),
    "wrong epoch": ("wrong-epoch", lambda them: _changed(them, epoch=2)),
    "a stranger's": ("not-a-member", lambda them: them.asked(them.proposal(executor=STRANGER), STRANGER)),
    "another's id": ("wrong-subject", lambda them: them.asked(them.proposal(), them.rival)),
    "an id of one's own making": ("wrong-subject", lambda them: them.asked(them.proposal(id=b"\7" * 32))),
    "not signed": ("bad-signature", lambda them: _signed_by(them, b"\1" * 65)),
    "signed by another": ("bad-signature", lambda them: _signed_by(them, _rival_s_signature(them))),
    "another trade under the signature": ("bad-signature", lambda them: _exchanged(them, proposal=_another(them))),
    "a proof taken away": ("bad-signature", lambda them: _exchanged(them, decision=None)),
    "no protobuf": ("malformed", lambda _them: b"\xff" * 40),
    "nothing": ("malformed", lambda _them: b""),
    "a digest too short": ("malformed", lambda them: _short_digest(them.asked(them.proposal()))),
    "oversized": ("oversized", lambda _them: bytes(600_000)),
}


def _short_digest(content: bytes) -> bytes:
    message = pb.ProposalRequest.FromString(content)
    message.proposal.snapshot = message.proposal.snapshot[1:]
    return message.SerializeToString()


def _signed_by(guardians: Guardians, signature: bytes) -> bytes:
    message = pb.ProposalRequest.FromString(guardians.asked(guardians.proposal()))
    message.signature = signature
    return message.SerializeToString()


def _rival_s_signature(guardians: Guardians) -> bytes:
    return guardians.signed(guardians.proposal(), guardians.rival).signature


def _another(guardians: Guardians) -> TradeProposal:
    """Of the same id."""
    return guardians.proposal(snapshot=b"\6" * 32)


def _exchanged(guardians: Guardians, **changes: Any) -> bytes:
    """What the executor signed, and under its signature something else."""
    honest = guardians.signed(guardians.proposal())
    return proposal_request_to_wire(Signed(copy.replace(honest.message, **changes), honest.signer, honest.signature))


def _changed(guardians: Guardians, **changes: Any) -> bytes:
    base = guardians.proposal()
    order = copy.replace(base.order, created_at_ns=(guardians.genesis_s - 60) * 10**9)
    return guardians.asked(copy.replace(base, order=order, **changes))


async def test_proposals_that_do_not_count_are_refused_by_their_reason(tmp_path: Path) -> None:
    evaluators = [Asked() for _ in range(4)]
    guardians = Guardians(tmp_path, evaluators, round_ms=LONG_MS)
    async with guardians.voting():
        first = guardians.nodes[0]
        for name, (reason, make) in REFUSALS.items():
            before = first.refused(reason)
            with pytest.raises(PeerRefusedError, match=reason):
                await guardians.propose_bytes(make(guardians))
            assert first.refused(reason) == before + 1, name
        assert [one.proposals for one in evaluators] == [[]] * 4
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        prove(guardians, proposal, Choice.APPROVE)


async def test_a_guardian_that_was_restarted_signs_nothing_twice(tmp_path: Path) -> None:
    guardians = Guardians(tmp_path, [Asked() for _ in range(4)], round_ms=LONG_MS)
    async with guardians.voting():
        proposal = guardians.proposal()
        await guardians.propose(proposal)
        await guardians.all_end(proposal)
        first = guardians.nodes[0]
        await first.stop()
        first.voter = None
        await first.start()
        await until(lambda: first.voter is not None)
        # It has forgotten the round, and is shown another trade under the same id.
        await guardians.propose(copy.replace(proposal, snapshot=b"\6" * 32))
        await until(lambda: first.peer.sample("noderr_consensus_guarded_total", protocol="guardian") == 1)
        # The same as before it may say again, as often as it likes: after one more start it does.
        await first.stop()
        first.voter = None
        await first.start()
        await until(lambda: first.voter is not None)
        await guardians.propose(proposal)
        await until(lambda: first.has_opened(proposal) and first.round_of(proposal).status is Status.DECIDED)
        assert first.round_of(proposal).certificate is not None
        for node in guardians.nodes:
            assert node.peer.sample("noderr_consensus_equivocations_total", protocol="guardian") == 0
