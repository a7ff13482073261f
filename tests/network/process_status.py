"""What the kernel says of a process's memory."""

from __future__ import annotations


def memory_in(status: str) -> tuple[int, int]:
    """Resident memory now and at its peak, in bytes, from the text of `/proc/PID/status`; zeros for a dead process."""
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    now, peak = (int(fields[name].split()[0]) * 1024 if name in fields else 0 for name in ("VmRSS", "VmHWM"))
    return now, peak
