"""A feed as a node shows it: a true one is believed, a lying one is named."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from eth_abi.abi import encode

from noderr.core.json_rpc_chain import ChainReader
from noderr.core.json_rpc_errors import (
    JsonRpcAnswerError,
    JsonRpcRefusedError,
    JsonRpcUnreachableError,
    WrongChainError,
)
from noderr.core.json_rpc_testing import MAX_ANSWER_BYTES, answered, http_response, results, rpc_node
from noderr.data_connectors.chainlink import ChainlinkFeed
from noderr.data_connectors.chainlink_errors import InvalidRound, PriceDeviates, SequencerDown, StalePrice, WrongFeed
from noderr.data_connectors.chainlink_round import FeedPrice, FeedSettings
from noderr.types.trading.errors import FieldError
from noderr.utils import ManualClock

SECOND_NS = 1_000_000_000
NOW_S = 1_790_000_000
NOW_NS = NOW_S * SECOND_NS
FEED = FeedSettings(
    symbol="BTC/USD",
    chain_id=84532,
    address=b"\xfe" * 20,
    decimals=8,
    heartbeat_seconds=3600,
    sequencer=b"\x5e" * 20,
)
ROUND_TYPES = ("uint80", "int256", "uint256", "uint256", "uint80")
CHAIN = hex(FEED.chain_id)
EIGHT = f"0x{8:064x}"


def round_data(*values: int) -> str:
    return f"0x{encode(ROUND_TYPES, (*values, values[0])).hex()}"


ROUND = round_data(7, 64_000 * 10**8, NOW_S - 9, NOW_S - 9)
UP = round_data(1, 0, NOW_S - 4000, NOW_S - 4000)
TRUTH = results(CHAIN, EIGHT, ROUND, UP)


async def read(response: bytes, *, then_hang: bool = False, clock: ManualClock | None = None) -> FeedPrice:
    async with rpc_node(lambda questions: response, then_hang=then_hang) as rpc:
        return await ChainlinkFeed(FEED, ChainReader(rpc, FEED.chain_id), clock or ManualClock(NOW_NS)).latest()


async def test_a_feed_is_asked_for_all_at_once() -> None:
    seen: list[Any] = []

    def respond(questions: list[dict[str, Any]]) -> bytes:
        seen.append([question["params"] for question in questions])
        return TRUTH if len(questions) == 4 else results(CHAIN, EIGHT, ROUND)

    async with rpc_node(respond) as rpc:
        chain = ChainReader(rpc, FEED.chain_id)
        price = await ChainlinkFeed(FEED, chain, ManualClock(NOW_NS)).latest()
        # A chain without a sequencer.
        plain = ChainlinkFeed(copy.replace(FEED, sequencer=None), chain, ManualClock(NOW_NS))
        assert await plain.latest() == price
    assert price.price == Decimal("64000")
    feed, sequencer = f"0x{'fe' * 20}", f"0x{'5e' * 20}"
    calls = [[{"to": feed, "data": data}, "latest"] for data in ("0x313ce567", "0xfeaf968c")]
    assert seen == [[[], *calls, [{"to": sequencer, "data": "0xfeaf968c"}, "latest"]], [[], *calls]]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (results("0x1", EIGHT, ROUND, UP), WrongChainError),
        (results(CHAIN, f"0x{18:064x}", ROUND, UP), WrongFeed),
        (results(CHAIN, "0x", "0x", UP), WrongFeed),
        (results(CHAIN, EIGHT, "0x", UP), WrongFeed),
        (results(CHAIN, EIGHT, ROUND, "0x"), WrongFeed),
        (results(CHAIN, EIGHT, ROUND + "00", UP), WrongFeed),
        (results(CHAIN, EIGHT, ROUND[:-1], UP), JsonRpcAnswerError),
        (results(CHAIN, EIGHT, ROUND.replace("0x", ""), UP), JsonRpcAnswerError),
        (results(CHAIN, EIGHT, ROUND[:-2] + "zz", UP), JsonRpcAnswerError),
        (results(CHAIN, EIGHT, None, UP), JsonRpcAnswerError),
        (results(CHAIN, EIGHT, {"price": 64_000}, UP), JsonRpcAnswerError),
        (results(CHAIN, EIGHT, ROUND), JsonRpcAnswerError),
        (results(CHAIN, EIGHT, round_data(7, -1, NOW_S, NOW_S), UP), InvalidRound),
        (results(CHAIN, EIGHT, round_data(7, 1, NOW_S, NOW_S + 1), UP), InvalidRound),
        (results(CHAIN, EIGHT, round_data(7, 1, NOW_S, NOW_S - 5401), UP), StalePrice),
        (results(CHAIN, EIGHT, f"0x{'ff' * 160}", UP), InvalidRound),
        (results(CHAIN, EIGHT, ROUND, round_data(1, 1, NOW_S - 4000, NOW_S)), SequencerDown),
        (results(CHAIN, EIGHT, ROUND, round_data(1, 0, NOW_S - 3600, NOW_S)), SequencerDown),
        (answered({"result": CHAIN}, {"error": {"code": 3, "message": "reverted"}}, {}, {}), JsonRpcRefusedError),
        (http_response(b"busy", "503 Service Unavailable"), JsonRpcUnreachableError),
        (http_response(b" " * (MAX_ANSWER_BYTES + 1)), JsonRpcUnreachableError),
        (http_response(b"<html>welcome</html>"), JsonRpcAnswerError),
    ],
)
async def test_a_lying_node_is_named(response: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await read(response)


async def test_a_node_that_hangs_is_left() -> None:
    with pytest.raises(JsonRpcUnreachableError, match="within"):
        await read(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[", then_hang=True)


async def test_the_largest_answer_is_exact() -> None:
    found = await read(results(CHAIN, EIGHT, round_data(7, 2**255 - 1, NOW_S, NOW_S), UP))
    assert found.price.as_tuple().digits == tuple(map(int, str(2**255 - 1)))


async def test_what_waited_for_its_answer_is_as_old_as_it_is() -> None:
    clock = ManualClock(NOW_NS)
    late = results(CHAIN, EIGHT, round_data(7, 1, NOW_S, NOW_S - 5400), UP)
    assert (await read(late, clock=clock)).round_id == 7

    def respond(questions: list[dict[str, Any]]) -> bytes:
        clock.set_back(-1)
        return late

    async with rpc_node(respond) as rpc:
        with pytest.raises(StalePrice, match=f"age is {5401 * SECOND_NS} ns"):
            await ChainlinkFeed(FEED, ChainReader(rpc, FEED.chain_id), clock).latest()


async def test_a_round_is_not_followed_by_an_older_one() -> None:
    rounds = iter([8, 8, 7, 9])

    def respond(questions: list[dict[str, Any]]) -> bytes:
        return results(CHAIN, EIGHT, round_data(next(rounds), 1, NOW_S, NOW_S), UP)

    async with rpc_node(respond) as rpc:
        feed = ChainlinkFeed(FEED, ChainReader(rpc, FEED.chain_id), ManualClock(NOW_NS))
        assert [(await feed.latest()).round_id for _ in range(2)] == [8, 8]
        with pytest.raises(InvalidRound, match="the round's id is 7, and it must be 8 to"):
            await feed.latest()
        assert (await feed.latest()).round_id == 9


async def test_the_alarm_compares_with_another_source() -> None:
    async with rpc_node(lambda questions: TRUTH) as rpc:
        feed = ChainlinkFeed(FEED, ChainReader(rpc, FEED.chain_id), ManualClock(NOW_NS))
        price = await feed.latest()
        feed.check_deviation(price, Decimal("63000"))
        with pytest.raises(PriceDeviates, match="64000, and it must be within 200 bps of 62000"):
            feed.check_deviation(price, Decimal("62000"))


async def test_the_reader_is_of_the_feeds_chain() -> None:
    async with rpc_node(lambda questions: TRUTH) as rpc:
        with pytest.raises(FieldError, match="chain_id"):
            ChainlinkFeed(FEED, ChainReader(rpc, 1), ManualClock(NOW_NS))
