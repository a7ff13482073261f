"""Three validators tell two oracles of a market over real connections: silence, lies, lateness, strangers, restarts."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Collection
from pathlib import Path

import pytest

from noderr.alpha_edge.answers import Abstained, Forecast, Reason
from noderr.alpha_edge.market_watch import MarketWatch
from noderr.alpha_edge.models import models_for
from noderr.alpha_edge.watched_market import parse_markets
from noderr.core.consensus.handover import VIEW_TOPIC
from noderr.core.peers.errors import PeerRefusedError
from noderr.core.peers.testing import until
from noderr.market_data.view_service import TICK_SECONDS
from noderr.utils import ManualClock
from tests.observing.network import NAME, MadeUpMarket, Member, Running, Validator, linked, write_voters

START_NS = 1_790_000_000_000_000_000
HORIZON_SECONDS = 300
_HASHES = [one.model_hash() for one in models_for(HORIZON_SECONDS)]


class World:
    """One clock for all services, which the test turns."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock(START_NS)
        members = [Member(number, "validator", folder, self.clock) for number in (1, 2, 3)]
        oracles = [Member(number, "oracle", folder, self.clock) for number in (4, 5)]
        self.stranger = Member(6, "validator", folder, self.clock)
        write_voters(folder, [*members, *oracles])
        self.members = [*members, *oracles, self.stranger]
        self.validators = [Validator(one) for one in members]
        self.oracles = oracles
        self.watches = [MarketWatch(one.context, parse_markets(f"{NAME}@{HORIZON_SECONDS}")) for one in oracles]
        self.market = MadeUpMarket(7)

    async def play(self, steps: int, *, silent: Collection[int] = (), lying: Collection[int] = ()) -> None:
        """Wait in the end until all oracles have everything. Validators by their places."""
        before = self.taken()
        for _ in range(steps):
            self.market.step()
            for place, one in enumerate(self.validators):
                if place not in silent:
                    one.say(self.market.book(self.clock.now_ns(), mirrored=place in lying))
            await self.clock.advance(TICK_SECONDS)
        wanted = before + steps * (3 - len(silent)) * len(self.oracles)
        await until(lambda: self.taken() == wanted)

    def taken(self) -> float:
        return sum(one.peer.sample("noderr_alpha_views_total", outcome="taken") for one in self.oracles)

    async def said(self) -> list[tuple[Forecast, bytes] | Abstained]:
        now_ns = self.clock.now_ns()
        return [await one.forecast(NAME.symbol, HORIZON_SECONDS, now_ns) for one in self.watches]

    async def forecast(self) -> Forecast:
        """What both oracles say."""
        one, other = await self.said()
        assert one == other
        assert isinstance(one, tuple), one
        forecast, model_hash = one
        assert model_hash in _HASHES
        assert (forecast.prediction_e8 > 0) == self.market.goes_up
        return forecast

    def missing(self) -> list[str]:
        one, other = (list(watch.missing()) for watch in self.watches)
        assert one == other
        return one


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[Running]:
    async with linked(*world.members) as services:
        await services.start(*world.watches)
        for one in world.validators:
            await services.start(one.data, one.views)
        yield services


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_oracles_forecast_what_validators_tell(world: World) -> None:
    async with running(world):
        assert world.missing() == ["BTC/USD@300 has views of 0 of 3 validators"]
        await world.play(30)
        forecast = await world.forecast()
        assert forecast.confidence_bps > 9_000
        assert world.missing() == []
        assert all(not one.views.missing() for one in world.validators)


async def test_one_silent_validator_is_no_matter_and_two_are(world: World) -> None:
    async with running(world):
        await world.play(30, silent={1})
        await world.forecast()
        assert world.missing() == []
        await world.play(60, silent={1, 2})
        assert world.missing() == ["BTC/USD@300 has views of 1 of 3 validators, 1 are late"]
        for said in await world.said():
            assert isinstance(said, Abstained)
            assert said.reason is Reason.TOO_FEW_VALIDATORS


async def test_one_liar_of_three_turns_nothing_round(world: World) -> None:
    async with running(world):
        for _ in range(5):
            await world.play(11, lying={2})
            await world.forecast()  # Looks at the sign.


async def test_a_validator_that_falls_behind_is_left_out_and_comes_back(world: World) -> None:
    async with running(world):
        await world.play(30)
        await world.play(20, silent={0})
        await world.forecast()
        await world.play(20)
        await world.forecast()
        # With another one away the first has to have a voice again.
        await world.play(15, silent={2})
        await world.forecast()


async def test_a_stranger_s_views_are_refused(world: World) -> None:
    stranger = world.stranger
    async with running(world):
        own = Validator(stranger)
        for oracle in world.oracles:
            with pytest.raises(PeerRefusedError, match="taken from validators that vote"):
                await stranger.peer.network.send(oracle.peer.identity.node_id, VIEW_TOPIC, b"")
            assert oracle.peer.sample("noderr_alpha_views_total", outcome="refused") == 1
        await own.views.start()
        assert "is not among the validators that vote" in own.views.missing()[0]
        assert world.taken() == 0


async def test_a_quick_restart_of_market_data_is_a_gap_for_the_oracles(world: World) -> None:
    async with running(world) as services:
        await world.play(30)
        before = await world.forecast()
        for one in world.validators:
            await services.stop(one.data)
            await services.start(one.data)
        world.market.jump(100)
        await world.play(5)
        after = await world.forecast()
        # One tick is a ten-thousandth of the price: nobody saw the hundred, though the views came without a pause.
        assert 9_000 < abs(before.prediction_e8) < 10_000
        assert 9_000 < abs(after.prediction_e8) < 10_000


async def test_while_market_data_is_away_there_is_no_forecast(world: World) -> None:
    async with running(world) as services:
        await world.play(30)
        for one in world.validators:
            await services.stop(one.data)
        await world.clock.advance(5)
        for said in await world.said():
            assert isinstance(said, Abstained)
            assert said.reason is Reason.LATE
        for one in world.validators:
            await services.start(one.data)
        await world.play(5)
        await world.forecast()
