"""A validator of the replay: it keeps the recorded market, tells oracles of it, and attests what others executed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from noderr.core.consensus.actions import Decided, Failed
from noderr.core.consensus.handover import VIEW_TOPIC
from noderr.core.consensus.round import Round
from noderr.core.consensus.vote_round import VoteRound
from noderr.market_data.events import MarketEvent
from noderr.market_data.live_market import MarketName
from noderr.market_data.market_books import MarketBooks
from noderr.market_data.price_recorder import PriceRecorder
from noderr.market_data.view_publisher import ViewPublisher
from noderr.types.consensus import Vote, VoterSet, check_signature
from noderr.types.trading.market_view_on_wire import market_view_to_wire
from noderr.validator_consensus.certificate_proof import CertificateRules
from noderr.validator_consensus.check_runner import CheckRunner
from noderr.validator_consensus.execution_band import ExecutionBandCheck
from noderr.validator_consensus.fee_table import FeeTable
from noderr.validator_consensus.guardian_certificate import GuardianCertificateCheck
from noderr.validator_consensus.oracle_certificate import OracleCertificateCheck
from noderr.validator_consensus.parts import REPORT_TOPIC
from noderr.validator_consensus.price_band import PriceBand
from noderr.validator_consensus.request import AttestationRequest, request_from_wire
from noderr.validator_consensus.settlement import ReceiptReader, SettlementCheck
from noderr.validator_consensus.verdict import attestation, read_codes, verdict
from tests.loop.journal import ReplayJournal
from tests.loop.links import Links
from tests.loop.membership import Member, Network
from tests.loop.recorded_market import Playing, RecordedMarket
from tests.loop.seat import Seat
from tests.loop.slots import Slots
from tests.recordings.recorded import Recorded

_RESEND_NS = 500_000_000
_HEARTBEAT_NS = 1_000_000_000


class KnownVoters:
    """The voters of the replay's one epoch."""

    def __init__(self, network: Network, tiers: Sequence[int]) -> None:
        self._sets = {tier: network.voters(tier) for tier in tiers}

    async def voters(self, tier: int, epoch: int) -> VoterSet | None:
        one = self._sets.get(tier)
        return one if one is not None and one.epoch == epoch else None


class Validator:
    """`traded` are the symbols that oracles are told of; all that was recorded is kept and checked."""

    def __init__(
        self,
        member: Member,
        network: Network,
        market: RecordedMarket,
        traded: Sequence[str],
        *,
        chain: ReceiptReader,
        contract: bytes,
        fees: FeeTable,
        slots: Slots,
        folder: Path,
        links: Links,
        journal: ReplayJournal,
        make_seat: Callable[[Member, Callable[[Round, Decided | Failed], None]], Seat],
    ) -> None:
        self.name = member.name
        self.followers: list[Callable[[MarketEvent], None]] = []
        self.attested: dict[bytes, str] = {}
        self._network = network
        self._links = links
        self._clock = links.timeline
        self._journal = journal
        self._slots = slots
        names = [MarketName(market.venue, symbol) for symbol in market.symbols]
        self.recorder = self._clock.await_(PriceRecorder.open(folder, names))
        self.books = MarketBooks(names, self._clock.monotonic)
        self._publishers = {
            MarketName(market.venue, symbol): ViewPublisher(self.books.markets[MarketName(market.venue, symbol)])
            for symbol in traded
        }
        self.playing = Playing(market.session(), self._take)
        self._seat = make_seat(member, self._ended)
        rules = CertificateRules(KnownVoters(network, (2, 3)), network.domain, self._seat.context.signatures)
        self._checks = CheckRunner(
            (
                OracleCertificateCheck(rules),
                GuardianCertificateCheck(rules),
                ExecutionBandCheck(self, fees),
                SettlementCheck(chain, contract),
            ),
            self._clock,
        )
        links.on(self.name, REPORT_TOPIC, self.on_report)

    def frame(self, one: Recorded) -> None:
        """What came from the venue."""
        self.playing.frame(one)

    def tell_oracles(self) -> None:
        """What has changed since the last time."""
        for publisher in self._publishers.values():
            view = publisher.next_view(heartbeat_ns=_HEARTBEAT_NS)
            if view is not None:
                content = market_view_to_wire(view).SerializeToString()
                self._links.send_all(self.name, [oracle.name for oracle in self._network.oracles], VIEW_TOPIC, content)

    async def band(self, venue: str, symbol: str, from_ns: int, to_ns: int) -> PriceBand | None:
        """See `BandSource`: what this validator recorded itself."""
        found = await self.recorder.price_range(MarketName(venue, symbol), from_ns, to_ns, self.playing.heard_ns)
        return None if found is None else PriceBand(found.low, found.high)

    def close(self) -> None:
        self._clock.await_(self.recorder.close())

    def _take(self, event: MarketEvent) -> None:
        name, records = self.books.take(event)
        if records:
            self.recorder.add(name, records)
        if (publisher := self._publishers.get(name)) is not None:
            publisher.on_event(event)
        for follow in self.followers:
            follow(event)

    def on_report(self, _sender: str, content: bytes) -> None:
        """An executor asks to attest."""
        request = request_from_wire(content)
        check_signature(request.signed, self._network.domain, self._seat.context.signatures)
        round_ = VoteRound(
            self._seat.context,
            round_=request.round,
            topic=request.topic,
            deadline_ns=self._slots.start_ns(request.round + 2),
            resend_ns=_RESEND_NS,
        )
        self._seat.open(round_)
        self._seat.do(round_, round_.vote(self._clock.await_(self._judge(request))))

    async def _judge(self, request: AttestationRequest) -> Vote:
        results = await self._checks.run(request.report, request.evidence)
        found = verdict(results)
        self._journal.add(
            self._clock.now_ns(),
            self.name,
            "validator-vote",
            trade=request.topic,
            choice=found.choice.name,
            checks={bit.name or "": results[bit].status for bit in sorted(results)},
            details=[results[bit].detail for bit in sorted(results) if results[bit].detail],
        )
        return attestation(request.report, found, request.expires_at_s)

    def _ended(self, round_: Round, end: Decided | Failed) -> None:
        now_ns = self._clock.now_ns()
        if isinstance(end, Failed):
            self._journal.add(now_ns, self.name, "attestation-failed", trade=round_.topic, failure=end.failure)
            return
        certificate = end.certificate
        self.attested[round_.topic] = certificate.choice.name
        self._journal.add(
            now_ns,
            self.name,
            "attested",
            trade=round_.topic,
            choice=certificate.choice.name,
            signers=len(certificate.signatures),
            passed=int(min(read_codes(part.codes).passed for part in certificate.signatures)),
        )
