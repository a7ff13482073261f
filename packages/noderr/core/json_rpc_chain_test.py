"""What is read of a chain is of that chain, and written as Ethereum writes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noderr.core.json_rpc_chain import Block, BlockTag, ChainReader, ContractCall
from noderr.core.json_rpc_errors import JsonRpcAnswerError, WrongChainError
from noderr.core.json_rpc_hex import data, quantity, to_data, to_quantity
from noderr.core.json_rpc_testing import results, rpc_node

CALL = ContractCall(b"\xab" * 20, b"\1\2\3\4")
WORD = "0x" + "11" * 32
BLOCK = {"number": "0x10", "hash": WORD, "mixHash": "0x" + "22" * 32, "timestamp": "0x6ab13b80", "extra": [1]}


async def test_calls_go_to_the_newest_block_or_to_one() -> None:
    seen: list[Any] = []

    def respond(questions: list[dict[str, Any]]) -> bytes:
        seen.append([(question["method"], question["params"]) for question in questions])
        return results("0x14a34", "0x", "0xFF00")

    async with rpc_node(respond) as rpc:
        chain = ChainReader(rpc, 84532)
        assert await chain.call([CALL, CALL]) == [b"", b"\xff\0"]
        assert await chain.call([CALL, CALL], at=0) == [b"", b"\xff\0"]
    call = {"to": "0x" + "ab" * 20, "data": "0x01020304"}
    assert seen[0] == [("eth_chainId", []), ("eth_call", [call, "latest"]), ("eth_call", [call, "latest"])]
    assert seen[1][1] == ("eth_call", [call, "0x0"])


@pytest.mark.parametrize(("at", "written"), [(16, "0x10"), ("finalized", "finalized"), ("latest", "latest")])
async def test_a_block_is_read(at: BlockTag, written: str) -> None:
    seen: list[Any] = []

    def respond(questions: list[dict[str, Any]]) -> bytes:
        seen.append((questions[1]["method"], questions[1]["params"]))
        return results("0x1", BLOCK)

    async with rpc_node(respond) as rpc:
        block = await ChainReader(rpc, 1).block(at)
    assert block == Block(number=16, hash=b"\x11" * 32, mix_hash=b"\x22" * 32, timestamp_s=0x6AB13B80)
    assert seen == [("eth_getBlockByNumber", [written, False])]


async def test_a_block_that_is_not_there_yet_is_none() -> None:
    async with rpc_node(lambda questions: results("0x1", None)) as rpc:
        assert await ChainReader(rpc, 1).block(16) is None


async def test_another_chain_is_refused() -> None:
    async with rpc_node(lambda questions: results("0x1", "0x")) as rpc:
        with pytest.raises(WrongChainError, match="chain 1, and chain 84532 is meant"):
            await ChainReader(rpc, 84532).call([CALL])


@pytest.mark.parametrize(
    ("chain", "result"),
    [
        ("0x1", None),
        ("0x1", "0x1"),
        ("0x1", "0xzz"),
        ("0x1", "ff"),
        ("0x1", 7),
        ("0x1", "0x 1"),
        ("0x01", "0x"),
        (1, "0x"),
        (None, "0x"),
        ("0x", "0x"),
        ("0x" + "f" * 65, "0x"),
        ("0x1\n", "0x"),
    ],
)
async def test_what_is_not_written_so_is_no_answer(chain: Any, result: Any) -> None:
    async with rpc_node(lambda questions: results(chain, result)) as rpc:
        with pytest.raises(JsonRpcAnswerError):
            await ChainReader(rpc, 1).call([CALL])


@pytest.mark.parametrize(
    "block",
    [
        7,
        [],
        {},
        BLOCK | {"number": None},
        BLOCK | {"number": "0x010"},
        BLOCK | {"hash": "0x11"},
        BLOCK | {"mixHash": WORD + "00"},
        BLOCK | {"timestamp": "now"},
    ],
)
async def test_what_is_no_block_is_no_answer(block: Any) -> None:
    async with rpc_node(lambda questions: results("0x1", block)) as rpc:
        with pytest.raises(JsonRpcAnswerError):
            await ChainReader(rpc, 1).block(16)


@pytest.mark.parametrize(("number", "written"), [(65, "0x41"), (1024, "0x400"), (0, "0x0")])
def test_quantities_are_those_of_the_standard(number: int, written: str) -> None:
    assert (to_quantity(number), quantity(written)) == (written, number)


@pytest.mark.parametrize(("content", "written"), [(b"A", "0x41"), (b"\0B\0", "0x004200"), (b"", "0x")])
def test_data_is_that_of_the_standard(content: bytes, written: str) -> None:
    assert (to_data(content), data(written)) == (written, content)


@pytest.mark.parametrize("written", ["0x", "0x0400", "ff"])
def test_what_the_standard_calls_wrong_is_no_quantity(written: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        quantity(written)


@pytest.mark.parametrize("written", ["0xf0f0f", "004200"])
def test_what_the_standard_calls_wrong_is_no_data(written: str) -> None:
    with pytest.raises(ValueError, match="no data"):
        data(written)


@given(st.integers(0, 2**256 - 1), st.binary(max_size=70))
def test_what_is_written_is_read(number: int, content: bytes) -> None:
    assert (quantity(to_quantity(number)), data(to_data(content))) == (number, content)


@pytest.mark.parametrize("read", [quantity, data])
def test_a_long_value_is_not_quoted_whole(read: Callable[[object], object]) -> None:
    with pytest.raises(ValueError, match="…") as refused:
        read("0x0g" + "0" * 100_000)
    assert len(str(refused.value)) < 200
