"""The members of a local network as processes of this machine, on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from tests.network.errors import NetworkError
from tests.network.interrupts import held
from tests.network.plan import COORDINATOR, Member, NetworkPlan, plan_network, write_account, write_key, write_voters
from tests.network.process_status import memory_in
from tests.network.views import MemberView

HOST = "127.0.0.1"
_END_SECONDS = 15


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, all different."""
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server((HOST, 0))) for _ in range(count)]
        return [server.getsockname()[1] for server in servers]


def plan_processes(counts: dict[str, int]) -> NetworkPlan:
    """A plan whose members are all on loopback, on free ports."""
    return plan_network(counts, free_ports(2 * (1 + sum(counts.values()))), host=HOST)


class ProcessNetwork:
    """Starts, kills and stops members. Each has a folder with its data and its log below `folder`."""

    def __init__(self, plan: NetworkPlan, folder: Path, environ: dict[str, str] | None = None) -> None:
        self.plan = plan
        self.folder = folder
        self.started_at: dict[str, float] = {}
        self._environ = environ or {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        (folder / "keys").mkdir(mode=0o700)
        self.voters_file = write_voters(plan, folder)

    def up(self) -> None:
        """Enrol the nodes and start everything, the coordinator first. Raises `NetworkError`."""
        self.enrol()
        for member in self.plan.members:
            self.start(member)

    def enrol(self) -> None:
        """Tell the coordinator's database of the nodes. Raises `NetworkError`."""
        listing = self.folder / "enrolment"
        listing.write_text(self.plan.enrolment())
        done = subprocess.run(
            [*self._command(COORDINATOR), "enrol", "--from", str(listing)],
            env=self.environ(self.plan.coordinator),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise NetworkError(f"the coordinator refuses the nodes (exit code {done.returncode}):\n{done.stderr}")

    def start(self, member: Member) -> None:
        """Start one member, or start it again; its log goes on."""
        environ = self.environ(member)
        with self.log(member).open("ab") as log, held():
            self.started_at[member.name] = time.monotonic()
            self._processes[member.name] = subprocess.Popen(
                self._command(member.kind),
                env=environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for us: we stop the members when we have seen their last state.
            )

    def process(self, member: Member) -> subprocess.Popen[bytes]:
        return self._processes[member.name]

    def kill(self, member: Member) -> None:
        """kill -9, and wait for the end."""
        self.process(member).kill()
        self.process(member).wait(_END_SECONDS)

    def down(self) -> None:
        """SIGTERM to all, and kill whatever is left when their time is over."""
        for process in self._processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)  # One that a test has stopped would not hear.
                process.terminate()
        deadline = time.monotonic() + _END_SECONDS
        for process in self._processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def look(self) -> None:
        """Processes are asked one by one, in `see`."""

    def see(self, view: MemberView) -> None:
        """Take in what the kernel says of the member's process."""
        view.exit_code = self.process(view.member).poll()
        view.running = view.exit_code is None
        now, peak = self.memory(view.member)
        view.resident_bytes, view.peak_resident_bytes = now, max(peak, view.peak_resident_bytes)

    def seconds_since_start(self, member: Member) -> float:
        """How long ago the member's process was last started."""
        return time.monotonic() - self.started_at[member.name]

    def settle(self) -> None:
        """The kernel has kept the peaks all the time."""

    def data_dir(self, member: Member) -> Path:
        return self.folder / member.name / "data"

    def log(self, member: Member) -> Path:
        return self.folder / member.name / "log.jsonl"

    def memory(self, member: Member) -> tuple[int, int]:
        """Resident memory now and at its peak, in bytes; zeros when the process has ended."""
        try:
            text = Path(f"/proc/{self.process(member).pid}/status").read_text()
        except OSError:
            return 0, 0
        return memory_in(text)

    def _voting(self, member: Member) -> dict[str, str]:
        if member.kind == COORDINATOR:
            return {}
        return {
            "NODEOS_VOTERS_FILE": str(self.voters_file),
            "NODEOS_ACCOUNT_KEY_FILE": str(write_account(member, self.folder / "keys")),
        }

    def environ(self, member: Member) -> dict[str, str]:
        """The environment of one member: ours without settings, and its own."""
        self.data_dir(member).mkdir(mode=0o700, parents=True, exist_ok=True)
        ours = {name: value for name, value in os.environ.items() if not name.startswith("NODEOS_")}
        peer_port = "NODEOS_NODES_PORT" if member.kind == COORDINATOR else "NODEOS_GRPC_PORT"
        return (
            ours
            | {
                # The child gets our import paths, in a checkout as in a PEX.
                "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
                "NODEOS_DATA_DIR": str(self.data_dir(member)),
                "NODEOS_NODE_KEY_FILE": str(write_key(member, self.folder / "keys")),
                "NODEOS_HTTP_PORT": str(member.http_port),
                peer_port: str(member.peer_port),
            }
            | self._voting(member)
            | self.plan.settings(member)
            | self._environ
        )

    def _command(self, kind: str) -> list[str]:
        module = "noderr.coordinator" if kind == COORDINATOR else f"tiers.{kind}.node"
        return [sys.executable, "-m", module]
