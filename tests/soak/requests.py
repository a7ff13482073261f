"""`./pants run tests/soak:requests`: a node under many requests while bad clients hang on to it all the time.

Exit code 0 when every promise was kept; 1 when one was not, or the node did not start.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import uvloop
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tests.soak.bad_clients import BadClients
from tests.soak.good_clients import GoodClients
from tests.soak.report import Report, quantiles_ms
from tests.soak.subject import Subject

_TENTHS = 10
_LET_GO_SECONDS = 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[note]}"), TimeRemainingColumn())
    with tempfile.TemporaryDirectory(prefix="noderr-soak-") as folder, Progress(*columns, console=console) as progress:
        bar = progress.add_task("requests", total=options.requests, note="")
        said = 0

        def show(answers: int, resident_bytes: int) -> None:
            nonlocal said
            note = f"{resident_bytes / 1e6:.1f} MB"
            progress.update(bar, completed=answers, note=note)
            if not console.is_terminal and answers * 20 // options.requests > said:
                said = answers * 20 // options.requests
                console.print(f"{answers} of {options.requests} answers, {note}", highlight=False)

        report = soak(Path(folder), options.requests, options.connections, options.seed, show)
    for line in report.lines():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if options.json:
        options.json.write_text(json.dumps(report.document(), indent=2) + "\n", encoding="utf-8")
    return 1 if report.failures() else 0


def soak(folder: Path, requests: int, connections: int, seed: int, show: Callable[[int, int], None]) -> Report:
    """Run it in `folder`. `show` is told the answers so far and the node's resident memory."""
    report = Report(requests)
    subject = Subject(folder)
    try:
        subject.start()
        subject.get("/")  # The page's templates are loaded, so the descriptors are those of a node at work.
        report.descriptors_before = subject.open_descriptors()
        uvloop.run(_ask(subject, report, connections, seed, show))
        report.descriptors_after = _descriptors_when_let_go(subject, report.descriptors_before)
        report.alive, report.serves_grpc = subject.alive(), subject.serves_grpc()
        report.cut = subject.metric("noderr_http_connections_cut_total", "reason")
    finally:
        report.exit_code = subject.stop()
    return report


async def _ask(subject: Subject, report: Report, connections: int, seed: int, show: Callable[[int, int], None]) -> None:
    def progress(answers: int) -> None:
        resident = subject.resident_bytes()
        show(answers, resident)
        if answers * _TENTHS >= report.requests * (len(report.resident_bytes) + 1):
            report.resident_bytes.append(resident)

    good = GoodClients(subject.http_port, subject.node_id, report.requests, random.Random(f"{seed} good"), progress)
    async with BadClients(subject.http_port, subject.grpc_port, random.Random(f"{seed} bad")) as bad:
        began = time.monotonic()
        await good.run(connections)
        report.seconds = time.monotonic() - began
        report.resident_bytes.append(subject.resident_bytes())
    report.bad_connections = dict(bad.connections)
    report.statuses, report.wrong = dict(good.statuses), dict(good.wrong)
    report.latency_ms = {path: quantiles_ms(seconds) for path, seconds in good.seconds.items()}


def _descriptors_when_let_go(subject: Subject, before: int) -> int:
    """All clients are gone; the node gets a moment to see it."""
    deadline = time.monotonic() + _LET_GO_SECONDS
    while (found := subject.open_descriptors()) > before and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="requests",
        description="Ask one node very much while slow, deaf, absent and mad clients hang on to it.",
        epilog="exit codes: 0 every promise was kept; 1 one was not",
    )
    add = parser.add_argument
    add("--requests", type=int, default=100_000, metavar="N", help="default: 100000")
    add("--connections", type=int, default=32, metavar="N", help="of good clients, at once (default: 32)")
    add("--seed", type=int, default=1, metavar="N", help="of paths and garbage (default: 1)")
    add("--json", type=Path, metavar="FILE", help="write all figures there")
    return parser


if __name__ == "__main__":
    sys.exit(main())
