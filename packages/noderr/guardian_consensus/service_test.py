"""Four guardians with real keys, guards and connections vote on trades that one peer proposes to one of them."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest

from noderr.core.consensus.actions import Failure
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.status import Status
from noderr.core.consensus.testing_nodes import VoterNode, voting
from noderr.core.parts import NodeContext
from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import until
from noderr.guardian_consensus.evaluator import Refusing
from noderr.guardian_consensus.parts import consensus_parts
from noderr.guardian_consensus.service_testing import Asked, Guardians, prove
from noderr.guardian_consensus.veto import Veto
from noderr.types.consensus import Choice

LONG_MS, SHORT_MS = 4_000, 500


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
