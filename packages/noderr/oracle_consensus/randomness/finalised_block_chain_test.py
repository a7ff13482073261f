"""The randomness of a finalised block, read from a node that tells the truth and from some that do not."""

from __future__ import annotations

from typing import Any

import pytest

from noderr.core.json_rpc_chain import ChainReader
from noderr.core.json_rpc_testing import http_response, results, rpc_node
from noderr.oracle_consensus.errors import FalseRandomnessError, NoRandomnessError
from noderr.oracle_consensus.randomness.finalised_block import FinalisedBlock
from noderr.oracle_consensus.randomness.finalised_block_chain import NodeChain
from noderr.oracle_consensus.randomness.public_randomness import RoundPlan
from noderr.types.keccak import keccak256

PLAN = RoundPlan(first=1000, step=25, rounds_per_epoch=4)
FINAL = 1030


def block(number: int) -> dict[str, Any]:
    return {
        "number": hex(number),
        "hash": f"0x{keccak256(b'hash %d' % number).hex()}",
        "mixHash": f"0x{keccak256(b'randao %d' % number).hex()}",
        "timestamp": hex(12 * number),
    }


def truth(questions: list[dict[str, Any]]) -> bytes:
    at = questions[1]["params"][0]
    return results("0x1", block(FINAL if at == "finalized" else int(at, 16)))


async def test_a_final_block_is_a_rounds_randomness() -> None:
    async with rpc_node(truth) as rpc:
        source = FinalisedBlock(PLAN, NodeChain(ChainReader(rpc, 1)))
        shown = await source.of(0, 1)
        assert (shown.number, shown.proof) == (1025, keccak256(b"hash 1025"))
        await source.verify(shown, 0, 1)
        with pytest.raises(NoRandomnessError, match="block 1050 is not final yet, 1030 is"):
            await source.of(0, 2)


async def test_another_block_than_was_asked_for_is_false() -> None:
    async with rpc_node(lambda questions: results("0x1", block(FINAL))) as rpc:
        with pytest.raises(FalseRandomnessError, match="block 1025 was asked for, and block 1030 is shown"):
            await FinalisedBlock(PLAN, NodeChain(ChainReader(rpc, 1))).of(0, 1)


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (results("0x1", None), "has no block finalized yet"),
        (results("0x2", block(FINAL)), "node of chain 2"),
        (results("0x1", block(FINAL) | {"mixHash": "0x"}), "mixHash has 0 bytes"),
        (http_response(b"", "503 Service Unavailable"), "answers 503"),
    ],
)
async def test_who_shows_no_block_has_no_randomness(response: bytes, reason: str) -> None:
    async with rpc_node(lambda questions: response) as rpc:
        with pytest.raises(NoRandomnessError, match=reason):
            await FinalisedBlock(PLAN, NodeChain(ChainReader(rpc, 1))).of(0, 0)
