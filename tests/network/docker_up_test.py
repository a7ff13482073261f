"""The command with `--docker` as a person runs it: a signal at any moment ends it, and all of it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.network.containers import left_of


@pytest.mark.parametrize(
    ("when", "ends", "code"),
    [
        ("3 of 3 nodes alive", signal.SIGINT, 0),
        ("3 of 3 nodes alive", signal.SIGTERM, 0),
        ("starting the coordinator", signal.SIGTERM, 1),
        ("starting 3 nodes", signal.SIGINT, 1),
    ],
)
# The archives, once loaded, have the tags that the command looks for.
@pytest.mark.usefixtures("images")
def test_a_signal_ends_all_of_it(tmp_path: Path, when: str, ends: signal.Signals, code: int) -> None:
    report, log = tmp_path / "report.json", tmp_path / "log"
    counts = ("--oracles", "1", "--guardians", "1", "--validators", "1")
    command = (sys.executable, "-m", "tests.network.up", "--docker", *counts, "--json", str(report))
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environ) as process:
        try:
            _wait_for(when, log, process)
            process.send_signal(ends)
            assert process.wait(60) == code, log.read_text()
        finally:
            process.kill()
    found = re.search(r"called (noderr-local-[0-9a-f]+)-", log.read_text())
    assert found is not None
    assert left_of(found[1]) == []
    if code == 0:
        members = json.loads(report.read_text())["members"]
        assert [member["alive"] for member in members] == [True] * 4
        assert all(member["seconds_to_alive"] and member["peak_resident_bytes"] for member in members)


def _wait_for(words: str, log: Path, process: subprocess.Popen[bytes], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while words not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
