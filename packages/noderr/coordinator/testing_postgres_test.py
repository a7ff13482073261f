"""The tests' own PostgreSQL ends with the tests, however they end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

from noderr.coordinator.testing_postgres import PostgresServer, postgres_programs

_SECONDS = 60
_TESTS = """
import sys
from pathlib import Path
from noderr.coordinator.testing_postgres import PostgresServer

with PostgresServer(Path(sys.argv[1])) as server:
    print(server.new_database().query["host"], flush=True)
    sys.stdin.read()
"""


def test_a_killed_test_run_leaves_nothing_behind() -> None:
    tests = subprocess.Popen(
        [sys.executable, "-c", _TESTS, str(postgres_programs())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        assert tests.stdout is not None
        folder = Path(tests.stdout.readline().strip())  # Bounded: the server has a limit for its start.
        assert folder.is_absolute()
        assert len(_processes_in(folder / "data")) > 1
    finally:
        tests.kill()
        tests.communicate(timeout=_SECONDS)
    end = time.monotonic() + _SECONDS
    while _processes_in(folder / "data"):
        assert time.monotonic() < end, f"a server still runs in {folder}"
        time.sleep(0.05)
    # The next run removes the folder, and touches no folder that is in use.
    assert folder.exists()
    with PostgresServer(postgres_programs()) as first, PostgresServer(postgres_programs()) as second:
        assert not folder.exists()
        assert first.new_database() != second.new_database()


def _processes_in(folder: Path) -> list[int]:
    """The server and its helpers work in its data directory. A process that ended, reaped or not, is nowhere."""
    found = []
    for process in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if process.name.isdigit() and Path(os.readlink(process / "cwd")) == folder:
                found.append(int(process.name))
    return found
