"""An oracle of the replay: the node's model on what validators tell it, in the rounds of its tier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from noderr.alpha_edge.answers import Forecast, Reason
from noderr.alpha_edge.errors import ViewError
from noderr.alpha_edge.panel import Panel
from noderr.core.consensus.actions import Decided, Failed
from noderr.core.consensus.handover import SIGNAL_TOPIC, VIEW_TOPIC
from noderr.core.consensus.round import Round
from noderr.oracle_consensus.market import Market, Timing
from noderr.oracle_consensus.messages import ABSTENTION, Observation
from noderr.oracle_consensus.oracle_round import OracleRound
from noderr.types.consensus.agreed_signal import AgreedSignal
from noderr.types.consensus.signal_decision import SignalDecision, signal_decision_to_wire
from noderr.types.trading.market_view_on_wire import market_view_from_wire
from noderr.types.wire import market_pb2
from tests.loop.journal import ReplayJournal
from tests.loop.links import Links
from tests.loop.membership import Member, Network
from tests.loop.seat import Seat
from tests.loop.slots import Slots


class Oracle:
    """`panels` are its models by symbol, the first first. Each tells the validators what was agreed on."""

    def __init__(
        self,
        member: Member,
        network: Network,
        markets: Mapping[str, Market],
        panels: Mapping[str, Sequence[Panel]],
        slots: Slots,
        links: Links,
        journal: ReplayJournal,
        salt: Callable[[], bytes],
        make_seat: Callable[[Member, Callable[[Round, Decided | Failed], None]], Seat],
    ) -> None:
        self.name = member.name
        self.abstained: Counter[Reason] = Counter()
        self._network = network
        self._markets = markets
        self._panels = panels
        self._slots = slots
        self._links = links
        self._journal = journal
        self._salt = salt
        self._timing = Timing.fitting(slots.period_ns)
        self._leaders = network.voters(member.tier).voters
        self._seat = make_seat(member, self._ended)
        self._symbols = {market.topic: symbol for symbol, market in markets.items()}
        links.on(self.name, VIEW_TOPIC, self._on_view)

    def begin(self, number: int) -> None:
        """The slot of this number has begun: a round for each market."""
        for symbol, market in self._markets.items():
            start_ns = self._slots.start_ns(number)
            round_ = OracleRound(
                self._seat.context, self._leaders, market, self._timing, round_=number, start_ns=start_ns
            )
            self._seat.open(round_)
            self._seat.do(round_, round_.observe(self._observe(symbol, number), self._salt()))

    def _observe(self, symbol: str, number: int) -> Observation:
        now_ns = self._links.timeline.now_ns()
        reasons = []
        for panel in self._panels[symbol]:
            said = panel.forecast(now_ns)
            if isinstance(said, Forecast):
                return self._observed(symbol, number, said, panel.parameters.model_hash())
            reasons.append(said.reason)
        self.abstained[reasons[-1]] += 1
        self._journal.add(
            now_ns,
            self.name,
            "abstained",
            symbol=symbol,
            round=number,
            reasons=[reason.name for reason in reasons],
        )
        return ABSTENTION

    def _observed(self, symbol: str, number: int, said: Forecast, model_hash: bytes) -> Observation:
        self._journal.add(
            self._links.timeline.now_ns(),
            self.name,
            "observed",
            symbol=symbol,
            round=number,
            model=model_hash,
            prediction_e8=said.prediction_e8,
            confidence_bps=said.confidence_bps,
            mid_price_e8=said.mid_price_e8,
        )
        return Observation(
            prediction_e8=said.prediction_e8,
            confidence_bps=said.confidence_bps,
            mid_price_e8=said.mid_price_e8,
            observed_at_s=said.observed_at_s,
            model_hash=model_hash,
        )

    def _on_view(self, sender: str, content: bytes) -> None:
        view = market_view_from_wire(market_pb2.MarketView.FromString(content))
        try:
            for panel in self._panels[view.symbol]:
                panel.on_view(sender, view)
        except ViewError as error:  # As a node's: such a view is not taken, and the stream goes on.
            now_ns = self._links.timeline.now_ns()
            self._journal.add(now_ns, self.name, "view-refused", validator=sender, reason=str(error))

    def _ended(self, round_: Round, end: Decided | Failed) -> None:
        now_ns, symbol = self._links.timeline.now_ns(), self._symbols[round_.topic]
        took_ns = now_ns - self._slots.start_ns(round_.round)
        tell = partial(self._journal.add, now_ns, self.name, symbol=symbol, round=round_.round, took_ns=took_ns)
        if isinstance(end, Failed):
            tell("oracle-round-failed", failure=end.failure)
            return
        agreed = end.content
        assert isinstance(agreed, AgreedSignal), "an oracles' round decides a signal"
        signal = agreed.signal
        tell(
            "agreed",
            direction=None if signal is None else signal.direction.name,
            prediction_e8=None if signal is None else signal.prediction_e8,
            confidence_bps=None if signal is None else signal.confidence_bps,
            mid_price_e8=None if signal is None else signal.mid_price_e8,
            signers=len(end.certificate.signatures),
        )
        content = signal_decision_to_wire(SignalDecision(agreed, end.certificate))
        self._links.send_all(
            self.name, [validator.name for validator in self._network.validators], SIGNAL_TOPIC, content
        )
