"""What the rules pass to the programs they run, as plain functions: no engine, no Pants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import PurePath
from typing import Any

MANIFESTS = ("tiers/*/tier.toml", "packages/noderr/*/service.toml")
"""Where the manifests of everything that has an image are."""

_HOSTS = {"linux_x86_64": "amd64", "linux_arm64": "arm64"}


class PluginError(Exception):
    """Something the plugin needs is not so; the message says what to do."""


def host_architecture(platform: str) -> str:
    """Debian's name of the machine that builds. Raises `PluginError` on machines that cannot run the base's Python."""
    if platform not in _HOSTS:
        raise PluginError(f"NodeOS images are built on Linux x86_64 or arm64, and this machine is {platform}.")
    return _HOSTS[platform]


def existing_packages(init_files: Iterable[str]) -> tuple[str, ...]:
    """The manifest names of the packages in the tree: `packages/noderr/ml_client/__init__.py` is `ml-client`."""
    return tuple(sorted(PurePath(path).parent.name.replace("_", "-") for path in init_files))


def rootfs_arguments(lock: str, compiler_lock: str) -> tuple[str, ...]:
    """The command line of `base_image.rootfs`."""
    return (
        *("--lock", lock, "--compiler-lock", compiler_lock, "--cache", ".debs"),
        *("--out", "out/rootfs.tar", "--facts", "out/facts.json"),
    )


def dependencies_arguments(compiler: str) -> tuple[str, ...]:
    """The command line of `node_image.dependencies`."""
    return ("--shared", "shared", "--all", "all", "--compiler-base", compiler, "--out", "out")


def layers_arguments(
    *,
    manifest: str,
    manifests: tuple[str, ...],
    base: str,
    facts: str,
    compiler: str,
    entry_point: str,
    architecture: str,
    existing: tuple[str, ...],
) -> tuple[str, ...]:
    """The command line of `node_image.layers`."""
    return (
        *("--manifest", manifest, "--base", base, "--base-facts", facts, "--compiler-base", compiler),
        *("--dependencies", "dependencies", "--sources", "sources", "--entry", entry_point),
        *("--architecture", architecture, "--out", "out", "--existing", *existing, "--manifests", *manifests),
    )


def archive_arguments(layers: str, facts: Mapping[str, str], pants_version: str) -> tuple[str, ...]:
    """The command line of `node_image.archive`. Raises `PluginError` where the launcher's variables are missing."""
    missing = [name for name in ("NODEOS_VERSION", "NODEOS_COMMIT", "NODEOS_COMMIT_TIME") if not facts.get(name)]
    if missing:
        raise PluginError(
            f"{', '.join(missing)} not set: start the build with ./pants or the official launcher, which read "
            ".pants.bootstrap, or set them yourself."
        )
    return (
        *("--layers", layers, "--version", facts["NODEOS_VERSION"], "--revision", facts["NODEOS_COMMIT"]),
        *("--created", facts["NODEOS_COMMIT_TIME"], "--pants-version", pants_version),
        *("--pex-version", facts.get("NODEOS_PEX_VERSION", "unknown"), "--out", "out"),
    )


def log_lines(metadata: Mapping[str, Any]) -> tuple[str, ...]:
    """What a person wants to know of an archive at once."""
    archive, listed = metadata["archive"], metadata["packages"]
    lines = [f"sha256 {archive['sha256']}, {archive['size'] / 1e6:.1f} MB, image {metadata['image']['id']}"]
    if listed["missing"]:
        total = len(listed["missing"]) + len(listed["present"])
        absent = f"{len(listed['missing'])} do not exist yet: {', '.join(listed['missing'])}"
        name = metadata.get("tier") or metadata["service"]
        lines.append(f"the manifest of {name} lists {total} packages; {absent}")
    return tuple(lines)
