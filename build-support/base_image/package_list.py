"""`packages.txt`: what the base is made of, and which dependencies it does without, each with its reason.

libffi8      # ctypes
!debconf     # configures packages when a person installs them; nothing is installed here
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from base_image.errors import PackageListError

_LINE = re.compile(r"(?P<excluded>!?)(?P<name>[a-z0-9][a-z0-9+.-]+)\s+#\s*(?P<reason>\S.*)")


@dataclass(frozen=True)
class PackageList:
    """`packages` and `excluded` dependencies, names to reasons; `sha256` is that of the file."""

    packages: Mapping[str, str]
    excluded: Mapping[str, str]
    sha256: str


def read_package_list(source: Path) -> PackageList:
    """Read packages.txt. Raises `PackageListError` with every line that cannot be read."""
    try:
        content = source.read_bytes()
    except FileNotFoundError as error:
        raise PackageListError(f"{source} is missing: it lists the packages of the base image.") from error
    packages: dict[str, str] = {}
    excluded: dict[str, str] = {}
    problems = []
    for number, line in enumerate(content.decode().splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None:
            problems.append(
                f"line {number}, {line!r}: write `package  # reason`, or `!package  # reason` to exclude it"
            )
        elif found["name"] in packages or found["name"] in excluded:
            problems.append(f"line {number}: {found['name']} is listed twice: list it once")
        else:
            (excluded if found["excluded"] else packages)[found["name"]] = found["reason"]
    if not packages and not problems:
        problems.append("lists no package")
    if problems:
        raise PackageListError(f"{source}: " + "; ".join(problems))
    return PackageList(packages, excluded, hashlib.sha256(content).hexdigest())
