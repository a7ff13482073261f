"""The launcher's own tools, from the package index by hash: uv and Pex, Pants, and Pex's command line as one file."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from launcher import locks
from launcher.errors import MissingInterpreter
from launcher.machine import cache_root, locked, run, say


@dataclass(frozen=True)
class Tools:
    """Paths of the installed tools and the version of Pex."""

    uv: Path
    pex_python: Path
    pex_version: str
    pex_requirement: tuple[str, ...]


def install(root: Path, *, allow_older: bool = False) -> Tools:
    """A virtual environment with uv and Pex, made with the Python that runs us, once per content of the lock."""
    body = locks.read(root, locks.LAUNCHER, allow_older=allow_older)
    home = cache_root() / f"tools-{_key(body, sys.version)}"
    if not (home / "ready").exists():
        with locked(cache_root()):
            if not (home / "ready").exists():
                _make(home, body)
    version, requirement = locks.pinned(body, "pex")
    return Tools(home / "bin" / "uv", home / "bin" / "python", version, tuple(requirement))


def pants(root: Path, uv: Path, python: Path) -> Path:
    """The Pants of plugin.lock in an environment of its own; returns its command."""
    body = locks.read(root, locks.PLUGIN)
    home = cache_root() / f"pants-{_key(body, str(python))}"
    if not (home / "ready").exists():
        with locked(cache_root()):
            if not (home / "ready").exists():
                say("installing Pants")
                run([uv, "venv", "-q", "--clear", "-p", python, home], doing="Making an environment for Pants")
                _requirements(home, body)
                install_pants = [uv, "pip", "install", "-q", "-p", home / "bin" / "python", "--require-hashes", "-r"]
                run([*install_pants, home / "requirements.txt", *index_options()], doing="Installing Pants")
                (home / "ready").touch()
    return home / "bin" / "pants"


def pex_command_line(tools: Tools, python: Path) -> Path:
    """Pex as the single file that Pants runs; Pants would fetch it elsewhere, and the wheel holds the same code."""
    target = cache_root() / f"pex-{_key(chr(10).join(tools.pex_requirement), str(python))}" / "pex"
    if not target.exists():
        with locked(cache_root()), tempfile.TemporaryDirectory() as scratch:
            if target.exists():
                return target
            say(f"building Pex {tools.pex_version}")
            wanted = Path(scratch, "requirements.txt")
            wanted.write_text("\n".join(tools.pex_requirement) + "\n", encoding="utf-8")
            built = Path(scratch, "pex")
            options = ["-c", "pex", "--python-shebang", "/usr/bin/env python3", "--no-compress", "-o", built]
            argv = [tools.pex_python, "-m", "pex", *network_options(), "-r", wanted, "--python", python, *options]
            run(argv, doing="Building the Pex command line")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(str(built), target.with_name("pex.new"))
            os.replace(target.with_name("pex.new"), target)
    return target


def network_options() -> list[str]:
    """What Pex must be told of the machine's network: it reads neither uv's nor pip's settings by itself."""
    return [*(["--cert", certificates()] if certificates() else []), *index_options()]


def index_options() -> list[str]:
    """The package index as an option; pip, uv and Pex all know it by this name, and only their own by a variable."""
    return ["--index-url", package_index()] if package_index() else []


def certificates() -> str:
    """The CA bundle that this machine's tools are told to use, or nothing."""
    names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE")
    return next((os.environ[name] for name in names if Path(os.environ.get(name) or "/missing").is_file()), "")


def package_index() -> str:
    """The package index that this machine is told to use, or nothing for the public one."""
    return next((os.environ[name] for name in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL") if os.environ.get(name)), "")


def file_facts(path: Path) -> tuple[str, int]:
    """sha256 and size in bytes."""
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest(), len(content)


def _make(home: Path, body: str) -> None:
    say("installing uv and Pex")
    shutil.rmtree(home, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(home)], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise MissingInterpreter(
            f"{sys.executable} cannot make a virtual environment. On Debian and Ubuntu install python3-venv. "
            f"It said:\n{(made.stderr or made.stdout).strip()}"
        )
    _requirements(home, body)
    pip = [home / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "-q", "--require-hashes"]
    run([*pip, *index_options(), "-r", home / "requirements.txt"], doing="Installing uv and Pex")
    (home / "ready").touch()


def _requirements(home: Path, body: str) -> None:
    (home / "requirements.txt").write_text(body, encoding="utf-8")


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
