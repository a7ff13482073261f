"""The node's command line. Each command imports what it needs, so that `health` starts in no time."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Never

from noderr.core.errors import CoreError, MisconfiguredError
from noderr.core.parts import MakeParts, TierCommand, no_parts
from noderr.core.version import read_version
from noderr.types import ManifestError, TierManifest, load_manifest

_DESCRIPTION = "One NodeOS node: an HTTP API, a gRPC server and the services of its tier in one process."
_EPILOG = """settings are environment variables; `%(prog)s settings` prints them all.
exit codes: 0 stopped by a signal, or healthy; 1 the node died, or is not healthy; 2 something must be mended first."""

_MISCONFIGURED = 2  # As argparse has it for a wrong command line.


def run_tier(
    manifest_file: Path,
    version_file: Path,
    *,
    make_parts: MakeParts = no_parts,
    commands: Mapping[str, TierCommand] | None = None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run one command of a tier's node and return the process's exit code. `arguments` are those of the process.

    `commands` are the tier's own, beside those that every node has.
    """
    own = commands or {}
    name, *rest = (sys.argv[1:] if arguments is None else arguments) or [""]
    try:
        if name in own:
            return own[name].run(rest, os.environ, load_manifest(manifest_file))
        options = _parser(f"noderr-{manifest_file.parent.name}", own).parse_args(arguments)
        return _run(options, load_manifest(manifest_file), version_file, make_parts)
    except (MisconfiguredError, ManifestError) as error:
        print(error, file=sys.stderr)
        return _MISCONFIGURED
    except CoreError as error:
        print(error, file=sys.stderr)
        return 1


def _parser(program: str, own: Mapping[str, TierCommand]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program, description=_DESCRIPTION, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    parser.set_defaults(command="serve")
    for name, help_text in (
        ("serve", "run the node until SIGTERM or SIGINT (the default)"),
        ("check", "check this machine before the node is started: what is missing, and the remedy; exit code 0 or 1"),
        ("health", "ask the node on this machine whether it is alive; exit code 0 or 1"),
        ("settings", "print a .env file with every setting, its meaning and its default"),
        ("version", "print the tier and the version"),
    ):
        added = commands.add_parser(name, help=help_text, description=help_text)
        if name == "check":
            added.add_argument("--json", action="store_true", help="print JSON instead of a table")
    for name, command in own.items():
        commands.add_parser(name, help=command.help)
    return parser


# Imports stand in the commands on purpose: `health` runs every few seconds and must load nothing of the others.
def _run(options: argparse.Namespace, manifest: TierManifest, version_file: Path, make_parts: MakeParts) -> int:
    match options.command:
        case "check":
            from noderr.core.preflight import failed, render_json, render_table, run_preflight
            from noderr.utils import SystemClock

            results = run_preflight(os.environ, manifest, SystemClock())
            width = shutil.get_terminal_size((100, 24)).columns
            print(render_json(results) if options.json else render_table(results, width), end="")
            return 1 if failed(results) else 0
        case "health":
            from noderr.core.health_check import check_health

            if problem := check_health(os.environ, manifest.http_port):
                print(problem, file=sys.stderr)
            return 1 if problem else 0
        case "settings":
            from noderr.core.settings import NodeSettings
            from noderr.core.settings_loader import tier_defaults
            from noderr.core.settings_template import settings_template

            title = f"a NodeOS {manifest.tier} node, version {read_version(version_file)}"
            print(settings_template(NodeSettings, tier_defaults(manifest), title), end="")
        case "version":
            print(manifest.tier, read_version(version_file))
        case _:
            signal.signal(signal.SIGTERM, _leave)
            # gRPC's C library writes a line of its own for each stranger that fails the handshake.
            os.environ.setdefault("GRPC_VERBOSITY", "NONE")
            from noderr.core.node import serve

            serve(manifest, read_version(version_file), os.environ, make_parts)
    return 0


def _leave(*_signal: object) -> Never:
    """SIGTERM before the node has its own handler. As PID 1 of a container a process without one ignores it."""
    sys.exit(0)
