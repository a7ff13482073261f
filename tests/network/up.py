"""`./pants run tests/network:up`: a whole NodeOS network on this machine, with live status in the terminal."""

from __future__ import annotations

import contextlib
import json
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
from tests.network.containers import ContainerNetwork, plan_containers, released_images
from tests.network.errors import NetworkError
from tests.network.interrupts import end_begins, interrupt_on_signals
from tests.network.options import Options, parse_options
from tests.network.plan import COORDINATOR, TIERS, Member, NetworkPlan
from tests.network.processes import ProcessNetwork, plan_processes
from tests.network.terminal import headline, plain_table, status_table, summary
from tests.network.views import MemberView
from tests.network.watch import Watcher

_GB = 1_000_000_000
_LOOK_SECONDS = 0.25
_PLAIN_SECONDS = 5.0


class Network(Protocol):
    """Processes or containers. `look` and `see` give what is known without asking the members; `settle` is the end."""

    plan: NetworkPlan

    def up(self) -> None: ...
    def down(self) -> None: ...
    def look(self) -> None: ...
    def see(self, view: MemberView) -> None: ...
    def seconds_since_start(self, member: Member) -> float: ...
    def settle(self) -> None: ...


def manifests() -> dict[str, ImageManifest]:
    """The manifest of each tier and of the coordinator, by kind."""
    found: dict[str, ImageManifest] = {
        tier: load_manifest(_beside(f"tiers.{tier}.node", "tier.toml")) for tier in TIERS
    }
    return found | {COORDINATOR: load_service_manifest(_beside("noderr.coordinator.__main__", "service.toml"))}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = parse_options(arguments)
    console = Console(stderr=True, highlight=False)
    interrupt_on_signals(lambda words: _say(console, words))
    try:
        with _folder(options.keep) as folder:
            return _run(_network(folder, options, console), options, console)
    except NetworkError as error:
        _say(console, str(error), style="red")
        return 2
    except KeyboardInterrupt:
        _say(console, "interrupted before the network was up; nothing is left of it")
        return 1


def _run(network: Network, options: Options, console: Console) -> int:
    facts = manifests()
    began = time.monotonic()
    views = member_views(network.plan, facts)
    watcher = Watcher(views, lambda view: network.seconds_since_start(view.member))
    up = False
    try:
        network.up()
        up = True
        _watch(network, views, watcher, options.seconds, console)
        end_begins()
    finally:
        end_begins()
        try:
            if up:
                network.settle()
                _see(network, views)
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
    _say(console, summary(views, options.json))
    return 0 if all(view.alive for view in views) else 1


def member_views(plan: NetworkPlan, facts: dict[str, ImageManifest]) -> list[MemberView]:
    """A view of each member, before anything is seen."""
    return [
        MemberView(member, f"http://127.0.0.1:{member.http_port}", facts[member.kind].memory_gb.max * _GB)
        for member in plan.members
    ]


def _watch(
    network: Network, views: list[MemberView], watcher: Watcher, seconds: float | None, console: Console
) -> None:
    """Until the time is over or a signal comes. A terminal gets a live table, anything else a line now and then."""
    began = time.monotonic()
    live = Live(console=console, auto_refresh=False) if console.is_terminal else None
    said = -_PLAIN_SECONDS
    with contextlib.suppress(KeyboardInterrupt), live or contextlib.nullcontext():
        while True:
            passed = time.monotonic() - began
            network.look()
            _see(network, views)
            watcher.look()
            left = None if seconds is None else max(0.0, seconds - passed)
            if live is not None:
                live.update(status_table(views, passed, left), refresh=True)
            elif passed - said >= _PLAIN_SECONDS or left == 0:
                said = passed
                _say(console, headline(views, passed, left))
            if left == 0:
                break
            time.sleep(_LOOK_SECONDS)
    if live is None:
        _say(console, plain_table(views))


def _see(network: Network, views: list[MemberView]) -> None:
    for view in views:
        network.see(view)


def _say(console: Console, words: str, style: str | None = None) -> None:
    # A terminal wraps at words; a file has lines as long as they are.
    console.print(words, style=style, markup=False, soft_wrap=not console.is_terminal)


def _network(folder: Path, options: Options, console: Console) -> Network:
    if options.docker:
        facts = manifests()
        images = released_images(read_version(_beside("tiers.oracle.node", "../../VERSION")))
        return ContainerNetwork(
            plan_containers(options.counts, facts), facts, images, folder, lambda words: _say(console, words)
        )
    return ProcessNetwork(plan_processes(options.counts), folder)


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


if __name__ == "__main__":
    sys.exit(main())
