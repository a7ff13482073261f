"""`./pants lint`: no source file imports what its own images do not carry.

The manifests say which images, of tiers and of the network operator's services, carry a package. A package may import
another only if every image that carries the first carries the second too; a tier's composition root may import what its
manifest lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

Carriers = Mapping[str, frozenset[str]]

_PACKAGE = re.compile(r"packages/noderr/([^/]+)(/|$)")
_TIER = re.compile(r"tiers/([^/]+)(/|$)")


def carriers(packages_by_image: Mapping[str, Iterable[str]]) -> dict[str, frozenset[str]]:
    """Which images carry each package, by the package's folder name."""
    found: dict[str, frozenset[str]] = {}
    for image, listed in packages_by_image.items():
        for name in listed:
            folder = name.replace("-", "_")
            found[folder] = found.get(folder, frozenset()) | {image}
    return found


def violations(folder: str, imported_folders: Iterable[str], carried_by: Carriers) -> Iterator[tuple[str, str]]:
    """Each import of `folder` that crosses images, as (folder imported, reason)."""
    needed = _images_of(folder, carried_by)
    if not needed:
        return
    for imported in sorted(set(imported_folders)):
        package, root = _PACKAGE.match(imported), _TIER.match(imported)
        if package and package.group(1) in carried_by:
            lacking = needed - carried_by[package.group(1)]
            if lacking:
                yield imported, f"it is in no image of {', '.join(sorted(lacking))}"
        elif root and folder != imported:
            yield imported, "a composition root is imported by nobody"


def _images_of(folder: str, carried_by: Carriers) -> frozenset[str]:
    package, root = _PACKAGE.match(folder), _TIER.match(folder)
    if root:
        return frozenset({root.group(1)})
    return carried_by.get(package.group(1), frozenset()) if package else frozenset()
