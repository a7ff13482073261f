"""The composition root of an Oracle node: intelligence and consensus.

Its facts stand in `tier.toml` beside this file; `python -m tiers.oracle.node --help` says what it can do.
"""

from __future__ import annotations

import sys
from pathlib import Path

from noderr.core import run_tier


def main() -> int:
    """Run the command given on the command line (`serve` when there is none) and return the exit code."""
    here = Path(__file__)
    return run_tier(here.with_name("tier.toml"), here.parents[2] / "VERSION")


if __name__ == "__main__":
    sys.exit(main())
