"""Rounds' randomness from mirrors on loopback that tell the truth, lie, trickle, flood, refuse, or are not there."""

from __future__ import annotations

import asyncio
import copy
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from noderr.oracle_consensus.errors import FalseRandomnessError, NoRandomnessError, RandomnessError
from noderr.oracle_consensus.randomness.drand import Drand
from noderr.oracle_consensus.randomness.drand_beacon import QUICKNET
from noderr.oracle_consensus.randomness.drand_mirror import HttpMirror
from noderr.oracle_consensus.randomness.public_randomness import RandomValue, RoundPlan

# True values of quicknet: see drand_beacon_test.py.
FIRST, SECOND = 657413, 5928395
SIGNATURES = {
    FIRST: "b713718a38ae728dfd477991af2822e08d2f305e47718cef9f7848ce4050e7be41076862b98fad56e91a6b85b89cd97b",
    SECOND: "a5d07c0071b4e386b3ae09206522253c68fefe8490ad59ecc44a7dd0d0745be91da5779e2247a82403fbc0cb9a34cb61",
}
RANDOMNESS = bytes.fromhex("fc1873a13f3545aeade8401532ef5519920652eee6b0d2b19ca12643b87b3587")
# Round 0 of epoch 0 is the first of them, round 0 of epoch 1 the second.
PLAN = RoundPlan(first=QUICKNET.published_at_s(FIRST), step=(SECOND - FIRST) * 3, rounds_per_epoch=1)
TIMEOUT_SECONDS = 0.3

type Answer = Callable[[int], Awaitable[bytes]]


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(None), trust_env=False) as client:
        yield client


@asynccontextmanager
async def mirror(http: httpx.AsyncClient, answer: Answer) -> AsyncIterator[HttpMirror]:
    """A server on loopback that answers as told about the round that is in the path."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            path = request.split()[1].decode()
            assert path.startswith(f"/{QUICKNET.chain_hash.hex()}/public/")
            whole = await answer(int(path.rpartition("/")[2]))
            for part in [whole[n : n + 1] for n in range(len(whole))] if answer is trickle else [whole]:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.1 if answer is trickle else 0)
        except ConnectionError:
            pass  # Who asked has gone, as it should when this takes too long.
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        # Short only for those that are slow on purpose: a busy machine must not make an honest mirror late.
        seconds = TIMEOUT_SECONDS if answer in (hang, trickle) else 10.0
        yield HttpMirror(http, f"http://127.0.0.1:{port}/", QUICKNET.chain_hash, timeout_seconds=seconds)


def reply(status: int, body: bytes) -> bytes:
    return f"HTTP/1.1 {status} So\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n".encode() + body


def beacon(round: int, signature: str) -> bytes:
    return reply(200, json.dumps({"round": round, "randomness": "00", "signature": signature}).encode())


async def honest(round: int) -> bytes:
    return beacon(round, SIGNATURES[round]) if round in SIGNATURES else reply(404, b"{}")


async def liar(round: int) -> bytes:
    # A true signature, of another round.
    return beacon(round, SIGNATURES[FIRST if round == SECOND else SECOND])


async def other_round(round: int) -> bytes:
    return beacon(FIRST + 1, SIGNATURES[FIRST])


async def no_json(round: int) -> bytes:
    return reply(200, b"<html>")


async def no_hex(round: int) -> bytes:
    return beacon(round, "zz")


async def without_signature(round: int) -> bytes:
    return reply(200, b'{"round": 657413}')


async def flood(round: int) -> bytes:
    return reply(200, b"x" * 100_000)


async def refuse(round: int) -> bytes:
    return reply(503, b"")


async def half(round: int) -> bytes:
    return (await honest(round))[:-20]


async def hang(round: int) -> bytes:
    await asyncio.sleep(3 * TIMEOUT_SECONDS)
    return b""


async def trickle(round: int) -> bytes:
    # Each byte comes in time, and all of them after seconds.
    return (await honest(round))[:20]


FAULTS: list[tuple[Answer, str]] = [
    (liar, "does not verify"),
    (other_round, "answers with round 657414"),
    (no_json, "answers with no beacon"),
    (no_hex, "answers with no beacon"),
    (without_signature, "answers with no beacon"),
    (flood, "more than 4096 bytes"),
    (refuse, "answers 503"),
    (half, "does not answer: RemoteProtocolError"),
    (hang, "does not answer within 0.3 s"),
    (trickle, "does not answer within 0.3 s"),
]


async def test_a_round_has_the_randomness_that_quicknet_published(http: httpx.AsyncClient) -> None:
    async with mirror(http, honest) as one:
        drand = Drand(PLAN, [one])
        value = await drand.of(0, 0)
        assert value == RandomValue(RANDOMNESS, FIRST, bytes.fromhex(SIGNATURES[FIRST]))
        assert (await drand.of(1, 0)).number == SECOND


@pytest.mark.parametrize(("fault", "reason"), FAULTS)
async def test_a_mirror_that_fails_is_no_source(http: httpx.AsyncClient, fault: Answer, reason: str) -> None:
    async with mirror(http, fault) as one:
        with pytest.raises(NoRandomnessError, match=reason) as caught:
            await Drand(PLAN, [one]).of(0, 0)
    assert "no mirror has drand round 657413, due at 1694775603" in str(caught.value)


@pytest.mark.parametrize("fault", [fault for fault, _ in FAULTS])
async def test_one_honest_mirror_is_enough(http: httpx.AsyncClient, fault: Answer) -> None:
    async with mirror(http, fault) as bad, mirror(http, honest) as good:
        assert (await Drand(PLAN, [bad, good]).of(0, 0)).value == RANDOMNESS


async def test_nobody_listens(http: httpx.AsyncClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound and not listening: connections are refused.
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        nobody = HttpMirror(http, url, QUICKNET.chain_hash, timeout_seconds=TIMEOUT_SECONDS)
        with pytest.raises(NoRandomnessError, match="does not answer: ConnectError"):
            await Drand(PLAN, [nobody]).of(0, 0)


async def test_what_is_not_published_yet_is_not_there(http: httpx.AsyncClient) -> None:
    async with mirror(http, honest) as one:
        with pytest.raises(NoRandomnessError, match="answers 404"):
            await Drand(PLAN, [one]).of(2, 0)


async def test_without_mirrors_there_is_no_randomness() -> None:
    with pytest.raises(NoRandomnessError, match="there is no mirror"):
        await Drand(PLAN, []).of(0, 0)


async def test_anyone_verifies_what_is_shown_without_asking() -> None:
    drand = Drand(PLAN, [])
    true = RandomValue(RANDOMNESS, FIRST, bytes.fromhex(SIGNATURES[FIRST]))
    await drand.verify(true, 0, 0)
    for false in (
        copy.replace(true, value=b"\1" * 32),
        copy.replace(true, number=FIRST + 1),
        copy.replace(true, proof=bytes.fromhex(SIGNATURES[SECOND])),
    ):
        with pytest.raises(FalseRandomnessError):
            await drand.verify(false, 0, 0)
    # True, and another round's.
    with pytest.raises(FalseRandomnessError, match="round 5928395 is the one due"):
        await drand.verify(true, 1, 0)


@pytest.mark.parametrize(("epoch", "round"), [(0, 1), (0, -1), (-1, 0)])
async def test_a_round_that_there_is_not(epoch: int, round: int) -> None:
    with pytest.raises(RandomnessError, match="there is no round"):
        await Drand(PLAN, []).of(epoch, round)
