"""How long a build takes: cold, after one source edit, and with nothing to do.

    python3 tests/build/build_bench.py [--target tiers/oracle:archive] [--runs 5]

Works in a clone of HEAD with a Pants store of its own, so that "cold" has no cached process. What the launcher keeps in
~/.cache/nodeos (interpreters, Pants, derived locks) stays warm unless `--bare` gives it an empty one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EDITED = "packages/noderr/core/__init__.py"


def main() -> int:
    """Print one line a measurement: name, median and range of wall seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", default="tiers/oracle:archive", help="what to build (default %(default)s)")
    parser.add_argument("--runs", type=int, default=5, help="of the warm measurements (default %(default)s)")
    parser.add_argument("--bare", action="store_true", help="with an empty launcher cache too: a new machine")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="nodeos-bench-") as scratch:
        clone = Path(scratch, "nodeos")
        subprocess.run(["git", "clone", "-q", str(ROOT), str(clone)], check=True)
        environment = {
            **os.environ,
            "PANTS_LOCAL_STORE_DIR": f"{scratch}/store",
            "PANTS_NAMED_CACHES_DIR": f"{scratch}/named",
        }
        if options.bare:
            environment["NODEOS_CACHE"] = f"{scratch}/launcher"
        try:
            _report("cold" + (", bare machine" if options.bare else ""), [_build(clone, options.target, environment)])
            _report("no-op", [_build(clone, options.target, environment) for _ in range(options.runs)])
            edits = []
            for number in range(options.runs):
                source = clone / EDITED
                source.write_text(f"{source.read_text(encoding='utf-8')}\n# edit {number}\n", encoding="utf-8")
                edits.append(_build(clone, options.target, environment))
            _report("one source edit", edits)
        finally:
            _stop_pantsd(clone)
    return 0


def _build(clone: Path, target: str, environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(["./pants", "package", target], cwd=clone, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def _report(name: str, seconds: list[float]) -> None:
    spread = f"({min(seconds):.1f}–{max(seconds):.1f}, {len(seconds)} runs)" if len(seconds) > 1 else ""
    print(f"{name:22} {statistics.median(seconds):7.1f} s {spread}", flush=True)


def _stop_pantsd(clone: Path) -> None:
    for pid in (clone / ".pids").glob("*/pantsd/pid"):
        subprocess.run(["kill", pid.read_text(encoding="ascii").strip()], check=False)


if __name__ == "__main__":
    sys.exit(main())
