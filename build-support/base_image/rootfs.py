"""`python -m base_image.rootfs`: fetch the locked packages and write the base image as one canonical tar.

The same locks make the same bytes on every machine, for either architecture: nothing of the host goes in, and bytecode
is made by the base's own Python. It runs from the packages of --compiler-lock, the lock of this machine's architecture.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from base_image.assemble import assemble, interpreter_of
from base_image.errors import ArchitectureError, BaseImageError
from base_image.fetch import Say, fetch
from base_image.files import disk_full_is_clear, whole_file
from base_image.http_client import HttpClient
from base_image.layout import architecture, host_architecture
from base_image.lock_file import Lock, check_against_list, check_together, read_lock
from base_image.mirrors import APT, Mirror, all_mirrors
from base_image.package_list import read_package_list
from base_image.unpack import UnpackedPackage, unpack
from canonical import json_text, sha256_of_file, write_tar


@dataclass(frozen=True)
class Surroundings:
    """What building takes from outside: the network, where mirrors are named, where progress goes."""

    cache: Path
    client: HttpClient
    environment: Mapping[str, str]
    say: Say
    mirror: str | None
    apt: Path


def build_rootfs(
    lock_file: Path, compiler_lock_file: Path, out: Path, facts: Path | None, around: Surroundings
) -> None:
    """Write the root file system of `lock_file` to `out`, and what is in it to `facts`. Raises `BaseImageError`."""
    lock, compiler = _checked_lock(lock_file), _checked_lock(compiler_lock_file)
    target, host = architecture(lock.architecture), host_architecture()
    if compiler.architecture != host.name:
        raise ArchitectureError(
            f"--compiler-lock {compiler_lock_file} is of {compiler.architecture}, and this machine is {host.name}: "
            f"pass the {host.name} lock, whose Python runs here."
        )
    check_together(lock, compiler)
    packages = _packages(lock, around)
    compiler_packages = packages if compiler == lock else _packages(compiler, around)
    around.say("compiling the standard library")
    with tempfile.TemporaryDirectory(prefix="nodeos-base-") as folder, disk_full_is_clear(Path(folder)):
        interpreter = interpreter_of(compiler_packages, Path(folder))
        entries = assemble(packages, target, interpreter)
    with whole_file(out) as handle:
        write_tar(entries, handle)
    around.say(f"{out}: {out.stat().st_size / 1e6:.1f} MB, sha256 {sha256_of_file(out)}")
    if facts is not None:
        with whole_file(facts) as handle:
            handle.write(_facts(lock, lock_file).encode())


def _checked_lock(source: Path) -> Lock:
    lock = read_lock(source)
    check_against_list(lock, read_package_list(source.with_name("packages.txt")), source)
    return lock


def _packages(lock: Lock, around: Surroundings) -> list[UnpackedPackage]:
    def mirrors() -> list[Mirror]:
        return all_mirrors(around.mirror, around.environment, lock.date, around.apt)

    paths = fetch(lock.packages, around.cache, mirrors, around.client, around.say)
    return [unpack(paths[package.name], package) for package in lock.packages]


def _facts(lock: Lock, source: Path) -> str:
    """What the metadata of an archive says of its base."""
    return json_text(
        {
            "architecture": lock.architecture,
            "lock_sha256": sha256_of_file(source),
            "packages": lock.versions,
            "python_version": lock.python_version,
            "suite": lock.suite,
        }
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="base_image.rootfs", description=__doc__)
    add = parser.add_argument
    add("--lock", type=Path, required=True, metavar="LOCK", help="packages of the image; packages.txt is beside it")
    add("--compiler-lock", type=Path, required=True, metavar="LOCK", help="the lock of this machine's architecture")
    add("--cache", type=Path, required=True, metavar="DIR", help="where downloaded packages are kept")
    add("--out", type=Path, required=True, metavar="TAR", help="the root file system to write")
    add("--facts", type=Path, metavar="JSON", help="also write what is in it")
    add("--mirror", metavar="URL", help="a Debian mirror's base URL (default: NODEOS_DEBIAN_MIRROR, then apt's)")
    options = parser.parse_args(arguments)
    around = Surroundings(
        cache=options.cache,
        client=HttpClient(),
        environment=os.environ,
        say=lambda line: print(line, file=sys.stderr, flush=True),
        mirror=options.mirror,
        apt=APT,
    )
    try:
        build_rootfs(options.lock, options.compiler_lock, options.out, options.facts, around)
    except (BaseImageError, OSError) as error:
        print(f"base_image.rootfs: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
