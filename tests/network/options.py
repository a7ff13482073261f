"""The command line of `tests/network:up`."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_MOST = 40


@dataclass(frozen=True)
class Options:
    """What was asked for. `seconds` is None for a network that runs until Ctrl-C; `counts` are nodes by tier."""

    counts: dict[str, int]
    seconds: float | None
    json: Path | None
    docker: bool
    keep: Path | None


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Read the arguments; what is wrong with them ends the process with code 2, as argparse does it."""
    parser = _parser()
    found = parser.parse_args(arguments)
    if found.json and not found.json.absolute().parent.is_dir():
        parser.error(f"argument --json: {found.json.absolute().parent} is no folder")
    counts = {"oracle": found.oracles, "guardian": found.guardians, "validator": found.validators}
    return Options(counts, found.seconds, found.json, found.docker, found.keep)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="up",
        description="Run a NodeOS network on this machine: oracles, guardians, validators and a coordinator.",
        epilog="exit codes: 0 all were alive at the end; 1 one was not, or it was interrupted before it was up; "
        "2 wrong options, or the network cannot be brought up or removed",
    )
    add = parser.add_argument
    add("--seconds", type=_seconds, metavar="N", help="end after N seconds (default: when Ctrl-C is pressed)")
    add("--json", type=Path, metavar="FILE", help="write each member's final state, time to ready and peak memory")
    add("--docker", action="store_true", help="run the images in the Docker engine, with the manifests' limits")
    for tier, count in (("oracle", 4), ("guardian", 4), ("validator", 3)):
        add(f"--{tier}s", type=_count, default=count, metavar="N", help=f"how many {tier}s (default: {count})")
    add(
        "--keep",
        type=Path,
        metavar="FOLDER",
        help="keep keys, logs and, without --docker, data there; it must be empty",
    )
    return parser


def _count(text: str) -> int:
    # argparse shows the words of its own error only.
    if not text.isascii() or not text.lstrip("-").isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of nodes: write 1 to {_MOST}")
    if not 1 <= int(text) <= _MOST:
        raise argparse.ArgumentTypeError(f"{text} nodes of a tier: a network has 1 to {_MOST} of each")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: write a number of seconds above 0")
    return seconds
