"""Portfolios come from validators that vote, whole, or not at all."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from noderr.core.consensus.handover import PORTFOLIO_TOPIC, TierNodes
from noderr.core.consensus.membership import Membership
from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import PeerNode, connected
from noderr.guardian_consensus.portfolio_inbox import PortfolioInbox
from noderr.guardian_consensus.risk_evaluator import SnapshotBook
from noderr.risk_engine.testing import NOW_NS, snapshot
from noderr.types.consensus import VoterSet
from noderr.types.eip712 import Domain
from noderr.types.tier_numbers import VALIDATOR_TIER
from noderr.types.trading.portfolio_on_wire import portfolio_to_wire

ACCOUNT, OTHER = b"\x01" * 20, b"\x02" * 20
PORTFOLIO = portfolio_to_wire(snapshot()).SerializeToString()


class Inbox:
    """A guardian with its inbox, two validators that vote and one that does not."""

    def __init__(self) -> None:
        self.guardian = PeerNode(1, "guardian")
        self.validator, self.other, self.stranger = (PeerNode(number, "validator") for number in (2, 3, 4))
        self.snapshots = SnapshotBook()
        self.inbox = PortfolioInbox(self.guardian.network, self.snapshots)

    def learn(self) -> None:
        sets = {VALIDATOR_TIER: VoterSet(VALIDATOR_TIER, 1, {ACCOUNT: 1, OTHER: 1})}
        nodes = {ACCOUNT: self.validator.identity.node_id, OTHER: self.other.identity.node_id}
        membership = Membership(Domain("NodeOS", "1", 31337, b"\xaa" * 20), 0, sets, nodes, {})
        self.inbox.validators = TierNodes(self.guardian.network, membership, VALIDATOR_TIER)

    async def send(self, sender: PeerNode, content: bytes = PORTFOLIO) -> None:
        await sender.network.send(self.guardian.identity.node_id, PORTFOLIO_TOPIC, content)


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    made = Inbox()
    async with connected(made.guardian, made.validator, made.other, made.stranger):
        yield made


async def test_a_validator_s_portfolio_is_known_by_its_digest(inbox: Inbox) -> None:
    inbox.learn()
    await inbox.send(inbox.validator)
    assert inbox.snapshots.get(snapshot().digest) == snapshot()


async def test_one_validator_s_portfolios_push_out_no_other_s(inbox: Inbox) -> None:
    inbox.learn()
    await inbox.send(inbox.validator)
    newer = [snapshot(as_of_ns=NOW_NS + number) for number in range(1, 101)]
    for each in newer:
        await inbox.send(inbox.other, portfolio_to_wire(each).SerializeToString())
    assert inbox.snapshots.get(snapshot().digest) == snapshot()
    assert inbox.snapshots.get(newer[-1].digest) == newer[-1]
    assert inbox.snapshots.get(newer[0].digest) is None
    assert len(inbox.snapshots) < 64


async def test_nobody_s_is_taken_before_it_is_known_who_votes(inbox: Inbox) -> None:
    with pytest.raises(PeerRefusedError, match="taken from validators that vote"):
        await inbox.send(inbox.validator)
    assert len(inbox.snapshots) == 0


async def test_who_does_not_vote_is_refused(inbox: Inbox) -> None:
    inbox.learn()
    with pytest.raises(PeerRefusedError, match="taken from validators that vote"):
        await inbox.send(inbox.stranger)
    assert len(inbox.snapshots) == 0


@pytest.mark.parametrize("content", [b"", b"\xff", PORTFOLIO[:-4]])
async def test_what_is_no_portfolio_is_refused(inbox: Inbox, content: bytes) -> None:
    inbox.learn()
    with pytest.raises(PeerRefusedError, match="no portfolio"):
        await inbox.send(inbox.validator, content)
    assert len(inbox.snapshots) == 0


async def test_what_is_larger_than_any_portfolio_is_refused(inbox: Inbox) -> None:
    inbox.learn()
    many = portfolio_to_wire(snapshot())
    while many.ByteSize() <= 64 * 1024:
        many.open_orders.add(client_order_id=f"a-{len(many.open_orders)}", symbol="BTC/USD", quantity="1")
    with pytest.raises(PeerRefusedError, match="at most 65536"):
        await inbox.send(inbox.validator, many.SerializeToString())
    assert len(inbox.snapshots) == 0
