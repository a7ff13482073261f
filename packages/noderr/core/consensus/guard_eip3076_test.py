"""The guard against the block cases of EIP-3076's public suite: slots are rounds, signing roots are digests.

Slots and verdicts are those of github.com/eth-clients/slashing-protection-interchange-tests (`tests/generated`, named
by file), which the EIP (CC0) links. A history that is imported is to this guard a journal from a backup: its records,
and a start that refuses everything through the newest of them. A block whose root the history does not tell was
signed over a digest that nobody knows.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import pytest

from noderr.core.consensus.errors import DoubleSignError, GuardError
from noderr.core.consensus.guard import Guard
from noderr.core.consensus.testing import ForgetfulDisk, vote

_UNKNOWN = b"\xee" * 32


@dataclass(frozen=True)
class Block:
    """`root` None: the history does not tell it."""

    slot: int
    root: int | None = 0

    @property
    def digest(self) -> bytes:
        return _UNKNOWN if self.root is None else self.root.to_bytes(32, "big")


@dataclass(frozen=True)
class Step:
    """First what is imported, then what is asked for, in this order, with the suite's verdict."""

    imported: tuple[Block, ...]
    asked: tuple[tuple[Block, bool], ...] = ()


def untold(*slots: int) -> tuple[Block, ...]:
    return tuple(Block(slot, None) for slot in slots)


CASES: dict[str, tuple[Step, ...]] = {
    "single_validator_single_block": (
        Step(
            untold(32),
            ((Block(32), False), (Block(33), True), (Block(31), False), (Block(1), False)),
        ),
    ),
    "single_validator_two_blocks_no_signing_root": (Step(untold(10, 20), ((Block(20), False),)),),
    "single_validator_multiple_block_attempts": (
        Step(
            untold(15, 16, 17),
            ((Block(16), False), (Block(16, 1), False), (Block(16, (1 << 64) - 1), False)),
        ),
    ),
    "single_validator_resign_block": (
        Step(
            (Block(15, 0x97), Block(16, 0xA1), Block(17, 0xAB)),
            (
                (Block(15, 0x97), True),
                (Block(16, 0xA1), True),
                (Block(17, 0xAB), True),
                (Block(15, 0x98), False),
                (Block(15, 0), False),
                (Block(16, 0x97), False),
                (Block(17, 0x97), False),
                (Block(18, 0x97), True),
                (Block(14, 0xAB), False),
            ),
        ),
    ),
    "duplicate_pubkey_slashable_block": (Step(untold(10, 10), ((Block(10), False), (Block(11), True))),),
    "multiple_interchanges_single_validator_single_message_gap": (
        Step(untold(40)),
        Step(
            untold(50),
            (
                (Block(41), False),
                (Block(45), False),
                (Block(49), False),
                (Block(50), False),
                (Block(51), True),
            ),
        ),
    ),
    "multiple_interchanges_single_validator_single_block_out_of_order": (
        Step(untold(40)),
        Step(untold(20), ((Block(20), False),)),
    ),
    "multiple_interchanges_single_validator_multiple_blocks_out_of_order": (
        Step(untold(0), ((Block(10), True), (Block(20), True), (Block(30), True))),
        Step(untold(20), ((Block(29), False),)),
    ),
    # An earlier revision let slots 4 and 256 be signed: between what was signed. This guard never fills a gap.
    "single_validator_multiple_blocks_and_attestations": (
        Step(
            untold(2, 3, 10, 1200),
            (*((Block(slot), False) for slot in (1, 2, 3, 10, 1200)), (Block(1201), True)),
        ),
    ),
}


def is_permitted(guard: Guard, block: Block) -> bool:
    try:
        guard.permit(vote(round=block.slot), block.digest)
    except GuardError:
        return False
    return True


def started_with(disk: ForgetfulDisk, history: tuple[Block, ...], newest_signed: int) -> Guard:
    """A guard on the same disk, with this history added, after the start that follows: that is later than all of it."""
    guard = Guard(disk)
    for block in history:
        with contextlib.suppress(GuardError):
            guard.permit(vote(round=block.slot), block.digest)
    guard.refuse_through(3, 9, max([newest_signed, *(block.slot for block in history)]))
    return guard


@pytest.mark.parametrize("name", CASES)
def test_the_suite_and_the_guard_agree(name: str) -> None:
    disk, newest_signed = ForgetfulDisk(), 0
    for step in CASES[name]:
        guard = started_with(disk, step.imported, newest_signed)
        for block, verdict in step.asked:
            assert is_permitted(guard, block) is verdict, block
            newest_signed = max(newest_signed, block.slot if verdict else 0)


def test_single_validator_slashable_blocks() -> None:
    # The suite refuses to import two roots in one slot; this guard never writes the second.
    guard = Guard(ForgetfulDisk())
    guard.permit(vote(round=10), Block(10, 0).digest)
    with pytest.raises(DoubleSignError):
        guard.permit(vote(round=10), Block(10, 0xB).digest)
    assert len(guard) == 1


def test_multiple_validators_same_slot_blocks() -> None:
    # Each validator has its own history: so has each guard.
    for root, slots in enumerate([(1, 2, 3), (1, 3), (1, 2)]):
        guard = Guard(ForgetfulDisk())
        assert all(is_permitted(guard, Block(slot, root)) for slot in slots)
