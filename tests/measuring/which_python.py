"""Tells, as JSON, which Python runs this, which runs what it starts, and which modules of packages both have."""

from __future__ import annotations

import json
import platform
import subprocess
import sys

import coincurve

_CHILD = "import coincurve, platform; print(platform.python_version(), coincurve.__file__)"


def main() -> None:
    """Print it."""
    child = subprocess.run([sys.executable, "-c", _CHILD], capture_output=True, text=True, check=True)
    told = {"here": [platform.python_version(), coincurve.__file__], "child": child.stdout.split()}
    print(json.dumps(told | {"arguments": sys.argv[1:]}))


if __name__ == "__main__":
    main()
