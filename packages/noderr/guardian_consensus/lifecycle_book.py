"""Which stage each strategy is in, who may approve its promotion, who did, and how it came there: all on the disk.

A transition is on the disk before anyone is told of the new stage.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from noderr.guardian_consensus.errors import LifecycleError
from noderr.guardian_consensus.lifecycle import (
    Insufficient,
    Judgement,
    LifecyclePolicy,
    Performance,
    Stage,
    Standing,
    judge,
)
from noderr.guardian_consensus.lifecycle_rows import (
    MIGRATIONS,
    Committee,
    StrategyStage,
    Transition,
    find_strategy,
    insert_strategy,
    living_strategies,
    put_approval,
    put_transition,
    replace_committee,
    transitions_of,
    valid_approvals,
)
from noderr.guardian_consensus.promotion_approval import PromotionApproval
from noderr.types.consensus.errors import Reason, RefusedMessage
from noderr.types.consensus.signed import Signatures, Signed, check_signature
from noderr.types.eip712 import Domain
from noderr.types.signing.account_key import checksum_address
from noderr.utils import Clock, SqliteStore

FILE_NAME = "strategy-lifecycles.sqlite3"

_SECOND_NS = 1_000_000_000


class LifecycleBook:
    """Keeps its state in `folder`. Its calls, and opening, raise `noderr.utils` errors (`StoreError`) too.

    Strategies are named by the digest of the submission that was approved.
    """

    def __init__(
        self, folder: Path, policy: LifecyclePolicy, domain: Domain, signatures: Signatures, clock: Clock
    ) -> None:
        self._store = SqliteStore(folder / FILE_NAME, MIGRATIONS)
        self._policy = policy
        self._domain = domain
        self._signatures = signatures
        self._clock = clock

    async def enter(self, strategy: bytes, committee: Committee) -> StrategyStage:
        """Begin in shadow; one that is known stays as it is. Raises `LifecycleError` for a wrong name or committee."""
        if len(strategy) != 32:
            raise LifecycleError(f"{strategy!r} names no strategy: give the digest of its submission, 32 bytes")
        self._check_committee(committee)
        now_ns = self._clock.now_ns()

        def work(connection: sqlite3.Connection) -> StrategyStage:
            insert_strategy(connection, strategy, committee, now_ns)
            return _stage(connection, strategy)

        return await self._store.run(work)

    async def set_committee(self, strategy: bytes, committee: Committee) -> None:
        """Other guardians may approve from now on; what the earlier ones approved is worth nothing."""
        self._check_committee(committee)

        def work(connection: sqlite3.Connection) -> None:
            if _stage(connection, strategy).committee != committee:
                replace_committee(connection, strategy, committee)

        await self._store.run(work)

    async def approve(self, signed: Signed[PromotionApproval]) -> None:
        """Take a guardian's approval; a later one of the same guardian extends it. Raises `RefusedMessage`."""
        check_signature(signed, self._domain, self._signatures)
        now_s = self._clock.now_ns() // _SECOND_NS
        approval = signed.message
        if not now_s < approval.expires_at_s <= now_s + self._policy.approval_s:
            late = approval.expires_at_s <= now_s
            raise RefusedMessage(
                Reason.EXPIRED if late else Reason.FUTURE,
                f"it expires at {approval.expires_at_s}, now is {now_s}: at most {self._policy.approval_s} s later",
            )

        def work(connection: sqlite3.Connection) -> None:
            now = find_strategy(connection, approval.strategy)
            if now is None:
                raise RefusedMessage(Reason.WRONG_SUBJECT, f"no strategy {approval.strategy.hex()} is here")
            _check_approval(approval, signed.signer, now)
            put_approval(connection, signed)

        await self._store.run(work)

    async def observe(self, strategy: bytes, figures: Performance | Insufficient) -> Judgement:
        """Judge the strategy by these figures and its approvals, and move it. Raises `LifecycleError`."""
        now_ns = self._clock.now_ns()

        def work(connection: sqlite3.Connection) -> Judgement:
            now = _stage(connection, strategy)
            approvals = valid_approvals(connection, strategy, now_ns // _SECOND_NS)
            judgement = judge(Standing(now.stage, now.entered_at_ns, approvals), figures, self._policy, now_ns)
            if judgement.to is not now.stage:
                put_transition(connection, strategy, now, Transition(now.stage, judgement.to, _text(judgement), now_ns))
            return judgement

        return await self._store.run(work)

    async def retire(self, strategy: bytes, reason: str) -> None:
        """From any stage, for good. Again it changes nothing. Raises `LifecycleError` without a reason."""
        if not reason:
            raise LifecycleError("the reason is empty: say why it is retired")
        now_ns = self._clock.now_ns()

        def work(connection: sqlite3.Connection) -> None:
            now = _stage(connection, strategy)
            if now.stage is not Stage.RETIRED:
                put_transition(connection, strategy, now, Transition(now.stage, Stage.RETIRED, reason, now_ns))

        await self._store.run(work)

    async def stage(self, strategy: bytes) -> StrategyStage:
        """Raises `LifecycleError` for one that never entered."""
        return await self._store.run(lambda connection: _stage(connection, strategy))

    async def living(self) -> list[bytes]:
        """The strategies that are not retired."""
        return await self._store.run(living_strategies)

    async def transitions(self, strategy: bytes) -> list[Transition]:
        """All of them, the first one first."""
        return await self._store.run(lambda connection: transitions_of(connection, strategy))

    async def close(self) -> None:
        await self._store.close()

    def _check_committee(self, committee: Committee) -> None:
        different = len(set(committee.members))
        if not different == len(committee.members) == self._policy.committee:
            raise LifecycleError(
                f"the committee has {different} different members of {len(committee.members)}: "
                f"draw {self._policy.committee}, each once"
            )


def _text(judgement: Judgement) -> str:
    return f"{judgement.move.value}: {'; '.join(judgement.reasons)}"


def _stage(connection: sqlite3.Connection, strategy: bytes) -> StrategyStage:
    if (found := find_strategy(connection, strategy)) is None:
        raise LifecycleError(f"no strategy {strategy.hex()} is here: let it enter first")
    return found


def _check_approval(approval: PromotionApproval, signer: bytes, now: StrategyStage) -> None:
    if approval.epoch != now.committee.epoch:
        raise RefusedMessage(
            Reason.WRONG_EPOCH, f"its committee is of epoch {now.committee.epoch}, not {approval.epoch}"
        )
    if signer not in now.committee.members:
        raise RefusedMessage(Reason.NOT_A_MEMBER, f"{checksum_address(signer)} is not on the committee")
    if (approval.step, approval.stage) != (now.step, now.stage.riskier):
        raise RefusedMessage(
            Reason.WRONG_SUBJECT,
            f"it is for step {approval.step} to {Stage(approval.stage).name}, and the strategy is at step {now.step} "
            f"in {now.stage.name}",
        )
