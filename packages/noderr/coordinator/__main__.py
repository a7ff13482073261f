"""The coordinator's program: `python -m noderr.coordinator --help` says what it can do."""

from __future__ import annotations

import sys
from pathlib import Path

from noderr.coordinator.command import run_coordinator

_HERE = Path(__file__).parent
# The import root is `packages` in a checkout; an image has the file there.
_VERSION_FILES = (_HERE.parents[1] / "VERSION", _HERE.parents[2] / "VERSION")


def main() -> int:
    """Run the command given on the command line (`serve` when there is none) and return the exit code."""
    version_file = next((path for path in _VERSION_FILES if path.is_file()), _VERSION_FILES[0])
    return run_coordinator(_HERE / "service.toml", version_file)


if __name__ == "__main__":
    sys.exit(main())
