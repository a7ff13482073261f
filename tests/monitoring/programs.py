"""Programs that write a JSON log and serve HTTP on a port of their own choice, run for as long as a test needs them."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_START_SECONDS = 30.0

type PortOf = Callable[[dict[str, Any]], int | None]


class ProgramNotStarted(Exception):
    """The program ended, or named no port in time; the message ends with its log."""


@dataclass(frozen=True)
class Running:
    """One program and the address of its HTTP server."""

    process: subprocess.Popen[bytes]
    address: str

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait()


@contextmanager
def running(command: Sequence[str], log: Path, port_of: PortOf, environ: Mapping[str, str]) -> Iterator[Running]:
    """Run `command` until the block ends. `port_of` finds the port in a line of the log. Raises `ProgramNotStarted`."""
    with log.open("wb") as sink:
        # The kernel kills it when the test run itself is killed.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Running(process, f"127.0.0.1:{_wait_for_port(process, log, port_of)}")
    finally:
        process.kill()
        process.wait()


def _wait_for_port(process: subprocess.Popen[bytes], log: Path, port_of: PortOf) -> int:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.startswith("{") and line.endswith("}\n") and (port := port_of(json.loads(line))) is not None:
                return port
        time.sleep(0.05)
    raise ProgramNotStarted(f"exit code {process.poll()}:\n{log.read_text(encoding='utf-8')}")
