"""`./pants lock debian`: pin the base image's packages to what Debian offers today.

Reads the suites' InRelease files and package indexes, verifies signature and hashes, and writes one lock per
architecture. With --check it only says whether the locks are in order, and needs no network.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from copy import replace
from datetime import UTC, datetime
from pathlib import Path

from base_image.archive import open_archive
from base_image.errors import ArchiveError, BaseImageError, LockError
from base_image.files import whole_file
from base_image.http_client import HttpClient
from base_image.layout import ARCHITECTURES, SUITE
from base_image.lock_file import Lock, check_against_list, check_together, read_lock, render_lock
from base_image.mirrors import APT, live_mirrors
from base_image.package_list import read_package_list
from base_image.resolve import resolve
from base_image.signature import Verifier, find_keyring

FOLDER = Path("3rdparty/debian")


def check(folder: Path) -> list[Lock]:
    """Read all locks of `folder`. Raises `LockError` when one is missing, edited, stale or of another Python."""
    listed = read_package_list(folder / "packages.txt")
    locks = []
    for architecture in ARCHITECTURES:
        source = folder / f"{architecture}.lock"
        lock = read_lock(source)
        check_against_list(lock, listed, source)
        locks.append(lock)
    for other in locks[1:]:
        check_together(locks[0], other)
    return locks


def refresh(
    folder: Path,
    *,
    mirror: str | None,
    keyring: Path | None,
    environment: Mapping[str, str],
    client: HttpClient,
    now: datetime,
    apt: Path = APT,
) -> list[Lock]:
    """Write the locks of all architectures, or none: the archive must satisfy every one first."""
    listed = read_package_list(folder / "packages.txt")
    verifier = Verifier(find_keyring(keyring, environment))
    archive = open_archive(live_mirrors(mirror, environment, apt), client, verifier, now)
    _refuse_to_go_back(folder, archive.date)
    locks = []
    for architecture in ARCHITECTURES:
        packages = resolve(listed, archive.candidates(architecture, listed.packages))
        locks.append(Lock(SUITE, architecture, archive.date, listed.sha256, packages))
    for other in locks[1:]:
        check_together(locks[0], other)
    return [_write(folder, lock) for lock in locks]


def _write(folder: Path, lock: Lock) -> Lock:
    """Write `lock`, unless the one in place says the same but for its date: a change in a lock means a change."""
    old = _readable(folder, lock.architecture)
    if old is not None and replace(old, date=lock.date) == lock:
        return old
    with whole_file(folder / f"{lock.architecture}.lock") as out:
        out.write(render_lock(lock).encode())
    return lock


def _readable(folder: Path, architecture: str) -> Lock | None:
    """The lock in place, or None where a refresh is what mends it."""
    try:
        return read_lock(folder / f"{architecture}.lock")
    except LockError:
        return None


def _refuse_to_go_back(folder: Path, date: datetime) -> None:
    """A mirror that shows an older archive than the one we locked would take security updates away."""
    for architecture in ARCHITECTURES:
        old = _readable(folder, architecture)
        if old is not None and date < old.date:
            raise ArchiveError(
                f"the mirror's archive is of {date:%Y-%m-%d %H:%M}, {architecture}.lock of {old.date:%Y-%m-%d %H:%M} "
                "UTC: use a mirror that is up to date, or delete the lock to go back on purpose."
            )


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0, or 1 with the reason on standard error."""
    parser = argparse.ArgumentParser(prog="base_image.lock", description=__doc__)
    add = parser.add_argument
    add("--check", action="store_true", help="only say whether the locks are in order")
    add("--folder", type=Path, default=FOLDER, help="where packages.txt and the locks are (default %(default)s)")
    add("--mirror", metavar="URL", help="a Debian mirror's base URL (default: NODEOS_DEBIAN_MIRROR, then apt's)")
    add("--keyring", type=Path, metavar="FILE", help="Debian's keys (default: NODEOS_DEBIAN_KEYRING, then the host's)")
    options = parser.parse_args(arguments)
    try:
        if options.check:
            locks = check(options.folder)
        else:
            locks = refresh(
                options.folder,
                mirror=options.mirror,
                keyring=options.keyring,
                environment=os.environ,
                client=HttpClient(),
                now=datetime.now(UTC),
            )
    except (BaseImageError, OSError) as error:
        print(f"base_image.lock: {error}", file=sys.stderr)
        return 1
    for lock in locks:
        print(
            f"{lock.architecture}.lock: {len(lock.packages)} packages of {lock.suite}, {lock.date:%Y-%m-%d %H:%M} UTC"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
