"""Measures an image: `python -m node_image.image_bench --layers dist/tiers.oracle/layers`.

Always: what each layer weighs compressed, and how long the archive takes. With `--image TAG` and an engine: the same
for `docker save | gzip`. With `--slim-root` and `--installed`: what the app weighs when it is pip-installed on a slim
base; README.md says how to make one, since the tests of this project pull no image.
"""

from __future__ import annotations

import argparse
import io
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from canonical import compress, read_tar
from node_image.archive import assemble
from node_image.description import LAYER_NAMES
from node_image.facts import layer_path
from node_image.release import Release

_RUNS = 3


def timed(action: Callable[[], int]) -> tuple[float, int]:
    """The median of the seconds that `action` takes, and the bytes that it says it wrote."""
    seconds, written = [], 0
    for _ in range(_RUNS):
        started = time.perf_counter()
        written = action()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), written


def measure_layers(layers: Path) -> Iterable[str]:
    """One line a layer: plain and compressed size, and the number of files."""
    for name in LAYER_NAMES:
        with layer_path(layers, name).open("rb") as source:
            done = compress(source, io.BytesIO(), threads=2)
            source.seek(0)
            files = sum(entry.kind == "file" for entry in read_tar(source))
        yield f"layer {name:7} {done.plain_bytes / 1e6:7.1f} MB, {done.gzip_bytes / 1e6:6.2f} MB gzip, {files} files"


def measure_archive(layers: Path) -> str:
    """How long the assembler takes, from layers to the three files."""

    def run() -> int:
        with tempfile.TemporaryDirectory() as out:
            written = assemble(layers, Release("0.0.0", "bench", 0), {"pants": "none", "pex": "none"}, Path(out))
            return written.archive.stat().st_size

    seconds, size = timed(run)
    return f"assembled archive        {size / 1e6:6.1f} MB in {seconds:5.2f} s"


def measure_save(image: str, level: int) -> str:
    """How long the engine and gzip take for the same image."""

    def run() -> int:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder, "saved.tar.gz")
            with (
                target.open("wb") as out,
                subprocess.Popen(["docker", "save", image], stdout=subprocess.PIPE) as save,
                subprocess.Popen(["gzip", f"-{level}n"], stdin=save.stdout, stdout=out) as pack,
            ):
                if save.wait() or pack.wait():
                    raise SystemExit(f"docker save {image} | gzip failed")
            return target.stat().st_size

    seconds, size = timed(run)
    return f"docker save | gzip -{level}    {size / 1e6:6.1f} MB in {seconds:5.2f} s"


def measure_slim(root: Path, installed: Path) -> str:
    """What a slim base and a plain installation weigh together, as one gzip -9 tar."""
    folders = [argument for folder in (root, installed) for argument in ("-C", str(folder), ".")]
    with (
        subprocess.Popen(["tar", "--create", "--one-file-system", *folders], stdout=subprocess.PIPE) as tar,
        subprocess.Popen(["gzip", "-9n"], stdin=tar.stdout, stdout=subprocess.PIPE) as pack,
    ):
        out = pack.stdout
        assert out is not None
        size = sum(len(piece) for piece in iter(lambda: out.read(1 << 20), b""))
    return f"slim base, pip-installed {size / 1e6:6.1f} MB gzip -9"


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="node_image.image_bench", description=__doc__)
    parser.add_argument("--layers", type=Path, required=True, metavar="DIR", help="what node_image.layers wrote")
    parser.add_argument("--image", metavar="TAG", help="the same image in an engine")
    parser.add_argument("--slim-root", type=Path, metavar="DIR", help="an unpacked slim base with Python")
    parser.add_argument("--installed", type=Path, metavar="DIR", help="the app's distributions, as pip installs them")
    options = parser.parse_args(arguments)
    for line in measure_layers(options.layers):
        print(line)
    print(measure_archive(options.layers))
    if options.image:
        for level in (6, 9):
            print(measure_save(options.image, level))
    if options.slim_root and options.installed:
        print(measure_slim(options.slim_root, options.installed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
