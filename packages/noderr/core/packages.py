"""Which of the packages that a tier lists are in this build."""

from __future__ import annotations

from importlib.util import find_spec

from noderr.types import TierManifest


def missing_packages(manifest: TierManifest) -> tuple[str, ...]:
    """The manifest's packages that cannot be imported here, in its order. Imports none of them."""
    return tuple(
        package for package, module in zip(manifest.packages, manifest.modules, strict=True) if not _exists(module)
    )


def _exists(module: str) -> bool:
    spec = find_spec(module)
    # A folder without `__init__.py` is a namespace, which Python finds too; a package of ours always has one.
    return spec is not None and spec.origin is not None
