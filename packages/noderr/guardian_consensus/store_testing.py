"""Kills processes: one before each statement that the database runs, and keeps what each had told until then."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

_TOLD = "told"

# The parent has no thread, so that it may fork: starting Python anew each time would take minutes.
_CHILD = """
import asyncio, importlib, itertools, os, signal, sys
from pathlib import Path
from noderr.utils import sqlite_store

folder, module, function = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
scenario = getattr(importlib.import_module(module), function)
connect = sqlite_store.connect

def run(place, statements):
    left = itertools.count(statements, -1)

    def count(statement):
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(*arguments):
        connection = connect(*arguments)
        connection.set_trace_callback(count)
        return connection

    sqlite_store.connect = counted
    told = os.open(place / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    asyncio.run(scenario(place, lambda text: os.write(told, text.encode() + b"\\n")))

for statements in range(1000):
    place = folder / f"{statements:04}"
    place.mkdir()
    child = os.fork()
    if child == 0:
        try:
            run(place, statements)
            os._exit(0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if status == 0:
        sys.exit(0)
    if status != signal.SIGKILL:
        sys.exit(f"statement {statements}: status {status}")
sys.exit("1000 statements were not enough")
"""


@dataclass(frozen=True)
class KilledRun:
    """What a run left behind: its folder, and what it had told before it was killed."""

    folder: Path
    told: tuple[str, ...]


def killed_before_each_statement(folder: Path, module: str, function: str) -> list[KilledRun]:
    """Runs of `function(folder, tell)`, a coroutine; the last one was not killed."""
    child = subprocess.run(
        [sys.executable, "-c", _CHILD, str(folder), module, function],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    places = sorted(path for path in folder.iterdir() if path.is_dir())
    return [KilledRun(place, tuple((place / _TOLD).read_text(encoding="utf-8").splitlines())) for place in places]
