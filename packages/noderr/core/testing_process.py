"""A node as its operator has it, for tests: a real process with a log on a pipe, of a tier made for the test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

from noderr.core.testing import manifest_text

# A tier with parts of its own: a slow route, and services that end as the environment says.
COMPOSITION_ROOT = """
import asyncio, os, signal, sys, time
from pathlib import Path
from noderr.core import TierParts, run_tier
from noderr.core.openapi import Operation
from starlette.responses import PlainTextResponse
from starlette.routing import Route

async def slow(request):
    await asyncio.sleep(float(request.query_params["seconds"]))
    return PlainTextResponse("done")

class Part:
    def __init__(self, name, critical, starts=True):
        self.name, self.critical, self.starts, self.requires = name, critical, starts, ()
    async def start(self):
        if not self.starts:
            raise ConnectionError("no peer")
    async def run(self):
        await asyncio.sleep(0.3)
        await asyncio.to_thread(stick) if os.environ.get("STICK") else None
    async def stop(self):
        pass
    def missing(self):
        return ()

def stick():
    time.sleep(3600)

PARTS = {
    "critical": [Part("consensus", True)],
    "optional": [Part("peer", False, starts=False)],
    "stillborn": [Part("consensus", True, starts=False)],
}

def parts(context):
    if os.environ.get("PARTS") == "early":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)
    return TierParts(
        services=PARTS.get(os.environ.get("PARTS"), []),
        routes=[Route("/slow", slow)],
        operations=[Operation("/slow", "GET", "Answer late", str, media_type="text/plain")],
    )

here = Path(__file__)
sys.exit(run_tier(here.with_name("tier.toml"), here.with_name("VERSION"), make_parts=parts))
"""

_NODE_LIMIT_SECONDS = 30


class Tier:
    """A tier in a directory of its own, and the processes started from it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.running: list[tuple[subprocess.Popen[str], threading.Timer]] = []
        (directory / "tier.toml").write_text(manifest_text("attestation-mvs"))
        (directory / "VERSION").write_text("1.2.3\n")
        (directory / "main.py").write_text(COMPOSITION_ROOT)

    def environ(self, **environ: str) -> dict[str, str]:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("NODEOS_")}
        defaults = {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "NODEOS_HTTP_PORT": "0",
            "NODEOS_GRPC_PORT": "0",
            "NODEOS_HTTP_HOST": "127.0.0.1",
            "NODEOS_GRPC_HOST": "127.0.0.1",
            "NODEOS_DATA_DIR": str(self.directory / "data"),
        }
        return ours | defaults | environ

    def run(self, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        """One command to its end."""
        command = [sys.executable, str(self.directory / "main.py"), *arguments]
        return subprocess.run(
            command, env=self.environ(**environ), capture_output=True, text=True, timeout=30, check=False
        )

    def serve(self, **environ: str) -> Node:
        command = [sys.executable, str(self.directory / "main.py")]
        process = subprocess.Popen(
            command, env=self.environ(**environ), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        # A test that waits for a line that never comes ends with its node.
        limit = threading.Timer(_NODE_LIMIT_SECONDS, process.kill)
        limit.start()
        self.running.append((process, limit))
        return Node(process)

    def end_all(self) -> None:
        for process, limit in self.running:
            limit.cancel()
            process.kill()
            process.communicate(timeout=30)


class Node:
    """A node that serves. `lines` is its log so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, Any]] = []
        ports: dict[str, int] = {}
        while len(ports) < 2:
            line = self._read_line()
            if line["event"] == "listening":
                ports[line["service"]] = line["port"]
        self.http, self.grpc = ports["http"], ports["grpc"]
        self.url = f"http://127.0.0.1:{self.http}"

    def wait_for(self, event: str, **fields: object) -> dict[str, Any]:
        """The first line of the log, read so far or to come, with this event and these fields."""

        def fits(line: dict[str, Any]) -> bool:
            return line["event"] == event and fields.items() <= line.items()

        found = next(filter(fits, self.lines), None)
        while found is None or not fits(found):
            found = self._read_line()
        return found

    def end(self) -> int:
        """Wait for the end, keep the rest of the log, and return the exit code."""
        out, self.stderr = self.process.communicate(timeout=30)
        self.lines += [json.loads(line) for line in out.splitlines()]
        return self.process.returncode

    def _read_line(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, f"the node ended: {self.process.stderr and self.process.stderr.read()}"
        line: dict[str, Any] = json.loads(text)
        self.lines.append(line)
        return line
