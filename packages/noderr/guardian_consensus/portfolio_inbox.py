"""Portfolios that validators send, for the proposals that name them by their digest."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from noderr.core.consensus.handover import PORTFOLIO_TOPIC, TierNodes
from noderr.core.peers import PeerNetwork
from noderr.core.peers.errors import MessageRefusedError
from noderr.guardian_consensus.risk_evaluator import SnapshotBook
from noderr.risk_engine import PortfolioSnapshot
from noderr.types.errors import TypesError
from noderr.types.trading.portfolio_on_wire import portfolio_from_wire
from noderr.types.wire import trading_pb2 as pb

_MAX_BYTES = 64 * 1024


class PortfolioInbox:
    """Takes them from validators that vote, once it knows who they are; from nobody before.

    What a portfolio says is its sender's word: two guardians that have it judge alike, and neither has proof of it.
    """

    def __init__(self, peers: PeerNetwork, snapshots: SnapshotBook) -> None:
        self._snapshots = snapshots
        self.validators: TierNodes | None = None
        peers.on(PORTFOLIO_TOPIC, self._take)

    async def _take(self, sender: str, content: bytes) -> None:
        if self.validators is None or not self.validators.has(sender):
            raise MessageRefusedError("portfolios are taken from validators that vote, and the sender is none here")
        if len(content) > _MAX_BYTES:
            raise MessageRefusedError(f"a portfolio of {len(content)} bytes: at most {_MAX_BYTES}")
        try:
            portfolio = portfolio_from_wire(pb.Portfolio.FromString(content))
        except (DecodeError, TypesError) as error:
            raise MessageRefusedError(f"no portfolio: {error}") from error
        self._snapshots.add(sender, PortfolioSnapshot.of(portfolio))
