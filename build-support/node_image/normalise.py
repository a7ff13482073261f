"""Brings the output of `docker save` to the assembler's bytes: `python -m node_image.normalise --help`.

The files are the engine's own, layer by layer, and so is the configuration: whatever the engine built otherwise than
the assembler would have shows as another sha256.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from canonical import CanonicalError
from node_image.archive import add_tool_options, report, tool_versions
from node_image.archive_files import Written, write_archive
from node_image.description import LAYER_NAMES
from node_image.errors import NodeImageError, SavedImageError
from node_image.facts import ImageFacts, read_facts
from node_image.image_tar import image_tar
from node_image.layer_tars import write_layers
from node_image.saved import SavedImage, open_saved
from noderr.types.errors import ManifestError


def normalise(saved: Path, facts_file: Path, tools: Mapping[str, str], out: Path) -> Written:
    """Make the archive of the image in `saved`; `facts_file` is the `image.json` of the layers it was built from.

    Raises `NodeImageError` and `CanonicalError`.
    """
    facts = read_facts(facts_file)
    with open_saved(saved, facts.architecture) as image, tempfile.TemporaryDirectory(prefix="noderr-saved-") as folder:
        _check(image, saved, facts)
        layers = write_layers(image.layers(), Path(folder))
        tar = image_tar(image.config, layers, Path(folder), facts.description.repository)
        return write_archive(tar, facts, tools, out)


def _check(image: SavedImage, saved: Path, facts: ImageFacts) -> None:
    labels = (image.config.get("config") or {}).get("Labels") or {}
    for label, value in facts.manifest.labels.items():
        if labels.get(label) != value:
            raise SavedImageError(
                f"{saved}: label {label} is {labels.get(label)!r}, but the layers are of {facts.manifest.name}"
            )
    count = len(image.config["rootfs"]["diff_ids"])
    if count != len(LAYER_NAMES):
        raise SavedImageError(f"{saved}: has {count} layers; ours have four: {', '.join(LAYER_NAMES)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="node_image.normalise", description=__doc__)
    parser.add_argument("saved", type=Path, metavar="SAVED.tar", help="the output of docker save")
    parser.add_argument("--layers-facts", type=Path, required=True, metavar="image.json")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_tool_options(parser)
    options = parser.parse_args(arguments)
    try:
        written = normalise(options.saved, options.layers_facts, tool_versions(options), options.out)
    except (NodeImageError, CanonicalError, ManifestError, OSError) as error:
        print(f"node_image.normalise: {error}", file=sys.stderr)
        return 1
    report(written)
    return 0


if __name__ == "__main__":
    sys.exit(main())
