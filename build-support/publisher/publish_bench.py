"""How long a publish to a directory takes: `python -m publisher.publish_bench [MEGABYTES]`.

The payload cannot be compressed, which is the worst case for the bytes to be written, hashed and synced.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console

from publisher.archive import load_archive
from publisher.directory_store import DirectoryStore
from publisher.example_archive import write_archive
from publisher.image import read_image
from publisher.publish import Publisher
from publisher.release import Build, releases
from publisher.store import no_progress
from publisher.ui import PlainUi


def main() -> int:
    """Print the seconds of each part."""
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    with tempfile.TemporaryDirectory(prefix="noderr-publish-bench-") as name, Path("/dev/null").open("w") as nowhere:
        folder = Path(name)
        path = write_archive(folder / "archives", "0.1.0", payload=random.Random(1).randbytes(size << 20))  # noqa: S311
        started = time.perf_counter()
        archive = load_archive(path)
        (release,) = releases([Build(archive, read_image(archive, folder, no_progress))])
        checked = time.perf_counter()
        publisher = Publisher(DirectoryStore(folder / "release"), PlainUi(Console(file=nowhere)))
        publisher.publish(release)
        published = time.perf_counter()
        publisher.publish(release)
        again = time.perf_counter()
    print(f"{size} MiB archive: check and compress {checked - started:.2f} s")
    print(f"publish {published - checked:.2f} s, publish again {again - published:.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
