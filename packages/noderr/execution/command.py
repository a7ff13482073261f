"""`trading`: what only somebody on the node's machine may do. A running node notices at its next start."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from noderr.core.data_dir import prepare_data_dir
from noderr.core.settings import NodeSettings
from noderr.core.settings_loader import load_settings, tier_defaults
from noderr.execution.execution_journal import ExecutionJournal
from noderr.types import TierManifest
from noderr.utils import Clock, SystemClock, UtilsError


def run_trading(
    arguments: Sequence[str], environ: Mapping[str, str], manifest: TierManifest, clock: Clock | None = None
) -> int:
    """Run one command and return the process's exit code: 0 done, 1 refused or failed, 2 a wrong command line.

    Raises `CoreError` for settings or a directory that cannot be used.
    """
    options = _parser().parse_args(arguments)
    settings = load_settings(environ, NodeSettings, tier_defaults(manifest))
    folder = prepare_data_dir(settings.data_dir, manifest.tier)
    try:
        return asyncio.run(_run(options, folder, clock or SystemClock()))
    except UtilsError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="trading", description=(__doc__ or "").strip())
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    commands.add_parser("status", help="print why nothing new is sent, if so, and the trades that are under way")
    for name, words in (
        ("halt", "send no new order from the node's next start on; what is out is taken back"),
        ("resume", "take trades again from the node's next start on, after somebody has looked why it halted"),
    ):
        added = commands.add_parser(name, help=words, description=words)
        added.add_argument("--person", required=True, help="who does this")
        added.add_argument("--reason", required=True, help="why")
    return parser


async def _run(options: argparse.Namespace, folder: Path, clock: Clock) -> int:
    journal = await asyncio.to_thread(ExecutionJournal, folder)
    try:
        if options.command == "halt":
            await journal.halt(f"{options.person}: {options.reason}", clock.now_ns())
        elif options.command == "resume":
            before = await journal.halted()
            if before is None:
                print("nothing is halted")
                return 1
            await journal.resume()
            print(f"resumed by {options.person}: {options.reason}; it was halted: {before}")
        halted = await journal.halted()
        print(f"halted: {halted}" if halted is not None else "not halted")
        for trade_id in await journal.not_told():
            print(f"under way: {trade_id.hex()}")
        return 0
    finally:
        await journal.close()
