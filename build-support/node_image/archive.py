"""Assembles the canonical archive from layers, without an engine: `python -m node_image.archive --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from canonical import CanonicalError
from node_image.archive_files import Written, write_archive
from node_image.config import engine_config
from node_image.errors import NodeImageError
from node_image.facts import FILE_NAME, check_layers, read_facts
from node_image.image_tar import image_tar
from node_image.release import Release
from noderr.types.errors import ManifestError


def assemble(layers: Path, release: Release, tools: Mapping[str, str], out: Path) -> Written:
    """Make the archive of the layers in the folder `layers`. Raises `NodeImageError`."""
    facts = read_facts(layers / FILE_NAME)
    check_layers(layers, facts.layers)
    config = engine_config(facts.description, release, facts.architecture)
    return write_archive(image_tar(config, facts.layers, layers, facts.description.repository), facts, tools, out)


def add_tool_options(parser: argparse.ArgumentParser) -> None:
    """The options that the assembler and the normaliser share: versions of the build's tools, for the metadata."""
    parser.add_argument("--pants-version", default="unknown")
    parser.add_argument("--pex-version", default="unknown")


def tool_versions(options: argparse.Namespace) -> dict[str, str]:
    """The versions of the build's tools."""
    return {"pants": options.pants_version, "pex": options.pex_version}


def report(written: Written) -> None:
    """Print what was written."""
    facts = written.metadata["archive"]
    print(f"{written.archive}: {facts['size'] / 1e6:.1f} MB, sha256 {facts['sha256']}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="node_image.archive", description=__doc__)
    parser.add_argument("--layers", type=Path, required=True, metavar="DIR", help="what node_image.layers wrote")
    parser.add_argument("--version", required=True, help="the semantic version, from VERSION")
    parser.add_argument("--revision", required=True, help="the commit that is built")
    parser.add_argument("--created", type=int, required=True, metavar="SECONDS", help="the commit's time")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_tool_options(parser)
    options = parser.parse_args(arguments)
    try:
        release = Release(options.version, options.revision, options.created)
        written = assemble(options.layers, release, tool_versions(options), options.out)
    except (NodeImageError, CanonicalError, ManifestError) as error:
        print(f"node_image.archive: {error}", file=sys.stderr)
        return 1
    report(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
