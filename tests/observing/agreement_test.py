"""The network observes: what validators tell, four oracles forecast and agree on, by their tier's own parts."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from noderr.core.consensus.description import Decision
from noderr.core.consensus.service import ConsensusService
from noderr.core.consensus.testing_nodes import VoterNode
from noderr.core.errors import SettingsError
from noderr.core.parts import TierParts
from noderr.core.peers.testing import until
from noderr.utils import SystemClock
from tests.observing.network import MadeUpMarket, Member, Validator, linked, write_voters
from tiers.oracle import node as oracle

MARKETS = "kraken:BTC/USD@300,kraken:ETH/USD@60"
_ROUND_MS = 1_000
_STEP_SECONDS = 0.21
_STEPS = 50


def consensus(parts: TierParts) -> ConsensusService:
    (found,) = (one for one in parts.services if isinstance(one, ConsensusService))
    return found


def words(service: ConsensusService) -> list[str]:
    return [one.content or "" for one in decided(service)]


def decided(service: ConsensusService) -> Sequence[Decision]:
    return [one for one in service.describe().decisions if one.choice is not None]


async def test_oracles_agree_on_what_validators_tell(tmp_path: Path) -> None:
    clock = SystemClock()
    validators = [Validator(Member(number, "validator", tmp_path, clock)) for number in (1, 2, 3)]
    oracles = [Member(number, "oracle", tmp_path, clock, markets=MARKETS) for number in (4, 5, 6, 7)]
    members = [*(one.member for one in validators), *oracles]
    write_voters(tmp_path, members, genesis_unix_s=int(time.time()) - 10, round_ms=_ROUND_MS)
    parts = [oracle.parts(one.context) for one in oracles]
    market = MadeUpMarket(7)
    async with linked(*members) as running:
        for one in validators:
            await running.start(one.data, one.views)
        for part in parts:
            await running.start(*part.services)
        for _ in range(_STEPS):
            market.step()
            for one in validators:
                one.say(market.book(clock.now_ns()))
            await asyncio.sleep(_STEP_SECONDS)
            if all(_agreed_on_a_move(part) for part in parts):
                break
        await until(lambda: all(_agreed_on_a_move(part) for part in parts), 5)
        first, *others = ({one.subject: one.content for one in decided(consensus(part))} for part in parts)
        for subject in first:
            assert all(first[subject] == other.get(subject, first[subject]) for other in others)
        # Nobody tells of the other market.
        assert any("no signal" in one for one in words(consensus(parts[0])))
        assert list(parts[0].services[0].missing()) == ["ETH/USD@60 has views of 0 of 3 validators"]
        assert not consensus(parts[0]).missing()


def _agreed_on_a_move(part: TierParts) -> bool:
    return any(" BTC/USD: " in one and "in 300 s" in one for one in words(consensus(part)))


def test_the_parts_of_an_oracle_that_observes(tmp_path: Path) -> None:
    member = Member(1, "oracle", tmp_path, SystemClock(), markets=MARKETS)
    parts = oracle.parts(member.context)
    assert [one.name for one in parts.services] == ["market-watch", "oracle-consensus"]
    assert [route.path for route in parts.routes] == [one.path for one in parts.operations] == ["/api/v1/consensus"]
    assert not any(one.critical for one in parts.services)


def test_without_markets_an_oracle_is_blind(tmp_path: Path) -> None:
    parts = oracle.parts(VoterNode(1, "oracle", tmp_path).context())
    assert [one.name for one in parts.services] == ["oracle-consensus"]


def test_a_setting_that_names_no_market_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="NODEOS_MARKETS: 'kraken:BTC/USD' is no market"):
        oracle.parts(Member(1, "oracle", tmp_path, SystemClock(), markets="kraken:BTC/USD").context)
