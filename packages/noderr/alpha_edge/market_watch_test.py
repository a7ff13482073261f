"""Whom an oracle believes and how far: every way in which a view is refused, and what is said of markets that lack."""

from __future__ import annotations

import asyncio
import copy
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from prometheus_client import CollectorRegistry

from noderr.alpha_edge.answers import Abstained, Forecast, Reason
from noderr.alpha_edge.market_watch import LATE_NS, MOST_LEAD_NS, VIEWS_AT_ONCE, MarketWatch
from noderr.alpha_edge.panel import Panel
from noderr.alpha_edge.queue_imbalance import ImbalanceParameters
from noderr.alpha_edge.testing import START_NS, SYMBOL, VENUE
from noderr.alpha_edge.testing_queues import book, market
from noderr.alpha_edge.watched_market import parse_markets
from noderr.core.consensus.handover import VIEW_TOPIC
from noderr.core.consensus.membership import membership_json
from noderr.core.parts import NodeContext
from noderr.core.peers import Handler, MessageRefusedError
from noderr.core.peers.testing import identity
from noderr.telemetry import NodeMetrics
from noderr.types.trading.market_view import MarketView
from noderr.types.trading.market_view_on_wire import market_view_to_wire
from noderr.utils import ManualClock

SECOND_NS = 1_000_000_000
VALIDATORS = [identity(number) for number in (1, 2, 3, 4)]
NAMES = [one.node_id for one in VALIDATORS[:3]]
STRANGER = identity(9).node_id
VIEW = book(market(0.8, 1, 1)[0].bids[0].price, (60, 40), 1)


class Rig:
    """A watch, and what peers deliver to it."""

    def __init__(
        self, folder: Path, markets: str = f"{VENUE}:{SYMBOL}@300", tier: str = "validator", known: int = 3
    ) -> None:
        self.clock = ManualClock(START_NS)
        self.metrics = NodeMetrics(CollectorRegistry(), tier="oracle", version="1.2.3")
        self.handlers: dict[str, Handler] = {}
        content = membership_json(
            [(tier, bytes([number]) * 20, one.public_key, 1) for number, one in enumerate(VALIDATORS[:known], 1)],
            chain_id=31337,
            verifying_contract=b"\xaa" * 20,
            genesis_unix_s=0,
            epoch=1,
        )
        (folder / "voters.json").write_bytes(content)
        self.settings = SimpleNamespace(voters_file=folder / "voters.json")
        node = SimpleNamespace(
            clock=self.clock,
            metrics=self.metrics,
            settings=self.settings,
            peers=SimpleNamespace(on=self.handlers.__setitem__),
        )
        self.watch = MarketWatch(cast(NodeContext, node), parse_markets(markets))

    async def deliver(self, view: MarketView | bytes, sender: str = NAMES[0]) -> None:
        content = view if isinstance(view, bytes) else market_view_to_wire(view).SerializeToString()
        await self.handlers[VIEW_TOPIC](sender, content)

    async def play(self, views: Sequence[MarketView], senders: Sequence[str] = NAMES) -> None:
        """At the times at which they are made."""
        for view in views:
            await self.clock.advance((view.received_ns - self.clock.now_ns()) / SECOND_NS)
            for sender in senders:
                await self.deliver(view, sender)

    async def forecast(self, horizon_seconds: int = 300) -> tuple[Forecast, bytes] | Abstained:
        return await self.watch.forecast(SYMBOL, horizon_seconds, self.clock.now_ns())

    def views(self, outcome: str) -> float | None:
        return self.sample("noderr_alpha_views_total", outcome=outcome)

    def sample(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
async def rig(tmp_path: Path) -> Rig:
    made = Rig(tmp_path)
    await made.watch.start()
    return made


async def test_a_market_that_all_validators_tell_of_is_forecast(rig: Rig) -> None:
    assert list(rig.watch.missing()) == [f"{SYMBOL}@300 has views of 0 of 3 validators"]
    assert await rig.forecast() == Abstained(Reason.NO_VIEW, "all 3 validators")
    await rig.play(market(1.0, 30, seed=1))
    assert not rig.watch.missing()
    said = await rig.forecast()
    assert isinstance(said, tuple)
    forecast, model_hash = said
    assert forecast.prediction_e8 > 0
    # Six seconds of views are too few for the first model.
    assert model_hash == ImbalanceParameters(horizon_seconds=300).model_hash()
    assert rig.views("taken") == 3 * 61
    labels = {"market": f"{SYMBOL}@300"}
    assert rig.sample("noderr_alpha_forecasts_total", **labels, model="alpha-edge.queue-imbalance") == 1
    assert rig.sample("noderr_alpha_abstentions_total", **labels, reason="NO_VIEW") == 1


async def test_a_strict_majority_is_enough_and_less_is_not(rig: Rig) -> None:
    views = market(1.0, 20, seed=1)
    await rig.play(views[:-1], NAMES[:1])
    assert list(rig.watch.missing()) == [f"{SYMBOL}@300 has views of 1 of 3 validators"]
    abstained = await rig.forecast()
    assert isinstance(abstained, Abstained)
    assert abstained.reason is Reason.TOO_FEW_VALIDATORS
    for view in views:
        await rig.deliver(view, NAMES[1])
    assert not rig.watch.missing()
    assert isinstance(await rig.forecast(), tuple)


async def test_half_is_no_majority(tmp_path: Path) -> None:
    rig = Rig(tmp_path, known=4)
    await rig.watch.start()
    await rig.play(market(1.0, 20, seed=1), NAMES[:2])
    assert list(rig.watch.missing()) == [f"{SYMBOL}@300 has views of 2 of 4 validators"]
    assert isinstance(await rig.forecast(), Abstained)


async def test_who_is_late_is_said(rig: Rig) -> None:
    views = market(1.0, 30, seed=1)
    await rig.play(views)
    await rig.clock.advance(LATE_NS / SECOND_NS)
    assert not rig.watch.missing()
    await rig.clock.advance(0.001)
    assert list(rig.watch.missing()) == [f"{SYMBOL}@300 has views of 0 of 3 validators, 3 are late"]
    later = copy.replace(views[-1], sequence=1_000, received_ns=rig.clock.now_ns())
    await rig.deliver(later, NAMES[2])
    assert list(rig.watch.missing()) == [f"{SYMBOL}@300 has views of 1 of 3 validators, 2 are late"]


async def test_views_are_taken_from_validators_that_vote_only(rig: Rig) -> None:
    with pytest.raises(MessageRefusedError, match="the sender is none here"):
        await rig.deliver(VIEW, STRANGER)
    await rig.deliver(VIEW)
    await rig.watch.stop()
    with pytest.raises(MessageRefusedError, match="the sender is none here"):
        await rig.deliver(VIEW)
    assert (rig.views("taken"), rig.views("refused"), rig.views("unasked")) == (1, 2, 0)


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x08\x01" * 50])
async def test_what_is_no_view_is_refused(rig: Rig, content: bytes) -> None:
    with pytest.raises(MessageRefusedError, match="no view of a market"):
        await rig.deliver(content)
    assert rig.views("refused") == 1


async def test_what_nobody_asks_for_is_left_alone(rig: Rig) -> None:
    for one in (copy.replace(VIEW, symbol="DOGE/USD"), copy.replace(VIEW, venue="binance")):
        await rig.deliver(one)
    assert (rig.views("unasked"), rig.views("taken")) == (2, 0)
    assert list(rig.watch.missing()) == [f"{SYMBOL}@300 has views of 0 of 3 validators"]


async def test_views_of_a_time_to_come_are_refused(rig: Rig) -> None:
    soon = START_NS + MOST_LEAD_NS
    with pytest.raises(MessageRefusedError, match="set the clock right"):
        await rig.deliver(copy.replace(VIEW, received_ns=soon + 1))
    await rig.deliver(copy.replace(VIEW, received_ns=soon))
    # The one that was refused changed nothing: an honest time goes on.
    await rig.deliver(copy.replace(VIEW, received_ns=START_NS), NAMES[1])


async def test_views_that_do_not_follow_are_refused(rig: Rig) -> None:
    await rig.deliver(VIEW)
    for wrong in (VIEW, copy.replace(VIEW, sequence=2, received_ns=VIEW.received_ns - 1)):
        with pytest.raises(MessageRefusedError, match="before"):
            await rig.deliver(wrong)


async def test_a_flood_is_refused_and_hurts_its_own_stream_only(rig: Rig) -> None:
    for number in range(1, int(VIEWS_AT_ONCE) + 1):
        await rig.deliver(copy.replace(VIEW, sequence=number))
    with pytest.raises(MessageRefusedError, match="too often"):
        await rig.deliver(copy.replace(VIEW, sequence=1_000))
    await rig.deliver(VIEW, NAMES[1])
    await rig.clock.advance(0.11)
    await rig.deliver(copy.replace(VIEW, sequence=1_001))


async def test_each_horizon_and_each_market_has_models_of_its_own(tmp_path: Path) -> None:
    rig = Rig(tmp_path, f"{VENUE}:{SYMBOL}@300,{VENUE}:{SYMBOL}@60,binance:{SYMBOL}@60,{VENUE}:ETH/USD@300")
    await rig.watch.start()
    await rig.play(market(1.0, 30, seed=1))
    said = {seconds: await rig.forecast(seconds) for seconds in (60, 300)}
    hashes = [one[1] for one in said.values() if isinstance(one, tuple)]
    assert hashes == [ImbalanceParameters(horizon_seconds=seconds).model_hash() for seconds in (60, 300)]
    # A validator without a view of one venue has a voice still.
    assert list(rig.watch.missing()) == ["ETH/USD@300 has views of 0 of 3 validators"]
    assert await rig.watch.forecast("ETH/USD", 300, rig.clock.now_ns()) == Abstained(Reason.NO_VIEW, "all 3 validators")
    with pytest.raises(KeyError):
        await rig.forecast(10)


async def test_views_that_come_while_a_model_thinks_are_taken_after_it(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = market(1.0, 20, seed=1)
    await rig.play(views[:-1])
    thinks, may_go_on = asyncio.Event(), threading.Event()
    loop, whole = asyncio.get_running_loop(), Panel.forecast

    def slow(panel: Panel, at_ns: int) -> Forecast | Abstained:
        loop.call_soon_threadsafe(thinks.set)
        assert may_go_on.wait(5)
        return whole(panel, at_ns)

    monkeypatch.setattr(Panel, "forecast", slow)
    asked = asyncio.create_task(rig.forecast())
    await thinks.wait()
    for name in NAMES:
        await rig.deliver(views[-1], name)
    await rig.deliver(views[-1], NAMES[0])  # Once more.
    assert rig.views("taken") == 3 * 40
    may_go_on.set()
    assert isinstance(await asked, tuple)
    assert (rig.views("taken"), rig.views("refused")) == (3 * 41, 1)


async def test_a_restart_learns_anew(rig: Rig) -> None:
    await rig.play(market(1.0, 30, seed=1))
    await rig.watch.stop()
    assert isinstance(await rig.forecast(), Abstained)
    await rig.watch.start()
    assert await rig.forecast() == Abstained(Reason.NO_VIEW, "all 3 validators")
    await rig.deliver(copy.replace(VIEW, received_ns=rig.clock.now_ns()))


async def test_without_voters_or_validators_it_says_so(tmp_path: Path) -> None:
    rig = Rig(tmp_path, tier="guardian")
    await rig.watch.start()
    assert rig.watch.missing() == ("the voters' file names no validator, and nobody else tells of markets",)
    rig.settings.voters_file = None
    await rig.watch.start()
    assert rig.watch.missing() == ("nobody knows who tells of markets: NODEOS_VOTERS_FILE is not set",)
    assert await rig.forecast() == Abstained(Reason.NO_VIEW, "nobody knows who the validators are")
