"""Makes the four layers of an image as canonical tars: `python -m node_image.layers --help`.

The output folder gets `base.tar`, `shared.tar`, `own.tar`, `source.tar` and `image.json`, which describes them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from base_image.errors import BaseImageError
from canonical import CanonicalError, read_tar
from node_image.dependencies import unpack_dependencies
from node_image.description import LAYER_NAMES
from node_image.errors import NodeImageError
from node_image.facts import ImageFacts, read_base_facts
from node_image.layer_tars import write_layers
from node_image.manifests import load_manifest_file, parse_manifest_text
from node_image.release import ARCHITECTURES
from node_image.sources import check_sources
from node_image.stage import Compiler, base_compiler, stage_inventory, stage_sources, staged_entries
from noderr.types import ManifestError, check_manifests


@dataclass(frozen=True)
class Inputs:
    """An image's ingredients. `dependencies` is what `node_image.dependencies` made, `manifests` are all there are."""

    manifest: Path
    manifests: Sequence[Path]
    base: Path
    base_facts: Path
    dependencies: Path
    sources: Path
    existing: Collection[str]
    entry_point: str
    architecture: str


def make_layers(inputs: Inputs, out: Path, work: Path, compile_tree: Compiler) -> ImageFacts:
    """Make the layers into `out`, using the empty folder `work`. Raises `NodeImageError` and `CanonicalError`."""
    manifest_text = inputs.manifest.read_text(encoding="utf-8")
    manifest = parse_manifest_text(manifest_text, name=str(inputs.manifest))
    base = read_base_facts(inputs.base_facts, inputs.architecture)
    first_party = check_sources(manifest, inputs.sources, inputs.existing)
    check_manifests([manifest, *(load_manifest_file(path) for path in inputs.manifests)])
    dependencies = unpack_dependencies(inputs.dependencies, work)

    stages = {name: work / name for name in LAYER_NAMES[1:]}
    stage_sources(
        stages["source"],
        inputs.sources,
        manifest,
        manifest_text,
        entry_point=inputs.entry_point,
        compile_tree=compile_tree,
    )
    stage_inventory(stages["source"], stages.values(), manifest, inputs.architecture, first_party)

    with inputs.base.open("rb") as handle:
        stack = [list(read_tar(handle)), *(staged_entries(stages[name]) for name in LAYER_NAMES[1:])]
    facts = ImageFacts(
        manifest_text=manifest_text,
        architecture=inputs.architecture,
        first_party=first_party,
        distributions=dependencies.distributions,
        base=base,
        layers=write_layers(stack, out),
    )
    facts.write(out)
    return facts


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="node_image.layers", description=__doc__)
    add = parser.add_argument
    add("--manifest", type=Path, required=True, metavar="FILE", help="tier.toml or service.toml")
    add("--base", type=Path, required=True, metavar="TAR", help="the root file system")
    add("--base-facts", type=Path, required=True, metavar="JSON", help="what the base image's build says of it")
    add("--compiler-base", type=Path, required=True, metavar="TAR", help="a root file system that this machine can run")
    add("--manifests", nargs="*", default=[], type=Path, metavar="FILE", help="all there are: no port is used twice")
    add("--dependencies", type=Path, required=True, metavar="DIR", help="the output of node_image.dependencies")
    add("--sources", type=Path, required=True, metavar="DIR", help="first-party code, from its import roots")
    add("--existing", nargs="*", default=[], metavar="NAME", help="every package that the repository has")
    add("--entry", required=True, metavar="MODULE:FUNCTION", help="what the image starts")
    add("--architecture", choices=ARCHITECTURES, required=True)
    add("--out", type=Path, required=True, metavar="DIR")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    options = _options(arguments)
    inputs = Inputs(
        manifest=options.manifest,
        base=options.base,
        base_facts=options.base_facts,
        manifests=options.manifests,
        dependencies=options.dependencies,
        sources=options.sources,
        existing=options.existing,
        entry_point=options.entry,
        architecture=options.architecture,
    )
    with tempfile.TemporaryDirectory(prefix="noderr-layers-") as folder:
        work = Path(folder)
        try:
            compiler = base_compiler(options.compiler_base, work / "interpreter")
            facts = make_layers(
                inputs,
                options.out,
                work,
                compiler,
            )
        except (NodeImageError, CanonicalError, ManifestError, BaseImageError, OSError) as error:
            print(f"node_image.layers: {error}", file=sys.stderr)
            return 1
    for layer in facts.layers:
        print(f"{layer.name:7} {layer.size / 1e6:8.1f} MB  {layer.diff_id}")
    if facts.first_party.missing:
        print(f"listed and not written yet: {', '.join(facts.first_party.missing)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
