"""The coordinator's program: `python -m noderr.coordinator --help` says what it can do."""

from __future__ import annotations

import sys
from pathlib import Path

from noderr.core.version import read_version
from noderr.types import load_service_manifest

_HERE = Path(__file__).parent
# The import root is `packages` in a checkout; an image has the file there.
_VERSION_FILES = (_HERE.parents[1] / "VERSION", _HERE.parents[2] / "VERSION")


def main() -> int:
    """Say what this is and that it serves nothing."""
    manifest = load_service_manifest(_HERE / "service.toml")
    version = read_version(next((path for path in _VERSION_FILES if path.is_file()), _VERSION_FILES[0]))
    print(f"{manifest.name} {version}: this build serves nothing", file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
