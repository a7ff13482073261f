"""The audit of an image's file system: one file, standard library only, run by the image's own Python in the build.

It compares what is there with `/opt/noderr/inventory.json`, looks for what an image must not hold, and imports every
module that is shipped. `python audit.py [ROOT]` prints a receipt, or the reasons and exits with 1. It writes nothing.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import stat
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

APP = "opt/noderr"
DIST_PACKAGES = "usr/local/lib/python3.13/dist-packages"
INVENTORY = f"{APP}/inventory.json"

# What the kernel, the engine and the build stage put beside the image's files; no part of the image.
_FOREIGN_TO_IMAGE = frozenset(
    {"audit.py", ".dockerenv", "proc", "sys", "dev", "etc/hosts", "etc/hostname", "etc/resolv.conf", "etc/mtab"}
)
_BIN_FOLDERS = frozenset(
    {"bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "usr/local/sbin", f"{DIST_PACKAGES}/bin"}
)
_SHELLS = frozenset(
    {"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "csh", "tcsh", "fish", "busybox", "toybox", "pwsh"}
)
_PACKAGE_MANAGERS = frozenset(
    {"apt", "apt-get", "apt-cache", "aptitude", "dpkg", "rpm", "yum", "dnf", "apk", "pacman", "zypper", "snap"}
    | {"pip", "pip3", "pip3.13", "uv", "conda", "npm"}
)
_INSTALLERS = frozenset({"pip", "uv", "conda"})
_FOR_DEVELOPERS = frozenset(
    {"black", "grpcio-tools", "hypothesis", "moto", "mypy", "mypy-protobuf", "pytest", "ruff", "setuptools", "wheel"}
)
_SECRET_NAME = re.compile(
    r"\.env(\..+)?|\.netrc|\.npmrc|\.pypirc|\.git-credentials|id_(rsa|dsa|ecdsa|ed25519)"
    r"|credentials(\.json)?|.*\.(p12|pfx|jks|keystore)"
)
# A key and not the mere mention of one, which every library that reads keys has in its source.
_PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+(?:[A-Za-z-]+: .*\s+)*[A-Za-z0-9+/=\s]{64}")
_LARGEST_KEY_FILE_BYTES = 1_000_000
_MODULE_SUFFIXES = (".py", ".so")
# Programs of ours, which are run and not imported; Alembic gives the second one a context that no import has.
_PROGRAM = re.compile(r"(.*/)?(__main__|migrations/env)\.py")


def take_inventory(root: Path) -> dict[str, Any]:
    """What the image below `root` ships, as far as it can be read from the files themselves."""
    return {
        "schema": 1,
        "first_party": first_party(root),
        "distributions": {name: version for name, version, _ in distributions(root)},
        "trees": {folder: tree_digest(root, folder) for folder in (APP, DIST_PACKAGES)},
    }


def first_party(root: Path) -> list[str]:
    """The names, as manifests write them, of the packages of ours; wherever on the import path they are."""
    found = {
        path.name.removesuffix(".py").replace("_", "-")
        for folder in (APP, DIST_PACKAGES)
        for path in _children(root / folder / "noderr")
        if path.name != "__pycache__"
    }
    return sorted(found)


def distributions(root: Path) -> list[tuple[str, str, str]]:
    """Name, version and folder of every installed distribution; one that is there twice is listed twice."""
    found = []
    for path in _children(root / DIST_PACKAGES):
        if path.suffix == ".dist-info":
            fields = dict(re.findall(r"^(Name|Version): *(.+?) *$", (path / "METADATA").read_text("utf-8"), re.M))
            found.append((re.sub(r"[-_.]+", "-", fields["Name"]).lower(), fields["Version"], path.name))
    return sorted(found)


def tree_digest(root: Path, folder: str) -> str:
    """The sha256 over names and contents of all files below `folder`, without the inventory that holds it."""
    digest = hashlib.sha256()
    for path in sorted(_walk(root, root / folder)):
        if path != INVENTORY and not stat.S_ISDIR((root / path).lstat().st_mode):
            content = os.readlink(root / path).encode() if (root / path).is_symlink() else (root / path).read_bytes()
            digest.update(f"{path}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return digest.hexdigest()


def modules(root: Path) -> list[str]:
    """What is imported: every module of ours, and the top-level module of every distribution."""
    found = set()
    for path in _walk(root, root / APP):
        parts = Path(path).relative_to(APP).parts
        if path.endswith(".py") and not _PROGRAM.fullmatch(path):
            found.add(".".join(parts).removesuffix(".py").removesuffix(".__init__"))
    found.update(_top_level(root / DIST_PACKAGES, ""))
    return sorted(found)


def problems(root: Path) -> list[str]:
    """Why the image below `root` is refused, apart from imports; empty when it is not."""
    try:
        inventory = json.loads((root / INVENTORY).read_text("utf-8"))
        listed = tomllib.loads((root / APP / inventory["manifest"]).read_text("utf-8"))["packages"]
    except (OSError, ValueError, KeyError) as error:
        return [f"/{INVENTORY} or the manifest beside it cannot be read: {error!r}"]
    return [
        *_first_party_problems(root, inventory, listed),
        *_distribution_problems(root),
        *(problem for path in _walk(root, root) for problem in _file_problems(root, path)),
        *_differences(inventory, take_inventory(root)),
    ]


def import_everything(names: list[str]) -> list[str]:
    """Import each of `names`; returns the failures. Warnings of third parties are theirs."""
    failures = []
    for name in names:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                importlib.import_module(name)
        except (Exception, SystemExit) as error:
            failures.append(f"{name} cannot be imported: {error!r}")
    return failures


def main(arguments: list[str]) -> int:
    """Audit the file system at the first argument, `/` by default. Returns the exit code."""
    root = Path(arguments[0] if arguments else "/")
    sys.dont_write_bytecode = True
    sys.path[:0] = [str(root / APP), *([] if root == Path("/") else [str(root / DIST_PACKAGES)])]
    found = problems(root)
    names = modules(root) if not found else []
    found += import_everything(names)
    for problem in found:
        print(f"audit: {problem}", file=sys.stderr)
    if not found:
        inventory = json.loads((root / INVENTORY).read_text("utf-8"))
        print(
            f"audit: {inventory['name']} {inventory['architecture']}: packages {', '.join(inventory['first_party'])}; "
            f"{len(inventory['distributions'])} distributions; {len(names)} modules imported; nothing else found"
        )
    return 1 if found else 0


def _first_party_problems(root: Path, inventory: dict[str, Any], listed: list[str]) -> Iterator[str]:
    for name in first_party(root):
        if name not in listed:
            yield f"package {name} is ours, but {inventory['manifest']} does not list it"
    own = str(Path(inventory["manifest"]).parent)
    if (root / DIST_PACKAGES / "noderr").exists():
        yield f"/{DIST_PACKAGES}/noderr: our packages belong below /{APP}"
    for path in _children(root / APP / "tiers"):
        if f"tiers/{path.name}" not in (own, "tiers/__pycache__"):
            yield f"/{APP}/tiers/{path.name} belongs to another image than {inventory['name']}"


def _distribution_problems(root: Path) -> Iterator[str]:
    found = distributions(root)
    names = [name for name, _, _ in found]
    for name, version, folder in found:
        if names.count(name) > 1:
            yield f"distribution {name} is there more than once: {version} in {folder}"
        if name in _INSTALLERS:
            yield f"distribution {name} is a package manager"
        if name in _FOR_DEVELOPERS:
            yield f"distribution {name} is for developers: no code of an image may import it"


def _file_problems(root: Path, path: str) -> Iterator[str]:
    name, folder = path.rpartition("/")[2], path.rpartition("/")[0]
    status = (root / path).lstat()
    if folder in _BIN_FOLDERS and name in _SHELLS:
        yield f"/{path} is a shell"
    if folder in _BIN_FOLDERS and name in _PACKAGE_MANAGERS:
        yield f"/{path} is a package manager"
    if stat.S_ISLNK(status.st_mode):
        return
    sticky_folder = stat.S_ISDIR(status.st_mode) and status.st_mode & stat.S_ISVTX
    if status.st_mode & stat.S_IWOTH and not sticky_folder:
        yield f"/{path} can be written by everyone (mode {stat.S_IMODE(status.st_mode):o})"
    if stat.S_ISREG(status.st_mode):
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            yield f"/{path} runs with the rights of its owner or group (mode {stat.S_IMODE(status.st_mode):o})"
        if _SECRET_NAME.fullmatch(name):
            yield f"/{path} has the name of a file that holds secrets"
        elif status.st_size < _LARGEST_KEY_FILE_BYTES and _PRIVATE_KEY.search((root / path).read_bytes()):
            yield f"/{path} holds a private key"


def _differences(wanted: dict[str, Any], found: dict[str, Any]) -> Iterator[str]:
    for key, value in found.items():
        if wanted.get(key) != value:
            yield f"{key} differs from the inventory: listed {wanted.get(key)!r}, found {value!r}"


def _top_level(folder: Path, prefix: str) -> Iterator[str]:
    """Import names in `folder`; of a namespace package, which has no module of its own, those one level down."""
    for path in _children(folder):
        name = prefix + path.name.partition(".")[0]
        if not path.name.partition(".")[0].isidentifier():
            continue
        if path.is_file() and path.name.endswith(_MODULE_SUFFIXES):
            yield name
        elif path.is_dir() and not path.suffix:
            if any(child.name.startswith("__init__.") for child in _children(path)):
                yield name
            elif not prefix:
                yield from _top_level(path, f"{name}.")


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []


def _walk(root: Path, start: Path) -> Iterator[str]:
    """Every path below `start`, relative to `root`, without following symbolic links."""
    for folder, folders, files in os.walk(start):
        inside = [Path(folder, name).relative_to(root).as_posix() for name in [*folders, *files]]
        folders[:] = [
            name for name in folders if Path(folder, name).relative_to(root).as_posix() not in _FOREIGN_TO_IMAGE
        ]
        yield from (path for path in inside if path not in _FOREIGN_TO_IMAGE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
