"""A real S3 server for tests: Ceph's radosgw over one monitor and one store in memory, all in one folder on loopback.

Nothing of it touches /etc/ceph or /var/lib/ceph, and nothing outlives it: the programs are killed when the server is
closed, when it fails to start, and (by the kernel) when the test run itself is killed.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

PROGRAMS = ("ceph", "ceph-authtool", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin", "setpriv")
START_SECONDS = 60.0
_COMMAND_SECONDS = 60.0
_LOG_TAIL_LINES = 15
_MONITOR, _STORE, _GATEWAY, _ADMIN = "mon.", "osd.0", "client.rgw", "client.admin"

# A short Paxos interval: with the normal one each of the twenty changes of a new cluster's map takes a second.
_CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{monitor_port}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
keyring = {folder}/keyring
run dir = {folder}
crash dir = {folder}/crash
admin socket =
pid file =
log file =
log to stderr = true
mon cluster log file = {folder}/cluster.log
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
paxos propose interval = 0.02
paxos min wait = 0.01
auth allow insecure global id reclaim = false
osd objectstore = memstore
memstore device bytes = 4294967296
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
mon max pg per osd = 1000
rgw frontends = beast endpoint=127.0.0.1:{gateway_port} tcp_nodelay=1
"""


class ServerNotStarted(Exception):
    """A program of the server failed; the message names it and ends with what it said last."""

    def __init__(self, program: str, why: str, said: str) -> None:
        self.program = program
        tail = "\n".join(said.splitlines()[-_LOG_TAIL_LINES:])
        super().__init__(f"{program} {why}. It said last:\n{tail or '(nothing)'}")


@dataclass(frozen=True)
class User:
    """Who may make requests."""

    access_key_id: str
    secret_access_key: str


def missing_programs() -> list[str]:
    """The programs that are not on PATH."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


@dataclass
class Radosgw:
    """A context that starts the server in an empty folder and stops it. Raises `ServerNotStarted`."""

    folder: Path
    start_seconds: float = START_SECONDS
    endpoint: str = ""
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def add_user(self, name: str) -> User:
        """A new user, who owns no bucket yet."""
        user = User(f"access-{name}", f"secret-{uuid.uuid4().hex}")
        keys = (f"--access-key={user.access_key_id}", f"--secret-key={user.secret_access_key}")
        self._run(
            "radosgw-admin", f"--name={_GATEWAY}", "user", "create", f"--uid={name}", "--display-name=test", *keys
        )
        return user

    @property
    def process_ids(self) -> list[int]:
        """The programs that run now."""
        return [process.pid for process in self._running if process.poll() is None]

    def _start(self) -> None:
        for part in ("mon", "osd", "rgw", "crash"):
            (self.folder / part).mkdir()
        fsid, store = str(uuid.uuid4()), str(uuid.uuid4())
        monitor_port, gateway_port = _free_ports(2)
        self._configuration.write_text(
            _CONFIGURATION.format(fsid=fsid, folder=self.folder, monitor_port=monitor_port, gateway_port=gateway_port)
        )
        self._make_keys()
        first_map = str(self.folder / "monmap")
        self._run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", f"[v2:127.0.0.1:{monitor_port}]", first_map)
        self._run("ceph-mon", "--id=a", "--mkfs", f"--monmap={first_map}", f"--keyring={self._keyring}")
        self._spawn("ceph-mon", "--id=a")
        self._run("ceph", f"--name={_ADMIN}", "osd", "new", store)
        self._run("ceph-osd", "--id=0", "--mkfs", f"--osd-uuid={store}")
        self._spawn("ceph-osd", "--id=0")
        gateway = self._spawn("radosgw", f"--name={_GATEWAY}")
        endpoint = f"http://127.0.0.1:{gateway_port}"
        self._wait(gateway, lambda: _answers(endpoint))
        self.endpoint = endpoint

    def _make_keys(self) -> None:
        """One ring for everybody, which the monitor takes over when it is made."""
        self._keyring.touch(0o600)
        for name in (_MONITOR, _STORE, _GATEWAY, _ADMIN):
            rights = [word for part in ("mon", "osd") for word in ("--cap", part, "allow *")]
            self._run("ceph-authtool", str(self._keyring), "--gen-key", f"--name={name}", *rights)

    @property
    def _configuration(self) -> Path:
        return self.folder / "ceph.conf"

    @property
    def _keyring(self) -> Path:
        return self.folder / "keyring"

    @property
    def _environment(self) -> dict[str, str]:
        """Little: `ceph` is a Python program of the system's, and CEPH_* variables would lead it elsewhere."""
        return {"PATH": os.environ["PATH"], "HOME": str(self.folder), "CEPH_CONF": str(self._configuration)}

    def _run(self, program: str, *arguments: str) -> None:
        try:
            done = subprocess.run(
                [program, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            said = (error.stdout or b"").decode(errors="replace") + self._logs()
            raise ServerNotStarted(program, f"{arguments[0]} took more than {_COMMAND_SECONDS:.0f} s", said) from error
        if done.returncode != 0:
            raise ServerNotStarted(program, f"ended with exit code {done.returncode}", done.stdout)

    def _spawn(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log(program).open("wb") as log:
            process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", program, "-f", *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running.append(process)
        return process

    def _wait(self, process: subprocess.Popen[bytes], ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + self.start_seconds
        while not ready():
            for started in self._running:
                if started.poll() is not None:
                    program = str(started.args[3])  # type: ignore[index]  # behind `setpriv --pdeathsig KILL`
                    said = self._log(program).read_text(errors="replace")
                    raise ServerNotStarted(program, f"ended with exit code {started.returncode}", said)
            if time.monotonic() > deadline:
                raise ServerNotStarted("radosgw", f"did not answer within {self.start_seconds:.0f} s", self._logs())
            time.sleep(0.05)

    def _log(self, program: str) -> Path:
        return self.folder / f"{program}.log"

    def _logs(self) -> str:
        return "".join(log.read_text(errors="replace") for log in sorted(self.folder.glob("*.log")))

    def _stop(self) -> None:
        """Kill at once: nothing is kept, so there is nothing to put in order."""
        for process in reversed(self._running):
            process.kill()
            process.wait()
        self._running.clear()


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now; all different, because all are held until the last is found."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in held]
    for listener in held:
        listener.close()
    return ports


def _answers(endpoint: str) -> bool:
    try:
        with urllib.request.urlopen(endpoint, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
