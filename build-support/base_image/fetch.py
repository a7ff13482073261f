"""The locked .debs, from the cache or from the first mirror that has the right bytes.

A cache entry is named by the sha256 of its content and appears only when that is verified.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from base_image.errors import (
    DownloadError,
    HttpError,
    HttpRefused,
    HttpTruncated,
    HttpUnreachable,
    PackageGone,
    RefusedDownload,
    TruncatedDownload,
    UnreachableMirror,
    WrongHash,
)
from base_image.files import whole_file
from base_image.http_client import HttpClient
from base_image.lock_file import REFRESH, LockedPackage
from base_image.mirrors import HOW_TO_NAME_ONE, HOW_TO_USE_SNAPSHOTS, Mirror

_NOT_FOUND = (404, 410)
_CONNECTIONS = 6

Say = Callable[[str], None]

_REMEDIES: dict[type[DownloadError], str] = {
    WrongHash: f"The mirror, or something before it, changes files: use another. {HOW_TO_NAME_ONE}",
    TruncatedDownload: f"Run the command again; if it stays so, use another mirror. {HOW_TO_NAME_ONE}",
    RefusedDownload: f"Use a mirror that lets this machine in, or a proxy (http_proxy). {HOW_TO_NAME_ONE}",
    UnreachableMirror: f"Check the network and http_proxy, or use another mirror. {HOW_TO_NAME_ONE}",
    PackageGone: f"{HOW_TO_USE_SNAPSHOTS} Or move to the archive's newer version: {REFRESH}",
}
"""From what needs a person most to what may be routine: of several mirrors' failures the first in this order counts."""


def fetch(
    packages: Sequence[LockedPackage],
    cache: Path,
    mirrors: Callable[[], Sequence[Mirror]],
    client: HttpClient,
    say: Say,
) -> dict[str, Path]:
    """Paths of the .debs by package name.

    `mirrors` is asked only when something is missing from the cache. Raises a `DownloadError` that names the package.
    """
    paths = {package.name: cache / f"{package.sha256}.deb" for package in packages}
    missing = [package for package in packages if not _is_cached(package, paths[package.name])]
    if not missing:
        return paths
    places = mirrors()
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        waiting = {
            pool.submit(_fetch_one, package, paths[package.name], places, client): package for package in missing
        }
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                future.result()
                package = waiting[future]
                say(f"{done}/{len(missing)} {package.name} {package.version} ({package.size / 1e6:.1f} MB)")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return paths


def _is_cached(package: LockedPackage, path: Path) -> bool:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content).hexdigest() == package.sha256


def _fetch_one(package: LockedPackage, path: Path, mirrors: Sequence[Mirror], client: HttpClient) -> None:
    failures: dict[type[DownloadError], list[str]] = {kind: [] for kind in _REMEDIES}
    for mirror in mirrors:
        url = mirror.url(package.archive, package.path)
        if url is None:
            continue
        try:
            content = client.get(url, limit_bytes=package.size)
            problem = _difference(content, package)
        except HttpError as error:
            failures[_kind(error)].append(f"{error} [{mirror.origin}]")
            continue
        if problem is None:
            with whole_file(path) as out:
                out.write(content)
            return
        failures[problem[0]].append(f"{url}: {problem[1]} [{mirror.origin}]")
    kind = next((kind for kind, reasons in failures.items() if reasons), PackageGone)
    reasons = "; ".join(reason for told in failures.values() for reason in told) or "no mirror has its archive"
    raise kind(package.name, f"package {package.name} {package.version} could not be had: {reasons}. {_REMEDIES[kind]}")


def _difference(content: bytes, package: LockedPackage) -> tuple[type[DownloadError], str] | None:
    if len(content) < package.size:
        return TruncatedDownload, f"{len(content)} of {package.size} bytes came"
    actual = hashlib.sha256(content).hexdigest()
    if actual != package.sha256:
        return WrongHash, f"sha256 is {actual}, locked is {package.sha256}"
    return None


def _kind(error: HttpError) -> type[DownloadError]:
    if isinstance(error, HttpRefused):
        return PackageGone if error.status in _NOT_FOUND else RefusedDownload
    if isinstance(error, HttpTruncated):
        return TruncatedDownload
    assert isinstance(error, HttpUnreachable)
    return UnreachableMirror
