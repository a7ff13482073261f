"""The trade desk among its peers: who proposes to whom, in which order, and what reaches the engine."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from noderr.core.consensus.handover import APPROVAL_TOPIC, SIGNAL_TOPIC
from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import until
from noderr.execution.desk_testing import DOMAIN, GUARDIANS, ORACLES, Network, decision, running
from noderr.types.consensus import AccountSignatures, Choice, check_signature
from noderr.types.consensus.proposal_request import ProposalRequest
from noderr.types.consensus.signal_decision import signal_decision_to_wire
from noderr.types.consensus.trade_proposal import SignalReference, trade_id


async def test_a_signal_is_proposed_and_its_approval_executed_once(tmp_path: Path) -> None:
    network = Network(tmp_path)
    desk = network.desk()
    async with running(network):
        assert desk.missing() == ()
        await network.signal()
        await network.signal()
        proposal = await network.proposal()
        assert proposal.order.quantity == Decimal("2.281")
        await network.approve(proposal)
        await network.approve(proposal)
        await until(lambda: bool(network.engine.trades))
        await until(lambda: "executing" in desk.outcomes[0])
        assert [one.proposal for one in network.engine.trades] == [proposal]
        assert len(network.heard) == 2


async def test_a_proposal_goes_out_signed_and_with_what_proves_its_signal(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.desk()
    said = decision()
    async with running(network):
        await network.tell(network.oracle, SIGNAL_TOPIC, signal_decision_to_wire(said))
        proposal = await network.proposal()
    [signed] = network.requests
    check_signature(signed, DOMAIN, AccountSignatures())
    assert signed.signer == network.validator.account.address
    assert signed.message == ProposalRequest(proposal=proposal, decision=said)
    assert proposal.id == trade_id(SignalReference.of(said.certificate), signed.signer)


async def test_what_guardians_reject_reaches_no_engine(tmp_path: Path) -> None:
    network = Network(tmp_path)
    desk = network.desk()
    async with running(network):
        await network.signal()
        proposal = await network.proposal()
        await network.approve(proposal, choice=Choice.REJECT)
        await until(lambda: "REJECT" in desk.outcomes[0])
        assert network.engine.trades == []


@pytest.mark.parametrize(
    "changes",
    [{"keys": GUARDIANS[:2]}, {"keys": ORACLES[:3]}, {"subject": b"\7" * 32}, {"expires_at_s": 1_600_000_000}],
)
async def test_an_approval_that_proves_nothing_reaches_no_engine(tmp_path: Path, changes: dict[str, Any]) -> None:
    network = Network(tmp_path)
    network.desk()
    async with running(network):
        await network.signal()
        proposal = await network.proposal()
        await network.approve(proposal, **changes)
        await network.approve(proposal)
        await until(lambda: bool(network.engine.trades))
        # The good one after it counted, so the bad one was looked at before.
        assert len(network.engine.trades) == 1


async def test_a_signal_without_a_quorum_is_not_proposed(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.desk()
    async with running(network):
        await network.signal(keys=ORACLES[:2])
        await network.signal(keys=ORACLES[:3])
        proposal = await network.proposal()
        assert proposal.signal.agreed_signal
        assert len(network.heard) == 2


async def test_strangers_are_refused(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.desk()
    async with running(network):
        with pytest.raises(PeerRefusedError, match="oracles that vote"):
            await network.tell(network.stranger, SIGNAL_TOPIC, signal_decision_to_wire(decision()))
        with pytest.raises(PeerRefusedError, match="guardians that vote"):
            await network.tell(network.oracle, APPROVAL_TOPIC, b"")
        for topic, sender in ((SIGNAL_TOPIC, network.oracle), (APPROVAL_TOPIC, network.guardian)):
            with pytest.raises(PeerRefusedError):
                await network.tell(sender, topic, b"\xff\xff")


async def test_an_engine_that_is_halted_gets_nothing_and_the_desk_goes_on(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.engine.halted = True
    desk = network.desk()
    async with running(network):
        await network.signal()
        proposal = await network.proposal()
        await network.approve(proposal)
        await until(lambda: "halted" in desk.outcomes[0])
        network.engine.halted = False
        await network.signal(round=8)
        await until(lambda: len(network.heard) == 4)


async def test_without_a_portfolio_nothing_is_proposed_and_it_says_why(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.portfolio = None
    desk = network.desk()
    async with running(network):
        await network.signal()
        await until(lambda: bool(desk.outcomes))
        assert desk.outcomes[0] == "no trade: what the account holds has no price now"


async def test_without_voters_it_says_what_it_lacks(tmp_path: Path) -> None:
    network = Network(tmp_path)
    network.node = VoterNode(1, "validator", tmp_path, knows_voters=False).context()
    desk = network.desk()
    await desk.start()
    assert "voters' file" in desk.missing()[0]
    await desk.stop()
