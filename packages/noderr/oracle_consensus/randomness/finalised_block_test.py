"""A round's randomness from a block: the block that the plan names, final, and the same for everybody who reads it."""

from __future__ import annotations

import copy

import pytest

from noderr.oracle_consensus.errors import FalseRandomnessError, NoRandomnessError
from noderr.oracle_consensus.randomness.finalised_block import BlockHeader, FinalisedBlock
from noderr.oracle_consensus.randomness.public_randomness import RoundPlan
from noderr.types.keccak import keccak256
from noderr.types.trading.errors import FieldError

PLAN = RoundPlan(first=1000, step=25, rounds_per_epoch=4)


class BlocksInMemory:
    """A chain of blocks up to a number; each has a hash and a RANDAO of its own."""

    def __init__(self, finalised: int) -> None:
        self.finalised = finalised
        self.changed: dict[int, BlockHeader] = {}

    async def finalised_number(self) -> int:
        return self.finalised

    async def header(self, number: int) -> BlockHeader:
        if number in self.changed:
            return self.changed[number]
        return BlockHeader(
            number=number, hash=keccak256(b"hash %d" % number), mix_hash=keccak256(b"randao %d" % (number // 2))
        )


@pytest.mark.parametrize(
    ("epoch", "round", "number"), [(0, 0, 1000), (0, 1, 1025), (0, 3, 1075), (1, 0, 1100), (9, 2, 1950)]
)
async def test_the_plan_says_which_block(epoch: int, round: int, number: int) -> None:
    value = await FinalisedBlock(PLAN, BlocksInMemory(5000)).of(epoch, round)
    assert value.number == number
    assert value.proof == keccak256(b"hash %d" % number)


async def test_the_value_follows_from_randao_and_number_alone() -> None:
    chain = BlocksInMemory(5000)
    source = FinalisedBlock(PLAN, chain)
    before = await source.of(0, 0)
    header = await chain.header(1000)
    chain.changed[1000] = copy.replace(header, hash=b"\1" * 32)
    assert (await source.of(0, 0)).value == before.value, "whoever grinds the hash changes nothing"
    chain.changed[1000] = copy.replace(header, mix_hash=b"\1" * 32)
    assert (await source.of(0, 0)).value != before.value
    expected = keccak256(b"noderr block randomness v1\0" + (1000).to_bytes(8, "big") + b"\1" * 32)
    assert (await source.of(0, 0)).value == expected


async def test_blocks_that_share_a_randao_give_different_values() -> None:
    source = FinalisedBlock(RoundPlan(first=1000, step=1, rounds_per_epoch=10), BlocksInMemory(5000))
    assert (await source.of(0, 0)).value != (await source.of(0, 1)).value


async def test_a_block_that_is_not_final_gives_nothing() -> None:
    chain = BlocksInMemory(999)
    with pytest.raises(NoRandomnessError, match="block 1000 is not final yet, 999 is"):
        await FinalisedBlock(PLAN, chain).of(0, 0)
    chain.finalised = 1000
    assert (await FinalisedBlock(PLAN, chain).of(0, 0)).number == 1000


async def test_another_block_than_was_asked_for_is_refused() -> None:
    chain = BlocksInMemory(5000)
    chain.changed[1000] = await chain.header(1001)
    with pytest.raises(FalseRandomnessError, match="block 1001 is shown"):
        await FinalisedBlock(PLAN, chain).of(0, 0)


async def test_a_chain_without_randao_is_refused() -> None:
    chain = BlocksInMemory(5000)
    chain.changed[1000] = BlockHeader(number=1000, hash=b"\1" * 32, mix_hash=bytes(32))
    with pytest.raises(FalseRandomnessError, match="no RANDAO"):
        await FinalisedBlock(PLAN, chain).of(0, 0)


async def test_whoever_reads_the_block_again_sees_whether_it_is_true() -> None:
    source = FinalisedBlock(PLAN, BlocksInMemory(5000))
    true = await source.of(0, 1)
    await source.verify(true, 0, 1)
    for false in (
        copy.replace(true, value=b"\1" * 32),
        copy.replace(true, proof=b"\1" * 32),
        copy.replace(true, number=1000),
        await source.of(0, 2),
    ):
        with pytest.raises(FalseRandomnessError):
            await source.verify(false, 0, 1)


@pytest.mark.parametrize("changes", [{"first": -1}, {"step": 0}, {"rounds_per_epoch": 0}, {"step": 1.5}])
def test_a_plan_that_is_none(changes: dict[str, int]) -> None:
    with pytest.raises(FieldError):
        copy.replace(PLAN, **changes)
