"""`./pants run tests/network:up`: a whole NodeOS network on this machine, with live status in the terminal.

Exit code 0 when every member was alive at the end; 1 when one was not, or ended; 2 when the network cannot come up.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.live import Live

from noderr.core.version import read_version
from noderr.types import ImageManifest, load_manifest, load_service_manifest
from tests.network.containers import ContainerNetwork, plan_containers
from tests.network.plan import COORDINATOR, TIERS, Member, NetworkPlan
from tests.network.processes import NetworkError, ProcessNetwork, plan_processes
from tests.network.terminal import footnote, headline, reasons, status_table
from tests.network.views import MemberView
from tests.network.watch import Watcher

_GB = 1_000_000_000
_LOOK_SECONDS = 0.25
_PLAIN_SECONDS = 5.0


class Network(Protocol):
    """Processes or containers."""

    plan: NetworkPlan

    def up(self) -> None: ...
    def down(self) -> None: ...
    def memory(self, member: Member) -> tuple[int, int]: ...


def manifests() -> dict[str, ImageManifest]:
    """The manifest of each tier and of the coordinator, by kind."""
    found: dict[str, ImageManifest] = {
        tier: load_manifest(_beside(f"tiers.{tier}.node", "tier.toml")) for tier in TIERS
    }
    return found | {COORDINATOR: load_service_manifest(_beside("noderr.coordinator.__main__", "service.toml"))}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    counts = {"oracle": options.oracles, "guardian": options.guardians, "validator": options.validators}
    console = Console(stderr=True)
    # SIGTERM ends the network as Ctrl-C does: Python's own handler raises KeyboardInterrupt.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with _folder(options.keep) as folder:
            return _run(_network(counts, folder, options), options, console)
    except NetworkError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("interrupted before the network was up")
        return 1


def _run(network: Network, options: argparse.Namespace, console: Console) -> int:
    facts = manifests()
    began = time.monotonic()
    views = [
        MemberView(member, f"http://127.0.0.1:{member.http_port}", facts[member.kind].memory_gb.max * _GB)
        for member in network.plan.members
    ]

    def since_start(view: MemberView) -> float:
        started = network.started_at.get(view.member.name, began) if isinstance(network, ProcessNetwork) else began
        return time.monotonic() - started

    watcher = Watcher(views, since_start)
    try:
        network.up()
        _watch(network, views, watcher, options.seconds, console)
    finally:
        watcher.close()
        network.down()
    if options.json:
        report = {
            "seconds": round(time.monotonic() - began, 3),
            "docker": options.docker,
            "members": [view.report() for view in views],
        }
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    return 0 if all(view.alive for view in views) else 1


def _watch(
    network: Network, views: list[MemberView], watcher: Watcher, seconds: float | None, console: Console
) -> None:
    """Until the time is over or Ctrl-C. A terminal gets a live table, anything else a line now and then."""
    began = time.monotonic()
    live = Live(console=console, auto_refresh=False, transient=False) if console.is_terminal else None
    said = -_PLAIN_SECONDS
    with live or contextlib.nullcontext(), contextlib.suppress(KeyboardInterrupt):
        while True:
            passed = time.monotonic() - began
            _look(network, views, watcher)
            left = None if seconds is None else max(0.0, seconds - passed)
            if live is not None:
                live.update(status_table(views, passed, left), refresh=True)
            elif passed - said >= _PLAIN_SECONDS or left == 0:
                said = passed
                console.print(headline(views, passed, left), highlight=False)
            if left == 0:
                break
            time.sleep(_LOOK_SECONDS)
    if live is None:
        for view in views:
            console.print(f"  {view.member.name:<13} {view.state:<18} {view.url}  {reasons(view)}", highlight=False)
        console.print(footnote(views), highlight=False)


def _look(network: Network, views: list[MemberView], watcher: Watcher) -> None:
    if isinstance(network, ContainerNetwork):
        network.measure()
    for view in views:
        if isinstance(network, ProcessNetwork):
            view.exit_code = network.process(view.member).poll()
            view.running = view.exit_code is None
        now, peak = network.memory(view.member)
        view.resident_bytes, view.peak_resident_bytes = now, max(peak, view.peak_resident_bytes)
    watcher.look()


def _network(counts: dict[str, int], folder: Path, options: argparse.Namespace) -> Network:
    if options.docker:
        facts = manifests()
        version = read_version(_beside("tiers.oracle.node", "../../VERSION"))
        return ContainerNetwork(plan_containers(counts, facts), facts, version, folder)
    return ProcessNetwork(plan_processes(counts), folder)


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="noderr-network-") as folder:
            yield Path(folder)
    else:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise NetworkError(f"--keep {keep}: there is something in it; name a folder that is new or empty")
        yield keep.absolute()


def _beside(module: str, name: str) -> Path:
    spec = find_spec(module)
    assert spec is not None, f"{module} is not here"
    assert spec.origin is not None, f"{module} has no file"
    return (Path(spec.origin).parent / name).resolve()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="up",
        description="Run a NodeOS network on this machine: oracles, guardians, validators and a coordinator.",
        epilog="exit codes: 0 all were alive at the end; 1 one was not; 2 the network cannot be brought up",
    )
    add = parser.add_argument
    add("--seconds", type=float, metavar="N", help="end after N seconds (default: when Ctrl-C is pressed)")
    add("--json", type=Path, metavar="FILE", help="write each member's final state, time to ready and peak memory")
    add("--docker", action="store_true", help="run the images in the Docker engine, with the manifests' limits")
    add("--oracles", type=int, default=4, metavar="N", help="default: 4")
    add("--guardians", type=int, default=4, metavar="N", help="default: 4")
    add("--validators", type=int, default=3, metavar="N", help="default: 3")
    add("--keep", type=Path, metavar="FOLDER", help="keep data and logs there (default: a folder that is removed)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
