"""Which addresses may hold a package, in the order in which they are asked.

An option or `NODEOS_DEBIAN_MIRROR`, then the host's own apt configuration, then snapshot archives
(`NODEOS_DEBIAN_SNAPSHOT`), because old versions leave the live archive. The repository names no host.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit

from base_image.apt_sources import debian_archives
from base_image.errors import NoMirror

MAIN, SECURITY = "debian", "debian-security"
MIRROR_VARIABLE, SNAPSHOT_VARIABLE = "NODEOS_DEBIAN_MIRROR", "NODEOS_DEBIAN_SNAPSHOT"
APT = Path("/etc/apt")

HOW_TO_NAME_ONE = (
    f"Pass --mirror or set {MIRROR_VARIABLE} to a Debian mirror's base URL, the address below which dists/ and pool/ "
    "are (it usually ends in /debian; the security archive is looked for beside it, with -security appended)."
)
HOW_TO_USE_SNAPSHOTS = (
    f"Set {SNAPSHOT_VARIABLE} to a snapshot service's base URL, the address below which archive/debian/<time>/ is, to "
    "get packages that left the live archive."
)

_SETTLED = timedelta(days=1)
"""A snapshot service copies the archive every few hours, and the archive keeps a replaced package for longer than a
day: the copy made one day after the Release file still holds, or only then holds, what that file lists."""


@dataclass(frozen=True)
class Mirror:
    """One place that serves Debian's archives: where we know it from, and base URLs by archive."""

    origin: str
    bases: Mapping[str, str]

    def url(self, archive: str, path: str) -> str | None:
        """The address of `path` of an archive, or None where this place has not that archive."""
        base = self.bases.get(archive)
        return None if base is None else f"{base}/{quote(path, safe='/+~:,=@!')}"


def live_mirrors(option: str | None, environment: Mapping[str, str], apt: Path = APT) -> list[Mirror]:
    """The mirrors of the live archive: the option's, the environment's, the host's. Raises `NoMirror`."""
    return _not_empty(_live(option, environment, apt))


def all_mirrors(option: str | None, environment: Mapping[str, str], date: datetime, apt: Path = APT) -> list[Mirror]:
    """The same, and then the archive as it was at `date`, of the snapshot services. Raises `NoMirror`."""
    stamp = (date + _SETTLED).strftime("%Y%m%dT%H%M%SZ")
    bases = [_checked(SNAPSHOT_VARIABLE, base) for base in environment.get(SNAPSHOT_VARIABLE, "").split()]
    old = [
        Mirror(SNAPSHOT_VARIABLE, {name: f"{base}/archive/{name}/{stamp}" for name in (MAIN, SECURITY)})
        for base in bases
    ]
    return _not_empty([*_live(option, environment, apt), *old])


def _live(option: str | None, environment: Mapping[str, str], apt: Path) -> list[Mirror]:
    found: list[Mirror] = []
    for origin, text in (("--mirror", option), (MIRROR_VARIABLE, environment.get(MIRROR_VARIABLE))):
        found.extend(_given(origin, base) for base in (text or "").split())
    found.extend(_of_apt(apt))
    return found


def _not_empty(found: list[Mirror]) -> list[Mirror]:
    if not found:
        raise NoMirror(f"No Debian mirror is known: this machine's apt names none. {HOW_TO_NAME_ONE}")
    return found


def _given(origin: str, base: str) -> Mirror:
    base = _checked(origin, base)
    return Mirror(origin, {MAIN: base, SECURITY: f"{base}-security"})


def _of_apt(apt: Path) -> Sequence[Mirror]:
    archives = debian_archives(apt)
    mains = [archive.base for archive in archives if not archive.is_security]
    securities = [archive.base for archive in archives if archive.is_security]
    found = []
    for number, base in enumerate(mains):
        security = securities[number] if number < len(securities) else f"{base}-security"
        found.append(Mirror(str(apt), {MAIN: base, SECURITY: security}))
    return found


def _checked(origin: str, base: str) -> str:
    parts = urlsplit(base)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise NoMirror(f"{origin} = {base!r} is no address that begins with http:// or https://. {HOW_TO_NAME_ONE}")
    return base.rstrip("/")
