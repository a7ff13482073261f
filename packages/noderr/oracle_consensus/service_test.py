"""Four oracles with real keys, guards and connections agree on signals, round after round."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from noderr.core.consensus.description import Decision
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.testing_nodes import MakeService, VoterNode, voting, write_voters
from noderr.core.consensus.voter import ProtocolFacts
from noderr.core.parts import NodeContext
from noderr.core.peers.testing import until
from noderr.oracle_consensus.market import Market
from noderr.oracle_consensus.messages import Observation
from noderr.oracle_consensus.parts import PERIOD_NS, oracle_codec
from noderr.oracle_consensus.rounds import Blind, Observer, OracleRounds
from noderr.types.signing.account_key import parse_address

MODEL = b"\7" * 32
MARKET = Market(symbol="BTC/USD", horizon_seconds=300, models=frozenset({MODEL}))
_ROUND_MS = 1_000


class Rising:
    """Sees every market rise a little, each node a little differently."""

    def __init__(self, number: int) -> None:
        self._number = number

    async def observe(self, market: Market, at_s: int) -> Observation:
        return Observation(
            prediction_e8=1_000_000 + self._number,
            confidence_bps=8_000,
            mid_price_e8=64_000 * 10**8,
            observed_at_s=at_s,
            model_hash=MODEL,
        )

    def missing(self) -> Sequence[str]:
        return ()


def oracles(folder: Path, observers: Sequence[Observer]) -> list[VoterNode]:
    def service_of(observer: Observer) -> MakeService:
        def make(node: NodeContext) -> ConsensusService:
            facts = ProtocolFacts(tier="oracle", period_ns=PERIOD_NS, codec=oracle_codec)
            return ConsensusService(node, facts, OracleRounds([MARKET], observer))

        return make

    nodes = [VoterNode(number, "oracle", folder, service_of(observer)) for number, observer in enumerate(observers, 1)]
    write_voters(folder, nodes, tier="oracle", genesis_unix_s=int(time.time()) - 10, round_ms=_ROUND_MS)
    return nodes


def decided(node: VoterNode) -> dict[int, Decision]:
    return {one.round: one for one in node.service.describe().decisions if one.choice is not None}


async def test_four_oracles_agree_on_a_signal_in_every_round(tmp_path: Path) -> None:
    nodes = oracles(tmp_path, [Rising(number) for number in range(4)])
    async with voting(*nodes):
        await until(lambda: all(len(decided(node)) >= 3 for node in nodes), 20)
        rounds = set.intersection(*(set(decided(node)) for node in nodes))
        for number in rounds:
            assert len({decided(node)[number].subject for node in nodes}) == 1
        words = decided(nodes[0])[min(rounds)].content
        assert words == "BUY BTC/USD: +1.0000 % in 300 s, confidence 80.0 %"
        assert nodes[0].service.missing() == ()
        assert nodes[0].peer.sample("noderr_consensus_rounds_total", protocol="oracle", outcome="decided") >= 3


async def test_three_of_four_go_on_without_the_fourth(tmp_path: Path) -> None:
    nodes = oracles(tmp_path, [Rising(number) for number in range(4)])
    async with voting(*nodes):
        await until(lambda: all(decided(node) for node in nodes), 20)
        await nodes[3].stop()
        await nodes[3].peer.close()
        gone = max(decided(nodes[0]))
        await until(lambda: all(max(decided(node)) > gone + 2 for node in nodes[:3]), 20)
        absent = nodes[0].service.describe().voters
        assert sum(voter.is_me for voter in absent) == 1


async def test_oracles_that_see_nothing_agree_on_that(tmp_path: Path) -> None:
    nodes = oracles(tmp_path, [Blind()] * 4)
    async with voting(*nodes):
        await until(lambda: all(decided(node) for node in nodes), 20)
        assert next(iter(decided(nodes[0]).values())).content == "no signal: too many abstained"
        assert nodes[0].service.missing() == Blind().missing()


async def test_a_node_that_comes_back_takes_part_again_and_signs_nothing_twice(tmp_path: Path) -> None:
    nodes = oracles(tmp_path, [Rising(number) for number in range(4)])
    async with voting(*nodes):
        await until(lambda: all(decided(node) for node in nodes), 20)
        await nodes[0].stop()
        await nodes[0].start()
        again = max(decided(nodes[1]))
        await until(lambda: max(decided(nodes[0]), default=0) > again, 20)
        await until(
            lambda: any(
                nodes[0].account.address in _signers(one) for number, one in decided(nodes[1]).items() if number > again
            ),
            20,
        )
        for node in nodes:
            assert node.peer.sample("noderr_consensus_equivocations_total", protocol="oracle") == 0


def _signers(decision: Decision) -> set[bytes]:
    return {parse_address(one) for one in decision.signers}


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff" * 100, b"\x08\x01", b"x" * 600_000],
    ids=["empty", "no protobuf", "no message", "oversized"],
)
async def test_garbage_is_refused_and_changes_nothing(tmp_path: Path, garbage: bytes) -> None:
    nodes = oracles(tmp_path, [Rising(number) for number in range(4)])
    async with voting(*nodes):
        await until(lambda: all(decided(node) for node in nodes), 20)
        nodes[3].peer.network.broadcast("consensus.oracle", garbage)
        known = max(decided(nodes[0]))
        await until(lambda: max(decided(nodes[0])) > known + 1, 20)
        assert (
            sum(
                nodes[0].peer.sample("noderr_consensus_refused_total", protocol="oracle", reason=reason)
                for reason in ("malformed", "oversized", "wrong-chain")
            )
            >= 1
        )
