"""Makes the two layers of third-party distributions: `python -m node_image.dependencies --help`.

They change with the lock and not with our code, so they are made apart from the image's other layers and kept: after an
edit of a source file nothing here runs again. The output folder gets `shared.tar`, `own.tar` and `dependencies.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from base_image.errors import BaseImageError
from base_image.files import write_tree
from canonical import CanonicalError, json_text, read_tar, write_tar
from node_image.distributions import check_owners, check_shared, read_distributions
from node_image.errors import NodeImageError
from node_image.stage import Compiler, base_compiler, stage_distributions, staged_entries
from node_image.trim import wanted_files

FILE_NAME = "dependencies.json"


@dataclass(frozen=True)
class Dependencies:
    """Versions of the distributions, by name: those in the shared layer, and those that only this image has."""

    shared: Mapping[str, str]
    own: Mapping[str, str]

    @property
    def distributions(self) -> dict[str, str]:
        """All of them."""
        return {**self.shared, **self.own}


def make_dependencies(shared: Path, everything: Path, out: Path, work: Path, compile_tree: Compiler) -> Dependencies:
    """Make both layers into `out`. `shared` and `everything` are flat installations from one lock.

    Raises `NodeImageError` and `CanonicalError`.
    """
    every, common = read_distributions(everything), {one.name: one.version for one in read_distributions(shared)}
    check_owners(every)
    shared_files, all_files = wanted_files(shared), wanted_files(everything)
    check_shared(shared, everything, shared_files)
    found = Dependencies(common, {one.name: one.version for one in every if one.name not in common})
    own_files = sorted(set(all_files) - set(shared_files))
    out.mkdir(parents=True, exist_ok=True)
    # The two are compiled apart, so that the shared layer's bytes cannot depend on what an image has beside it.
    for name, tree, files, versions in (
        ("shared", shared, shared_files, found.shared),
        ("own", everything, own_files, found.own),
    ):
        stage_distributions(work / name, tree, files, versions, name=name, compile_tree=compile_tree)
        with (out / f"{name}.tar").open("wb") as handle:
            write_tar(staged_entries(work / name), handle)
    (out / FILE_NAME).write_text(json_text(asdict(found)), encoding="utf-8")
    return found


def unpack_dependencies(folder: Path, work: Path) -> Dependencies:
    """Lay out the layers of `folder` as `work/shared` and `work/own`, and say what they hold."""
    for name in ("shared", "own"):
        with (folder / f"{name}.tar").open("rb") as handle:
            write_tree(read_tar(handle), work / name)
    return Dependencies(**json.loads((folder / FILE_NAME).read_text(encoding="utf-8")))


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="node_image.dependencies", description=__doc__)
    add = parser.add_argument
    add("--compiler-base", type=Path, required=True, metavar="TAR", help="a root file system that this machine can run")
    add("--shared", type=Path, required=True, metavar="DIR", help="distributions that every image needs, flat")
    add("--all", type=Path, required=True, metavar="DIR", help="distributions that this image needs, flat")
    add("--out", type=Path, required=True, metavar="DIR")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="noderr-dependencies-") as folder:
        work = Path(folder)
        try:
            compiler = base_compiler(options.compiler_base, work / "interpreter")
            make_dependencies(
                options.shared,
                options.all,
                options.out,
                work,
                compiler,
            )
        except (NodeImageError, CanonicalError, BaseImageError, OSError) as error:
            print(f"node_image.dependencies: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
