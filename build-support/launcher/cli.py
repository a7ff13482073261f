"""The launcher's two commands: `prepare` prints shell exports, `lock` refreshes locks."""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path

from launcher import derived, interpreters, machine, refresh, release_facts, tools
from launcher.errors import LauncherError

ROOT = Path(__file__).resolve().parents[2]

_LOCK_HELP = """usage: ./pants lock [product|tools|plugin|launcher ...]
       ./pants lock debian [--check]

Pins the newest versions that 3rdparty/python/<name>.txt allows into <name>.lock, all four when none is named; with
`debian`, the base image's packages of 3rdparty/debian/packages.txt for both architectures.
"""


def main() -> int:
    """Exit code 0, or 1 with the reason on standard error."""
    command, arguments = (sys.argv[1], sys.argv[2:]) if len(sys.argv) > 1 else ("", [])
    try:
        platform = machine.pants_platform()
        if command == "prepare":
            print(exports(prepare(platform, with_pants="--with-pants" in arguments)))
        elif command == "lock" and not {"-h", "--help"} & set(arguments):
            refresh.refresh(ROOT, arguments, tools.install(ROOT, allow_older=True).uv)
        else:
            print(_LOCK_HELP)
            return 0 if command == "lock" else 2
    except (LauncherError, OSError) as error:
        print(f"nodeos: {error}", file=sys.stderr)
        return 1
    return 0


def prepare(platform: str, *, with_pants: bool) -> dict[str, str]:
    """Do what Pants needs done, and return the environment it needs."""
    environment = release_facts.facts(ROOT)
    installed = tools.install(ROOT)
    for_pants = interpreters.provide(interpreters.PANTS_PYTHON, installed.uv)
    for_product = interpreters.provide(interpreters.PRODUCT_PYTHON, installed.uv)
    pex = tools.pex_command_line(installed, for_pants)
    derived.provide(ROOT, installed, [for_pants, for_product])
    sha256, size = tools.file_facts(pex)
    environment |= {
        "PANTS_PEX_CLI_URL_TEMPLATE": pex.as_uri(),
        "PANTS_PEX_CLI_VERSION": installed.pex_version,
        "PANTS_PEX_CLI_VERSION_CONSTRAINTS": f"=={installed.pex_version}",
        "PANTS_PEX_CLI_KNOWN_VERSIONS": json.dumps([f"{installed.pex_version}|{platform}|{sha256}|{size}"]),
        "PANTS_PYTHON_BOOTSTRAP_SEARCH_PATH": json.dumps([str(for_pants.parent), str(for_product.parent)]),
        "PANTS_SHELL_SETUP_EXECUTABLE_SEARCH_PATHS": json.dumps([str(for_pants.parent), "<PATH>"]),
        "NODEOS_PEX_VERSION": installed.pex_version,
        "NO_SCIE_WARNING": "1",
    }
    if tools.certificates() and "PANTS_CA_CERTS_PATH" not in os.environ:
        environment["PANTS_CA_CERTS_PATH"] = tools.certificates()
    if with_pants:
        environment["NODEOS_PANTS"] = str(tools.pants(ROOT, installed.uv, for_pants))
    return environment


def exports(environment: dict[str, str]) -> str:
    """Lines for a POSIX shell to evaluate."""
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in environment.items())
