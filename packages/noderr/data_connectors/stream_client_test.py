"""Against a real server on loopback; all waits are on a clock that the test turns."""

from __future__ import annotations

import asyncio
import contextlib
import itertools

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from noderr.core.circuit_breaker import BreakerPolicy
from noderr.data_connectors.errors import NotConnectedError, PolicyError
from noderr.data_connectors.stream_client import Closed, Opened, RawFrame
from noderr.data_connectors.stream_policy import StreamPolicy
from noderr.data_connectors.testing import VENUE, Behaviour, Listener, listened, listening, stays, until
from noderr.utils import Backoff, ManualClock

T0 = 1_700_000_000_000_000_000
HOUR = 3600.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0)


def says(*texts: str | bytes, then: Behaviour = stays) -> Behaviour:
    async def behave(connection: ServerConnection) -> None:
        for text in texts:
            await connection.send(text)
        await then(connection)

    return behave


def closes(code: int, reason: str = "") -> Behaviour:
    async def behave(connection: ServerConnection) -> None:
        await connection.close(code, reason)

    return behave


async def drops(connection: ServerConnection) -> None:
    connection.transport.abort()


async def test_frames_come_in_order_with_their_times(clock: ManualClock) -> None:
    async with listening(says("one", b"two", "three")) as venue, listened(Listener(venue.url, clock)) as heard:
        await until(lambda: len(heard.payloads) == 3)
        assert heard.events == [Opened(), *(RawFrame(T0, text) for text in (b"one", b"two", b"three"))]
        assert heard.client.heard_ns() == T0
        assert heard.registry.get_sample_value("noderr_feed_frames_total", {"venue": VENUE}) == 3
        assert heard.registry.get_sample_value("noderr_feed_received_bytes_total", {"venue": VENUE}) == 11
        assert heard.registry.get_sample_value("noderr_feed_connected", {"venue": VENUE}) == 1
    assert heard.registry.get_sample_value("noderr_feed_connected", {"venue": VENUE}) == 0


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (drops, "the connection was dropped"),
        (closes(1012, "restarting"), "the venue closed with code 1012 restarting"),
        (closes(1000), "the venue closed with code 1000"),
        (closes(4001, "too many"), "the venue closed with code 4001 too many"),
    ],
)
async def test_a_connection_that_ends_is_made_anew(clock: ManualClock, end: Behaviour, reason: str) -> None:
    async with (
        listening(says("before", then=end), says("after")) as venue,
        listened(Listener(venue.url, clock)) as heard,
    ):
        await until(lambda: heard.reasons != [])
        assert venue.connections == 1
        assert heard.client.heard_ns() is None
        await until(lambda: b"after" in heard.payloads, clock, 0.5)
        assert (heard.payloads, heard.reasons, heard.opened) == ([b"before", b"after"], [reason], 2)


async def test_a_frame_that_breaks_the_protocol_ends_the_connection(clock: ManualClock) -> None:
    async def garbage(connection: ServerConnection) -> None:
        connection.transport.write(b"\xff\x00garbage that is no frame")
        await stays(connection)

    async with listening(garbage, says("after")) as venue, listened(Listener(venue.url, clock)) as heard:
        await until(lambda: b"after" in heard.payloads, clock, 0.5)
        assert len(heard.reasons) == 1


async def test_text_that_is_no_utf8_is_handed_out_for_the_parser_to_refuse(clock: ManualClock) -> None:
    async def latin(connection: ServerConnection) -> None:
        await connection.send(b"\xff\xfe", text=True)
        await stays(connection)

    async with listening(latin) as venue, listened(Listener(venue.url, clock)) as heard:
        await until(lambda: heard.payloads != [] or heard.reasons != [])
        assert heard.payloads == [b"\xff\xfe"]


async def test_a_server_that_is_silent_is_left_after_a_minute(clock: ManualClock) -> None:
    async with listening(stays, says("after")) as venue, listened(Listener(venue.url, clock)) as heard:
        await until(lambda: heard.opened == 1)
        for _ in range(11):
            await clock.advance(5)
            await asyncio.sleep(0.02)  # The answer to a ping takes real time.
        assert heard.reasons == []
        await clock.advance(5)
        await until(lambda: heard.reasons != [])
        assert heard.reasons == ["no frame came for 60 s"]
        await until(lambda: b"after" in heard.payloads, clock, 0.5)


async def test_a_server_that_does_not_answer_pings_is_left_though_frames_came(clock: ManualClock) -> None:
    over = asyncio.Event()

    async def is_deaf(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await over.wait()

    async with (
        listening(says("one", then=is_deaf), says("after")) as venue,
        listened(Listener(venue.url, clock, StreamPolicy(stale=1000))) as heard,
    ):
        await until(lambda: heard.payloads == [b"one"])
        await clock.advance(30)  # A ping is sent.
        assert heard.reasons == []
        await clock.advance(30)
        await until(lambda: heard.reasons != [])
        assert heard.reasons == ["a ping was not answered for 30 s"]
        await until(lambda: b"after" in heard.payloads, clock, 0.5)
        over.set()


async def test_pings_that_are_answered_are_timed_and_keep_the_connection(clock: ManualClock) -> None:
    async with (
        listening(says("one")) as venue,
        listened(Listener(venue.url, clock, StreamPolicy(stale=1000))) as heard,
    ):
        await until(lambda: heard.payloads == [b"one"])

        def answers() -> float | None:
            return heard.registry.get_sample_value("noderr_feed_round_trip_seconds_count", {"venue": VENUE})

        for expected in range(1, 6):
            await clock.advance(30)
            await until(lambda expected=expected: answers() == expected)  # type: ignore[misc]
        assert (heard.reasons, venue.connections) == ([], 1)


async def test_frames_that_come_slowly_keep_the_connection(clock: ManualClock) -> None:
    step = asyncio.Event()

    async def slow(connection: ServerConnection) -> None:
        for number in range(5):
            await step.wait()
            step.clear()
            await connection.send(str(number))
        await stays(connection)

    async with listening(slow) as venue, listened(Listener(venue.url, clock)) as heard:
        await until(lambda: heard.opened == 1)
        for number in range(5):
            for _ in range(2):
                await clock.advance(29.5)
                await asyncio.sleep(0.02)
            step.set()
            await until(lambda number=number: len(heard.payloads) == number + 1)  # type: ignore[misc]
        assert (heard.reasons, venue.connections) == ([], 1)


async def test_a_connection_ends_itself_before_the_venue_does_after_24_hours(clock: ManualClock) -> None:
    policy = StreamPolicy(stale=30 * HOUR, heartbeat=HOUR)
    async with (
        listening(says("day one"), says("day two")) as venue,
        listened(Listener(venue.url, clock, policy)) as heard,
    ):
        await until(lambda: heard.payloads == [b"day one"])
        hours = 0
        while not heard.reasons:
            await clock.advance(HOUR)
            await asyncio.sleep(0.02)
            hours += 1
            assert hours <= 24
        assert 22 <= hours <= 24
        assert heard.reasons == ["its time is over: venues end connections after 24 hours"]
        await until(lambda: b"day two" in heard.payloads, clock, 0.5)
        # It was a good one: the next begins at once, as after the first failure.
        assert clock.now_ns() - T0 < (hours * HOUR + 3) * 1_000_000_000


async def test_failures_are_tried_ever_more_slowly_and_with_jitter(clock: ManualClock) -> None:
    policy = StreamPolicy(backoff=Backoff(first_seconds=1, limit_seconds=8, factor=2))
    async with listening(drops) as venue, listened(Listener(venue.url, clock, policy)) as heard:
        times: list[float] = []
        while len(times) < 7:
            await until(lambda: len(heard.reasons) > len(times), clock, 0.1)
            times.append(clock.monotonic())
        waits = [later - earlier for earlier, later in itertools.pairwise(times)]
        for wait, full in zip(waits, (1, 2, 4, 8, 8, 8), strict=True):
            # The upper half of the back-off, and what the test's own steps add.
            assert full / 2 - 0.2 <= wait <= full + 0.5
        assert len({round(wait / full, 2) for wait, full in zip(waits, (1, 2, 4, 8, 8, 8), strict=True)}) > 2


async def test_after_many_failures_the_breaker_lets_one_try_through_now_and_then(clock: ManualClock) -> None:
    policy = StreamPolicy(
        backoff=Backoff(first_seconds=0.1, limit_seconds=0.1, factor=1),
        breaker=BreakerPolicy(consecutive_failures=3, open_seconds=600, probes=1),
    )
    async with (
        listening(drops, drops, drops, drops, says("good")) as venue,
        listened(Listener(venue.url, clock, policy)) as heard,
    ):
        await until(lambda: len(heard.reasons) == 3, clock, 0.05)
        for _ in range(10):
            await clock.advance(50)
            await asyncio.sleep(0.01)
        assert venue.connections == 3
        await until(lambda: venue.connections == 4, clock, 10)
        await until(lambda: b"good" in heard.payloads, clock, 50)
        assert clock.monotonic() >= 1200


async def test_a_port_where_nobody_listens_is_tried_again(clock: ManualClock) -> None:
    async with listening(stays) as gone:
        url = gone.url
    async with listened(Listener(url, clock)) as heard:

        def failed() -> float | None:
            return heard.registry.get_sample_value(
                "noderr_feed_connections_total", {"venue": VENUE, "outcome": "failed"}
            )

        await until(lambda: (failed() or 0) >= 3, clock, 0.5)
        assert heard.events == []


async def test_a_server_that_never_answers_the_handshake_is_left(clock: ManualClock) -> None:
    async def mute(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            writer.close()

    async with await asyncio.start_server(mute, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with listened(Listener(f"ws://127.0.0.1:{port}", clock, StreamPolicy(connect=30))) as heard:
            sample = {"venue": VENUE, "outcome": "failed"}
            await asyncio.sleep(0.05)
            await clock.advance(29)
            assert heard.registry.get_sample_value("noderr_feed_connections_total", sample) is None
            await clock.advance(1)
            await until(lambda: heard.registry.get_sample_value("noderr_feed_connections_total", sample) == 1)
        server.close_clients()


async def test_what_is_sent_arrives_and_without_a_connection_it_is_refused(clock: ManualClock) -> None:
    got: list[str | bytes] = []

    async def takes(connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                got.append(await connection.recv())

    async with listening(takes) as venue:
        heard = Listener(venue.url, clock)
        with pytest.raises(NotConnectedError, match="kraken: no connection"):
            await heard.client.send("too early")
        async with listened(heard):
            await until(lambda: heard.opened == 1)
            await heard.client.send("subscribe")
            await until(lambda: got == ["subscribe"])
        with pytest.raises(NotConnectedError):
            await heard.client.send("too late")


async def test_a_connection_that_is_cut_says_why_and_is_made_anew(clock: ManualClock) -> None:
    async with listening(stays, says("after")) as venue:
        heard = Listener(venue.url, clock)
        heard.client.cut("nothing to cut")
        async with listened(heard):
            await until(lambda: heard.opened == 1)
            heard.client.cut("frame 5 comes next")
            heard.client.cut("a second reason")
            await until(lambda: b"after" in heard.payloads, clock, 0.5)
            assert heard.reasons == ["frame 5 comes next"]


async def test_the_end_of_a_connection_tells_when_its_last_frame_came(clock: ManualClock) -> None:
    go = asyncio.Event()

    async def later(connection: ServerConnection) -> None:
        await connection.send("one")
        await go.wait()
        connection.transport.abort()

    async with listening(later, stays) as venue, listened(Listener(venue.url, clock)) as heard:
        await until(lambda: heard.payloads == [b"one"])
        await clock.advance(7)
        go.set()
        await until(lambda: heard.reasons != [])
        assert Closed("the connection was dropped", T0) in heard.events


async def test_a_frame_beyond_all_bounds_ends_the_connection(clock: ManualClock) -> None:
    async with (
        listening(says(b"x" * (33 << 20)), says("after")) as venue,
        listened(Listener(venue.url, clock)) as heard,
    ):
        await until(lambda: b"after" in heard.payloads, clock, 0.5)
        assert heard.payloads == [b"after"]


@pytest.mark.parametrize("field", ["connect", "heartbeat", "stale", "steady", "longest_life"])
@pytest.mark.parametrize("value", [0.0, -1.0, float("inf"), float("nan")])
def test_impossible_figures_are_refused(field: str, value: float) -> None:
    with pytest.raises(PolicyError, match=rf"StreamPolicy\.{field} is"):
        StreamPolicy(**{field: value})  # type: ignore[arg-type]


def test_a_life_that_is_never_steady_is_refused() -> None:
    with pytest.raises(PolicyError, match="longest_life is 30"):
        StreamPolicy(longest_life=30, steady=60)
