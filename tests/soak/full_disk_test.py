"""A whole node on a disk that is really full: it goes on, says what is wrong, and recovers when there is room."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from noderr.telemetry.spool import FILE_NAME
from tests.soak.subject import Subject

SIZE = 2 * 1024 * 1024
SECONDS = 60.0
"""Telemetry is written every 15 s, and tried again after 5."""


@pytest.fixture
def subject(tmp_path: Path) -> Iterator[Subject]:
    """A node that runs, with a small file system in memory for its data."""
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root with a `mount` can make a small file system")
    subject = Subject(tmp_path)
    subject.data_dir.mkdir(mode=0o700, parents=True)
    done = subprocess.run(
        [mount, "-t", "tmpfs", "-o", f"size={SIZE},mode=700", "tmpfs", subject.data_dir],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        pytest.skip(f"this machine mounts no tmpfs: {done.stderr.strip()}")
    try:
        subject.start()
        yield subject
    finally:
        subject.stop()
        subprocess.run(["umount", subject.data_dir], check=True)


def test_a_full_disk_is_named_and_the_node_goes_on_and_recovers(subject: Subject) -> None:
    until(lambda: recorded(subject) > 0)
    assert not complaints(subject)
    ballast = fill_up(subject.data_dir)
    before = recorded(subject)
    until(lambda: bool(complaints(subject)))
    [complaint] = complaints(subject)
    assert complaint["kind"] == "need"
    assert "telemetry cannot be written" in complaint["reason"]
    assert "make room" in complaint["reason"]
    [line] = log_lines(subject, "telemetry_not_written")
    assert line["level"] == "error"
    for path in ("/health", "/metrics", "/api/v1/node", "/"):
        assert subject.get(path).status_code == 200
    assert subject.serves_grpc()
    assert subject.metric("noderr_data_free_bytes") == {"": 0}
    assert recorded(subject) == before
    ballast.unlink()
    until(lambda: not complaints(subject))
    until(lambda: recorded(subject) > before)
    assert log_lines(subject, "telemetry_written_again")
    assert subject.alive()
    assert subject.stop() == 0


@pytest.mark.parametrize("end", [Subject.kill, Subject.stop], ids=["killed", "stopped"])
def test_a_node_that_is_started_on_a_full_disk_serves_and_recovers(
    subject: Subject, end: Callable[[Subject], int | None]
) -> None:
    until(lambda: recorded(subject) > 0)
    end(subject)
    before = recorded(subject)
    ballast = fill_up(subject.data_dir)
    subject.start()
    until(lambda: bool(complaints(subject)))
    assert "make room" in complaints(subject)[0]["reason"]
    for path in ("/metrics", "/api/v1/node", "/"):
        assert subject.get(path).status_code == 200
    assert subject.alive()
    ballast.unlink()
    until(lambda: not complaints(subject))
    until(lambda: recorded(subject) > before)
    assert subject.stop() == 0


def fill_up(disk: Path) -> Path:
    """Take all that is free on the disk."""
    ballast = disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        write_too_much(ballast)
    return ballast


def write_too_much(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for _ in range(2 * SIZE // 4096):
            file.write(b"x" * 4096)


def recorded(subject: Subject) -> int:
    """The sequence of the last record that is on the disk."""
    connection = sqlite3.connect(f"file:{subject.data_dir / FILE_NAME}?mode=ro", uri=True)
    try:
        [last] = connection.execute("SELECT last_sequence FROM counters").fetchone()
        return int(last)
    finally:
        connection.close()


def complaints(subject: Subject) -> list[dict[str, str]]:
    return [one for one in subject.missing() if one["name"] == "telemetry"]


def log_lines(subject: Subject, event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in subject.log.read_text().splitlines()]
    return [line for line in lines if line["event"] == event]


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not come to it"
        time.sleep(0.1)
