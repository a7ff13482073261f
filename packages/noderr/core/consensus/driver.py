"""Runs round machines: what they want signed goes to the guard, what they want sent to the peers, and time goes on.

Signing waits for the disk, so it happens in a thread. Nothing else here waits: messages are handled as they come, and
what goes out is queued with the peers' links, which lose it rather than block.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from prometheus_client import Counter

from noderr.core.consensus.actions import Accuse, Action, Broadcast, Decided, Failed, Failure, Payload, Send, Sign
from noderr.core.consensus.codec import Codec
from noderr.core.consensus.context import RoundContext
from noderr.core.consensus.early_messages import EarlyMessages, RoundKey, check_due, check_proven
from noderr.core.consensus.errors import GuardError
from noderr.core.consensus.outgoing import Outbox, Outgoing
from noderr.core.consensus.room import round_to_drop
from noderr.core.consensus.round import Round
from noderr.core.consensus.series import DECIDED
from noderr.core.consensus.signing_queue import Signer, SigningQueue
from noderr.core.consensus.timetable import Timetable
from noderr.telemetry import NodeMetrics
from noderr.types.consensus import Certificate, Evidence, ProtocolMessage, Reason, RefusedMessage, Signed, message_slot
from noderr.types.signing.account_key import checksum_address
from noderr.utils import Clock

_log = structlog.get_logger("noderr.core.consensus")

_EARLY_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told of what happens; each is called on the loop and must not wait."""

    decided: Callable[[Round, Decided], None]
    failed: Callable[[Round, Failed], None]
    accused: Callable[[Evidence[ProtocolMessage]], None]


class RoundDriver:
    """The rounds of one voter in one protocol. The newest `keep` rounds stay, to answer the late: those under way
    before all others, so that whoever opens many pushes none of them out.
    """

    def __init__(
        self,
        protocol: str,
        signer: Signer,
        codec: Codec,
        outbox: Outbox,
        *,
        context: RoundContext,
        listener: Listener,
        metrics: NodeMetrics,
        clock: Clock,
        round_now: Callable[[], int],
        keep: int = 8,
    ) -> None:
        """`context` is that of all its rounds; `round_now` is the number that the clock says it is."""
        self.protocol = protocol
        self.rounds: OrderedDict[RoundKey, Round] = OrderedDict()
        self._codec = codec
        self._listener = listener
        self._metrics = metrics
        self._clock = clock
        self._round_now = round_now
        self._keep = keep
        self._context = context
        # A share for each voter, and one for certificates.
        self._early = EarlyMessages(_EARLY_BYTES // (len(context.voters.weights) + 1))
        self._began: dict[RoundKey, float] = {}
        self._ended: set[RoundKey] = set()
        self._accused: dict[RoundKey, set[tuple[object, ...]]] = {}
        self._signing = SigningQueue(signer, self._on_signed)
        self._outgoing = Outgoing(codec, outbox, self._on_unsendable)
        self._timetable = Timetable(clock, self._look)
        self._refused: dict[Reason, Counter] = {}

    def open(self, round_: Round, begin: Iterable[Action] = ()) -> None:
        """Start a round; `begin` is what taking part in it asks for.

        Raises `RefusedMessage` (BUSY) when as many as are kept are under way. Who asked for the round counts it.
        """
        key = (round_.round, round_.topic)
        while key not in self.rounds and len(self.rounds) >= self._keep:
            self._drop(round_to_drop(self.rounds, self._ended, self._clock.now_ns()))
        self.rounds[key] = round_
        self._began[key] = self._clock.monotonic()
        self.do(round_, begin)
        for payload in self._early.take(key):
            self._take(payload)

    def do(self, round_: Round, actions: Iterable[Action]) -> None:
        """Do what the machine wants."""
        for action in actions:
            match action:
                case Sign(message=message):
                    self._signing.ask(round_, message)
                case Broadcast(payload=payload):
                    self._outgoing.add(None, payload)
                case Send(voter=voter, payload=payload):
                    self._outgoing.add(voter, payload)
                case Decided():
                    self._count(round_, DECIDED)
                    self._listener.decided(round_, action)
                case Failed(failure=failure):
                    self._count(round_, failure.value)
                    self._listener.failed(round_, action)
                case Accuse(evidence=evidence):
                    self._accuse(evidence)
        self._timetable.add((round_.round, round_.topic), round_.next_time_ns)

    def on_bundle(self, content: bytes) -> RefusedMessage | None:
        """What a peer delivered. Messages that do not count are counted; a bundle that is none is returned, refused.

        Finding a signer is nearly all of what a message costs, and no honest peer passes on a signature that is wrong:
        the first one that is ends the bundle. It is counted, and what comes after it neither looked at nor counted.
        """
        try:
            for payload in self._codec.decode(content):
                if isinstance(payload, RefusedMessage):
                    self.refuse(payload)
                elif self._take(payload) is Reason.BAD_SIGNATURE:
                    break
        except RefusedMessage as refused:
            self.refuse(refused)
            return refused
        return None

    async def run(self) -> None:
        """Sign and keep time until cancelled. Raises `OSError` when the guard's disk fails: nothing is signed then."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._signing.run())
                tasks.create_task(self._timetable.run())
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    def _on_signed(self, round_: Round, message: ProtocolMessage, result: Signed[ProtocolMessage] | GuardError) -> None:
        if isinstance(result, GuardError):
            self._metrics.consensus_guarded.labels(self.protocol).inc()
            _log.info("not_signed", protocol=self.protocol, round=message.round, reason=str(result))
            return
        try:
            self.do(round_, round_.on_signed(result, self._clock.now_ns()))
        except RefusedMessage as refused:
            # The round went on while the disk was at work, or somebody else has our key: no reason to stop.
            self.refuse(refused)
            _log.warning("own_message_refused", protocol=self.protocol, round=message.round, reason=str(refused))

    def _look(self, key: RoundKey, now_ns: int) -> None:
        round_ = self.rounds.get(key)
        if round_ is not None:  # Or doing another's opened newer ones.
            is_due = round_.next_time_ns is not None and round_.next_time_ns <= now_ns
            self.do(round_, round_.on_time(now_ns) if is_due else ())

    def _take(self, payload: Payload) -> Reason | None:
        """Why it does not count, if it does not."""
        key = _key(payload)
        round_ = self.rounds.get(key)
        try:
            if round_ is None:
                self._keep_early(key, payload)
                return None
            now_ns = self._clock.now_ns()
            if isinstance(payload, Certificate):
                self.do(round_, round_.on_certificate(payload, now_ns))
            else:
                self.do(round_, round_.on_message(payload, now_ns))
        except RefusedMessage as refused:
            self.refuse(refused)
            return refused.reason
        return None

    def _keep_early(self, key: RoundKey, payload: Payload) -> None:
        """A round that others began a moment before: its messages wait, if they are proven. Raises `RefusedMessage`."""
        due = self._round_now()
        check_due(key[0], due)
        self._early.forget_before(due - 1)
        size = len(self._codec.encode([payload]))
        if (refused := self._early.refusal(key, payload, size)) is not None:
            raise refused
        check_proven(payload, self._context, self._clock.now_ns())
        self._early.keep(key, payload, size)

    def refuse(self, refused: RefusedMessage) -> None:
        """Count a message that does not count."""
        counter = self._refused.get(refused.reason)
        if counter is None:
            labels = (self.protocol, refused.reason.value)
            counter = self._refused[refused.reason] = self._metrics.consensus_refused.labels(*labels)
        counter.inc()
        if refused.reason is not Reason.DUPLICATE:
            _log.debug("message_refused", protocol=self.protocol, reason=refused.reason.value, detail=str(refused))

    def _on_unsendable(self, refused: RefusedMessage) -> None:
        """Nobody would take it, and without it this voter's rounds may come to nothing: somebody must look at it."""
        self.refuse(refused)
        _log.error("own_message_not_sent", protocol=self.protocol, reason=str(refused))

    def _accuse(self, evidence: Evidence[ProtocolMessage]) -> None:
        self._metrics.consensus_refused.labels(self.protocol, Reason.EQUIVOCATION.value).inc()
        first = evidence.first.message
        place = (evidence.offender, *message_slot(first))
        accused = self._accused.setdefault((first.round, first.topic), set())
        if place in accused:
            return  # It says it again and again; the log and the disk need it once.
        accused.add(place)
        self._metrics.consensus_equivocations.labels(self.protocol).inc()
        _log.warning(
            "equivocation",
            protocol=self.protocol,
            offender=checksum_address(evidence.offender),
            round=first.round,
        )
        self._listener.accused(evidence)

    def _drop(self, key: RoundKey) -> None:
        """What has not ended is told as failed: nothing has looked at it since, or its decision was never explained."""
        round_ = self.rounds[key]
        if key not in self._ended:
            self.do(round_, round_.on_time(self._clock.now_ns()))
        if key not in self._ended:
            self.do(round_, [Failed(Failure.TIMEOUT)])
        self.rounds.pop(key, None)
        self._began.pop(key, None)
        self._accused.pop(key, None)
        self._timetable.forget(key)
        self._ended.discard(key)

    def _count(self, round_: Round, outcome: str) -> None:
        self._metrics.consensus_rounds.labels(self.protocol, outcome).inc()
        key = (round_.round, round_.topic)
        began = self._began.get(key)
        if began is not None:
            self._ended.add(key)
            self._metrics.consensus_duration.labels(self.protocol).observe(self._clock.monotonic() - began)


def _key(payload: Payload) -> RoundKey:
    if isinstance(payload, Certificate):
        return payload.round, payload.topic
    return payload.message.round, payload.message.topic
