"""How much of the machine's memory a process holds."""

from __future__ import annotations

import os
from pathlib import Path


def resident_memory_bytes(process: int | str = "self") -> int:
    """Resident memory of the process with this id now. Raises `OSError` when there is none."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
