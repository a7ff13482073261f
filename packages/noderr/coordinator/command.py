"""The coordinator's command line. Each command imports what it needs, so that `health` starts in no time."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Never

from noderr.core.errors import CoreError, MisconfiguredError
from noderr.core.version import read_version
from noderr.types import ManifestError, ServiceManifest, load_service_manifest

_EPILOG = """settings are environment variables; `%(prog)s settings` prints them all.
exit codes: 0 done, or stopped by a signal; 1 it died, is not healthy, or the registry refuses; 2 something must be
mended first."""


def run_coordinator(manifest_file: Path, version_file: Path, arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit code. `arguments` are those of the process."""
    options = _parser().parse_args(arguments)
    try:
        return _run(options, load_service_manifest(manifest_file), version_file, os.environ)
    except (MisconfiguredError, ManifestError) as error:
        print(error, file=sys.stderr)
        return 2
    except CoreError as error:
        print(error, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="noderr-coordinator",
        description="The network's coordinator: registry of nodes, their telemetry, desired versions and peers.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    parser.set_defaults(command="serve")

    def add(name: str, help_text: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help_text, description=help_text)

    add("serve", "run the coordinator until SIGTERM or SIGINT (the default)")
    add("health", "ask the coordinator on this machine whether it is alive; exit code 0 or 1")
    add("settings", "print a .env file with every setting, its meaning and its default")
    add("version", "print the version")
    add("key", "print the coordinator's public key, which nodes get as NODEOS_COORDINATOR_KEY")
    add("migrate", "bring the database to this version's schema; `serve` does so too")
    add("nodes", "list the enrolled nodes")
    enrol = add("enrol", "let nodes be heard; one that is there already is no error")
    which = enrol.add_mutually_exclusive_group(required=True)
    which.add_argument("--public-key", metavar="HEX", help="the node's public key, 64 hexadecimal digits")
    which.add_argument(
        "--from", dest="source", metavar="FILE", help="a line a node: tier, public key, address; - reads standard input"
    )
    enrol.add_argument("--tier", help="oracle, guardian or validator (with --public-key)")
    enrol.add_argument(
        "--address", default="", metavar="HOST:PORT", help="where other nodes reach it, if it does not say"
    )
    for name, help_text in (("suspend", "hear a node no more"), ("restore", "hear a suspended node again")):
        add(name, help_text).add_argument("node_id", metavar="NODE-ID")
    desire = add("desire", "wish for a version of a tier; its nodes are told with each heartbeat")
    desire.add_argument("--tier", required=True)
    version = desire.add_mutually_exclusive_group(required=True)
    version.add_argument("--version", metavar="X.Y.Z")
    version.add_argument("--none", action="store_true", help="no version in particular")
    return parser


# Imports stand in the commands on purpose: `health` runs every few seconds and must load nothing of the others.
def _run(options: argparse.Namespace, manifest: ServiceManifest, version_file: Path, environ: Mapping[str, str]) -> int:
    match options.command:
        case "health":
            from noderr.core.health_check import check_health

            if problem := check_health(environ, manifest.http_port):
                print(problem, file=sys.stderr)
            return 1 if problem else 0
        case "version":
            print(manifest.name, read_version(version_file))
        case "settings":
            from noderr.coordinator.settings import CoordinatorSettings, port_defaults
            from noderr.core.settings_template import settings_template

            title = f"a NodeOS coordinator, version {read_version(version_file)}"
            print(settings_template(CoordinatorSettings, port_defaults(manifest), title), end="")
        case "serve":
            signal.signal(signal.SIGTERM, _leave)
            from noderr.coordinator.serve import serve

            serve(manifest, read_version(version_file), environ)
        case _:
            from noderr.coordinator.operate import operate

            operate(options, manifest, environ)
    return 0


def _leave(*_signal: object) -> Never:
    """SIGTERM before the coordinator has its own handler. As PID 1 of a container a process without one ignores it."""
    sys.exit(0)
