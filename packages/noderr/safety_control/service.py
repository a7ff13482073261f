"""The service `safety-control`: keeps an eye on the safety log, the lease and itself, and writes down what changes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog

from noderr.core.consensus.membership import read_membership
from noderr.core.parts import NodeContext
from noderr.safety_control.controller import SafetyController
from noderr.safety_control.dead_man import DeadMansSwitch
from noderr.safety_control.errors import SafetyError
from noderr.safety_control.safety_log import Record, SafetyLog
from noderr.safety_control.standing import Mode, Standing, Wish, halted
from noderr.types.consensus import VoterSet
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import parse_address
from noderr.types.tier_numbers import TIER_NUMBERS
from noderr.utils import UtilsError, event_or_time

_log = structlog.get_logger("noderr.safety_control")

_NOT_STARTED = halted("safety control has not started")


def wish_of(node_account: bytes, mode: str, live_account: str) -> Wish:
    """What the settings want."""
    return Wish(mode == "live", parse_address(live_account) if live_account else None, node_account)


class SafetyService:
    """Not critical: while it is down nothing is approved, and /ready says so."""

    name = "safety-control"
    critical = False
    requires: tuple[str, ...] = ()

    def __init__(self, node: NodeContext, *, poll_s: float = 1.0, silence_s: float = 10.0) -> None:
        """It looks every `poll_s` seconds. Could it not for `silence_s`, nothing is approved, and LIVE is halted."""
        self._node = node
        self._poll_s = poll_s
        self._silence_s = silence_s
        self._controller: SafetyController | None = None
        self._safety_log: SafetyLog | None = None
        self._switch: DeadMansSwitch | None = None
        self._guardians: tuple[VoterSet, Domain] | None = None
        self._standing = _NOT_STARTED
        self._told = 0
        self._stopping = asyncio.Event()
        self._running = False

    async def start(self) -> None:
        """Open the log. Raises `MembershipError`, `StoreError`."""
        self._stopping.clear()
        settings = self._node.settings
        if settings.voters_file is not None:
            membership = await asyncio.to_thread(read_membership, settings.voters_file)
            voters = membership.voters(TIER_NUMBERS["guardian"])
            self._guardians = None if voters is None else (voters, membership.domain)
        self._safety_log = await asyncio.to_thread(SafetyLog, self._node.data_dir)
        wish = wish_of(self._node.account.address, settings.trading_mode, settings.live_account)
        self._controller = SafetyController(self._safety_log, wish, lambda: self._guardians, self._node.clock)
        self._switch = DeadMansSwitch(self._silence_s, self._node.clock)
        await self.look()

    async def run(self) -> None:
        self._running = True
        try:
            while not self._stopping.is_set():
                await self._watch()
                await event_or_time(self._stopping, self._poll_s, self._node.clock)
        finally:
            self._running = False
            await self._let_go()

    async def stop(self) -> None:
        self._stopping.set()
        if not self._running:
            await self._let_go()

    def missing(self) -> Sequence[str]:
        return self._standing.reasons

    @property
    def standing(self) -> Standing:
        """What the last look found."""
        return self._standing

    @property
    def recent(self) -> Sequence[Record]:
        """The newest records, oldest first."""
        return () if self._controller is None else self._controller.recent

    async def look(self) -> Standing:
        """What may be traded at this moment. Raises nothing."""
        controller, switch = self._controller, self._switch
        if controller is None or switch is None:
            standing = _NOT_STARTED
        else:
            standing = await controller.look()
            if switch.over:
                standing = halted(f"nobody has watched over this node for {switch.limit_s:g} s")
        return self._take(standing)

    async def halt(self, person: str, reason: str) -> Standing:
        """The kill switch. Raises `RecordError` without a reason, `SafetyError` before the service has started."""
        if self._controller is None:
            raise SafetyError("safety control has not started: nothing is approved until it has")
        return self._take(await self._controller.halt(person, reason))

    async def _watch(self) -> None:
        controller, switch = self._controller, self._switch
        assert controller is not None, "the supervisor starts a service before it runs it"
        assert switch is not None
        if switch.over and self._standing.mode is Mode.LIVE:
            silent = f"nobody watched over this node for {switch.silent_s:.0f} s"
            self._take(await controller.halt("node", silent))
        standing = await controller.look()
        self._tell(controller.recent)
        try:
            await controller.note_mode(standing)
        except (SafetyError, UtilsError) as error:
            _log.error("safety_log_failed", reason=str(error))
            self._take(standing)
            return
        switch.beat()
        self._take(standing)

    def _tell(self, recent: Sequence[Record]) -> None:
        """Log what is new, whoever wrote it."""
        for record in recent:
            if record.number > self._told:
                _log.warning("safety_record", kind=record.kind.value, person=record.person, reason=record.reason)
        self._told = max([self._told, *(record.number for record in recent)])

    def _take(self, standing: Standing) -> Standing:
        if standing.mode is not self._standing.mode:
            _log.warning("mode", before=self._standing.mode, mode=standing.mode, reasons=standing.reasons)
        self._standing = standing
        for mode in Mode:
            self._node.metrics.safety_mode.labels(mode.value).set(standing.mode is mode)
        return standing

    async def _let_go(self) -> None:
        self._take(_NOT_STARTED)
        self._controller = self._switch = None
        log, self._safety_log = self._safety_log, None
        if log is not None:
            await log.close()
