"""The local network of a replay: all nodes of three tiers, one chain, one recorded venue, one seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from contracts.deployment import CHAIN_ID
from contracts.settlement import deploy_settlement
from noderr.alpha_edge.panel import Panel
from noderr.core.consensus.actions import Decided, Failed
from noderr.core.consensus.codec import Codec
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.round import Round
from noderr.exchanges.account import Account
from noderr.exchanges.latency import ConstantLatency
from noderr.exchanges.market_rules import Listing
from noderr.exchanges.simulated_venue import FEE_DIGITS, SimulatedVenue
from noderr.exchanges.venue import FeeSchedule
from noderr.market_data.events import BookSnapshot, MarketEvent
from noderr.oracle_consensus.market import Market
from noderr.oracle_consensus.parts import oracle_codec
from noderr.risk_engine import InstrumentLimits, RiskLimits
from noderr.telemetry import NodeMetrics
from noderr.types.consensus import AccountSignatures
from noderr.types.tier_numbers import GUARDIAN_TIER, ORACLE_TIER, VALIDATOR_TIER
from noderr.types.trading import Instrument
from noderr.utils import seeded
from noderr.validator_consensus.attestation_codec import AttestationCodec
from noderr.validator_consensus.fee_table import FeeRates, FeeTable
from tests.loop.errors import OptionError
from tests.loop.guardian import Guardian
from tests.loop.journal import ReplayJournal
from tests.loop.links import Links
from tests.loop.membership import Member, Network, make_members, names_by_address, voter_set
from tests.loop.options import ReplayOptions
from tests.loop.oracle import Oracle
from tests.loop.recorded_market import Playing, RecordedMarket
from tests.loop.seat import Seat
from tests.loop.slots import Slots
from tests.loop.timeline import Timeline
from tests.loop.trader import DeskTerms, Trader
from tests.loop.validator import Validator

_SECOND_NS = 1_000_000_000
_MIN_NOTIONAL = Decimal(10)


class World:
    """One replay; `run` it once, and `close` it."""

    def __init__(
        self, market: RecordedMarket, options: ReplayOptions, folder: Path, journal: ReplayJournal | None = None
    ) -> None:
        """Raises `OptionError`."""
        self.market = market
        self.options = options
        self.journal = journal or ReplayJournal()
        self.symbols = _traded(market, options)
        genesis_ns = market.begin_ns // _SECOND_NS * _SECOND_NS
        self.timeline = Timeline(market.begin_ns)
        self._randomness: Callable[[str], random.Random] = partial(seeded, options.seed)
        self.links = Links(self.timeline, self._randomness("links"), options.link_least_ns, options.link_most_ns)
        members = {
            ORACLE_TIER: make_members(options.seed, ORACLE_TIER, "oracle", options.oracles),
            GUARDIAN_TIER: make_members(options.seed, GUARDIAN_TIER, "guardian", options.guardians),
            VALIDATOR_TIER: make_members(options.seed, VALIDATOR_TIER, "validator", options.validators),
        }
        sets = [voter_set(tier, of) for tier, of in members.items()]
        self.chain = deploy_settlement(sets, now_s=market.begin_ns // _SECOND_NS, chain_id=CHAIN_ID)
        self.network = Network(self.chain.domain, members[ORACLE_TIER], members[GUARDIAN_TIER], members[VALIDATOR_TIER])
        self.oracle_slots = Slots(genesis_ns, options.oracle_slot_ns)
        self._guardian_slots = Slots(genesis_ns, options.guardian_slot_ns)
        self._validator_slots = Slots(genesis_ns, options.validator_slot_ns)
        self.instruments = {symbol: _instrument(market, symbol) for symbol in self.symbols}
        self.limits = _limits(options.currency, self.instruments)
        self.oracles = [self._oracle(member) for member in self.network.oracles]
        self.guardians = [self._guardian(member, folder / member.name) for member in self.network.guardians]
        self.validators = [self._validator(member, folder / member.name) for member in self.network.validators]
        self.traders = [self._trader(self.network.validators[0], self.validators[0])]

    def run(self, progress: Callable[[int], None] = lambda _at_ns: None) -> None:
        """The whole recording, and a while after it. `progress` is told the time of each frame."""
        options, market = self.options, self.market
        end_ns = market.end_ns + options.tail_ns
        delays = self._randomness("feeds")
        for validator in self.validators:
            delay_ns = delays.randint(0, options.feed_most_ns)
            for one in market.frames:
                self.timeline.at(one.received_ns + delay_ns, partial(validator.frame, one))
        for one in market.frames:
            self.timeline.at(one.received_ns, partial(progress, one.received_ns))
        for at_ns in range(market.begin_ns, end_ns, options.view_ns):
            for validator in self.validators:
                self.timeline.at(at_ns, validator.tell_oracles)
        for number in range(1, self.oracle_slots.at(market.end_ns) + 1):
            for oracle in self.oracles:
                self.timeline.at(self.oracle_slots.start_ns(number), partial(oracle.begin, number))
        self.timeline.run(end_ns)

    def close(self) -> None:
        for guardian in self.guardians:
            guardian.close()
        for validator in self.validators:
            validator.close()
        self.timeline.close()

    def _seat(self, member: Member, ended: Callable[[Round, Decided | Failed], None]) -> Seat:
        domain = self.network.domain
        context = RoundContext(member.key.address, self.network.voters(member.tier), domain, AccountSignatures())
        codec = {ORACLE_TIER: oracle_codec, VALIDATOR_TIER: AttestationCodec}.get(member.tier, Codec)(domain)
        others = names_by_address(self.network.members(member.tier), member)
        return Seat(member.name, member.key, context, codec, others, self.links, ended)

    def _oracle(self, member: Member) -> Oracle:
        options = self.options
        models = frozenset(model.model_hash() for model in options.models)
        markets = {
            symbol: Market(
                symbol=symbol,
                horizon_seconds=options.horizon_seconds,
                models=models,
                dead_band_e8=options.dead_band_e8,
            )
            for symbol in self.symbols
        }
        validators = [one.name for one in self.network.validators]
        panels = {
            symbol: [Panel(symbol, validators, [self.market.venue], model) for model in options.models]
            for symbol in self.symbols
        }
        salts = self._randomness(f"salts of {member.name}")
        return Oracle(
            member,
            self.network,
            markets,
            panels,
            self.oracle_slots,
            self.links,
            self.journal,
            lambda: salts.randbytes(32),
            self._seat,
        )

    def _guardian(self, member: Member, folder: Path) -> Guardian:
        folder.mkdir(parents=True)
        metrics = NodeMetrics(CollectorRegistry(), tier="guardian", version="replay")
        return Guardian(member, self.limits, folder, self.links, self.journal, metrics, self.network, self._seat)

    def _validator(self, member: Member, folder: Path) -> Validator:
        folder.mkdir(parents=True)
        options = self.options
        rates = FeeRates(maker=options.maker_fee, taker=options.taker_fee, digits=FEE_DIGITS)
        return Validator(
            member,
            self.network,
            self.market,
            self.symbols,
            chain=self.chain,
            contract=self.chain.address,
            fees=FeeTable({self.market.venue: rates}),
            slots=self._validator_slots,
            folder=folder,
            links=self.links,
            journal=self.journal,
            make_seat=self._seat,
        )

    def _trader(self, member: Member, validator: Validator) -> Trader:
        options = self.options
        fees = FeeSchedule(maker=options.maker_fee, taker=options.taker_fee)
        venue = SimulatedVenue(
            self.market.venue,
            {symbol: Listing(instrument, fees) for symbol, instrument in self.instruments.items()},
            Account({options.currency: options.cash}),
            ConstantLatency(
                order=options.venue_order_ns, cancel=options.venue_order_ns, report=options.venue_report_ns
            ),
        )
        terms = DeskTerms(
            policy=options.policy, ruleset=self.limits.digest, currency=options.currency, symbols=self.symbols
        )
        return Trader(
            member,
            validator,
            self.network,
            venue,
            terms,
            chain=self.chain,
            guardian_slots=self._guardian_slots,
            validator_slots=self._validator_slots,
            links=self.links,
            journal=self.journal,
        )


def _traded(market: RecordedMarket, options: ReplayOptions) -> tuple[str, ...]:
    quoted = tuple(symbol for symbol in market.symbols if symbol.endswith(f"/{options.currency}"))
    wanted = options.symbols or quoted
    if not wanted or not set(wanted) <= set(quoted):
        raise OptionError(
            f"{', '.join(wanted) or 'no market'} in {options.currency}: recorded are {', '.join(market.symbols)}"
        )
    return tuple(sorted(wanted))


def _instrument(market: RecordedMarket, symbol: str) -> Instrument:
    """Tick and lot are the digits that the venue's books have; the least order is ours, and no venue's."""
    scales = []

    def take(event: MarketEvent) -> None:
        if isinstance(event, BookSnapshot) and event.symbol == symbol:
            scales.append(event.scale)

    playing = Playing(market.session(), take)
    for one in market.frames:
        playing.frame(one)
        if scales:
            break
    else:
        raise OptionError(f"{symbol} has no book in the recording: leave it out")
    lot = Decimal(1).scaleb(-scales[0].size)
    return Instrument(
        symbol=symbol,
        tick_size=Decimal(1).scaleb(-scales[0].price),
        lot_size=lot,
        min_quantity=lot,
        min_notional=_MIN_NOTIONAL,
    )


def _limits(currency: str, instruments: dict[str, Instrument]) -> RiskLimits:
    """The gate's defaults, but that an order is over within the three seconds for which it is approved."""
    return RiskLimits(
        version=1,
        currency=currency,
        in_flight_ms=3_000,
        instruments=tuple(
            InstrumentLimits(
                instrument=instruments[symbol],
                max_quantity=Decimal(1_000_000),
                group=symbol.partition("/")[0].lower(),
            )
            for symbol in sorted(instruments)
        ),
    )
