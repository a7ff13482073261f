"""How much each guardian has been given to evaluate, what it said, and who can take more: the draw of a committee."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import replace
from dataclasses import dataclass

from noderr.guardian_consensus.errors import DrawError, WorkloadError
from noderr.types.consensus.vote import Choice
from noderr.types.consensus.weights import VoterSet
from noderr.types.keccak import keccak256
from noderr.types.trading.checks import check_integer

_MAX_COUNT = (1 << 53) - 1
_SEED_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`open` evaluations now, at most `most_open`; those that ended are counted by what the guardian said.

    `unanswered` ended without a word. `total_ms` is the time that the answered ones took together. Who is not `active`
    gets nothing new.
    """

    most_open: int = 3
    active: bool = True
    open: int = 0
    approvals: int = 0
    rejections: int = 0
    abstentions: int = 0
    unanswered: int = 0
    total_ms: int = 0

    def __post_init__(self) -> None:
        check_integer(self, "most_open", self.most_open, 1, 1000)
        check_integer(self, "open", self.open, 0, self.most_open)
        for field in ("approvals", "rejections", "abstentions", "unanswered", "total_ms"):
            check_integer(self, field, getattr(self, field), 0, _MAX_COUNT)

    @property
    def has_room(self) -> bool:
        """Whether it may be given one more."""
        return self.active and self.open < self.most_open

    @property
    def answered(self) -> int:
        return self.approvals + self.rejections + self.abstentions

    @property
    def mean_ms(self) -> int | None:
        """What an answer took on average, rounded down; None while there is none."""
        return self.total_ms // self.answered if self.answered else None

    def begun(self) -> Workload:
        """After one more was given to it. Raises `WorkloadError` when it has no room."""
        if not self.has_room:
            raise WorkloadError(f"it has {self.open} of {self.most_open} open, active {self.active}: it has no room")
        return replace(self, open=self.open + 1)

    def answered_with(self, choice: Choice, took_ms: int) -> Workload:
        """After it said something of one. Raises `WorkloadError` when none is open."""
        field = {Choice.APPROVE: "approvals", Choice.REJECT: "rejections", Choice.ABSTAIN: "abstentions"}[choice]
        after = replace(self._ended(), total_ms=self.total_ms + took_ms)
        return replace(after, **{field: getattr(self, field) + 1})

    def gave_up(self) -> Workload:
        """After the time of one was over without a word. Raises `WorkloadError` when none is open."""
        return replace(self._ended(), unanswered=self.unanswered + 1)

    def _ended(self) -> Workload:
        if not self.open:
            raise WorkloadError("none is open: begin an evaluation before it ends")
        return replace(self, open=self.open - 1)


def draw_committee(
    voters: VoterSet,
    workloads: Mapping[bytes, Workload],
    *,
    size: int,
    seed: bytes,
    exclude: Collection[bytes] = (),
) -> tuple[bytes, ...]:
    """`size` guardians in the order in which they are drawn, by weight; the same for everybody who has the same data.

    Drawn is who votes in the epoch, has room and is not excluded (the submitter). One after another, each with the
    chance that its weight has among those left. `seed` is 32 bytes that nobody could choose. Raises `DrawError`.
    """
    if len(seed) != _SEED_BYTES:
        raise DrawError(f"the seed has {len(seed)} bytes: it must have {_SEED_BYTES}")
    left = {voter: voters.weights[voter] for voter in voters.voters if voter not in exclude and _room(workloads, voter)}
    if not 1 <= size <= len(left):
        raise DrawError(
            f"{size} are to be drawn of {len(left)} guardians that have room, of {len(voters.voters)} in epoch "
            f"{voters.epoch}: wait for evaluations to end"
        )
    drawn: list[bytes] = []
    for place in range(size):
        drawn.append(chosen := _choose(left, seed, place))
        del left[chosen]
    return tuple(drawn)


def _room(workloads: Mapping[bytes, Workload], voter: bytes) -> bool:
    # Of whom nothing is known, nothing is open.
    return workloads[voter].has_room if voter in workloads else True


def _choose(left: Mapping[bytes, int], seed: bytes, place: int) -> bytes:
    # 512 bits: against weights of at most 136 the bias of the division is below 2^-376.
    words = [keccak256(seed + place.to_bytes(4, "big") + bytes([word])) for word in range(2)]
    ticket = int.from_bytes(b"".join(words), "big") % sum(left.values())
    for voter, weight in left.items():
        if ticket < weight:
            return voter
        ticket -= weight
    raise AssertionError("a ticket is below the sum of all weights")
