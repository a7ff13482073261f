from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noderr.data_connectors.errors import FrameLogDamagedError, FrameLogError
from noderr.data_connectors.frame_log import FrameRecorder, LoggedFrame, play_frames, read_frames
from noderr.utils import ManualClock

MB = 1_000_000
T0 = 1_700_000_000_000_000_000
FRAMES = [
    LoggedFrame(T0, "kraken", b'{"event":"heartbeat"}'),
    LoggedFrame(T0 + 1, "binance", b""),
    LoggedFrame(T0 + 5_000_000_000, "kraken", bytes(range(256))),
]


def record(path: Path, *frames: LoggedFrame, limit: int = MB) -> None:
    recorder = FrameRecorder(path, limit)
    for one in frames:
        recorder.write(one.received_ns, one.channel, one.payload)
    recorder.close()


def test_what_was_recorded_is_read_byte_for_byte(tmp_path: Path) -> None:
    record(tmp_path / "a", *FRAMES)
    assert list(read_frames(tmp_path / "a")) == FRAMES


def test_a_recording_goes_on_where_it_ended(tmp_path: Path) -> None:
    for one in FRAMES:
        record(tmp_path / "a", one)
    assert list(read_frames(tmp_path / "a")) == FRAMES


@pytest.mark.parametrize("lost", range(1, 280))
def test_a_torn_tail_costs_the_last_frame_and_nothing_else(tmp_path: Path, lost: int) -> None:
    record(tmp_path / "a", *FRAMES)
    whole = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[:-lost])
    assert list(read_frames(tmp_path / "a")) == FRAMES[:2]
    record(tmp_path / "a", FRAMES[0])
    assert list(read_frames(tmp_path / "a")) == [*FRAMES[:2], FRAMES[0]]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(16, 400), flip=st.integers(1, 255))
def test_a_damaged_byte_gives_no_wrong_frame(tmp_path: Path, place: int, flip: int) -> None:
    path = tmp_path / "a"
    path.unlink(missing_ok=True)
    record(path, *FRAMES)
    content = bytearray(path.read_bytes())
    content[min(place, len(content) - 1)] ^= flip
    path.write_bytes(content)
    read = []
    try:
        for one in read_frames(path):
            read.append(one)
    except FrameLogDamagedError:
        pass
    assert read == FRAMES[: len(read)]
    assert len(read) < len(FRAMES)


def test_damage_before_the_end_is_told_and_never_cut_off(tmp_path: Path) -> None:
    record(tmp_path / "a", *FRAMES)
    content = bytearray((tmp_path / "a").read_bytes())
    content[40] ^= 1
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(FrameLogDamagedError, match="is damaged at byte 16"):
        list(read_frames(tmp_path / "a"))
    with pytest.raises(FrameLogDamagedError):
        FrameRecorder(tmp_path / "a", MB)
    assert (tmp_path / "a").read_bytes() == content


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a file that holds something else")
    with pytest.raises(FrameLogError, match="it holds no frames"):
        FrameRecorder(tmp_path / "a", MB)
    with pytest.raises(FrameLogError, match="limit_bytes is 3"):
        FrameRecorder(tmp_path / "b", 3)


def test_a_full_file_makes_room_and_two_are_kept(tmp_path: Path) -> None:
    frames = [LoggedFrame(T0 + number, "kraken", b"x" * 100) for number in range(30)]
    record(tmp_path / "a", *frames, limit=1300)
    kept = [*read_frames(tmp_path / "a.1"), *read_frames(tmp_path / "a")]
    assert kept == frames[-len(kept) :]
    assert 10 < len(kept) < 22
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "a.1"]
    assert all(path.stat().st_size <= 1300 for path in tmp_path.iterdir())


async def test_frames_are_played_at_their_own_times(tmp_path: Path) -> None:
    set_back = LoggedFrame(T0 + 3, "kraken", b"the clock was set back")
    record(tmp_path / "a", *FRAMES, set_back)
    clock = ManualClock(T0 - 10)
    told: list[tuple[int, LoggedFrame]] = []
    order: list[str] = []

    async def sink(frame: LoggedFrame) -> None:
        told.append((clock.now_ns(), frame))
        order.append("frame")

    async def sleeper() -> None:
        await clock.sleep(3)
        order.append("woke")

    task = asyncio.create_task(sleeper())
    assert await play_frames(tmp_path / "a", clock, sink) == 4
    await task
    assert told == [(T0, FRAMES[0]), (T0 + 1, FRAMES[1]), (T0 + 5 * 10**9, FRAMES[2]), (T0 + 5 * 10**9, set_back)]
    assert order == ["frame", "frame", "woke", "frame", "frame"]
