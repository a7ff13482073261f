"""What a soak found: figures, and which promises were not kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

GROWTH_LIMIT_BYTES = 10_000_000
_DESCRIPTORS_SLACK = 2
"""Libraries open one or two of their own when they are first needed."""


@dataclass
class Report:
    """Sizes in bytes, latencies in milliseconds. Resident memory is after each tenth of the requests."""

    requests: int
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, int] = field(default_factory=dict)
    latency_ms: dict[str, dict[str, float]] = field(default_factory=dict)
    resident_bytes: list[int] = field(default_factory=list)
    descriptors_before: int = 0
    descriptors_after: int = 0
    bad_connections: dict[str, int] = field(default_factory=dict)
    cut: dict[str, float] = field(default_factory=dict)
    alive: bool = False
    serves_grpc: bool = False
    exit_code: int | None = None

    @property
    def growth_bytes(self) -> int:
        return self.resident_bytes[-1] - self.resident_bytes[0] if self.resident_bytes else 0

    def failures(self) -> list[str]:
        """What must not be, in words; empty when all is well."""
        checks = {
            f"wrong answers: {self.wrong}": not self.wrong,
            f"{sum(self.statuses.values())} answers to {self.requests} requests": (
                sum(self.statuses.values()) == self.requests
            ),
            f"memory grew by {self.growth_bytes / 1e6:.1f} MB after the first tenth": (
                self.growth_bytes < GROWTH_LIMIT_BYTES
            ),
            f"{self.descriptors_after} descriptors are open, and {self.descriptors_before} were before": (
                self.descriptors_after <= self.descriptors_before + _DESCRIPTORS_SLACK
            ),
            "memory was not measured": bool(self.resident_bytes),
            "the node is not alive by its own /health": self.alive,
            "the gRPC port does not serve": self.serves_grpc,
            f"the node ended with exit code {self.exit_code}": self.exit_code == 0,
        }
        return [failure for failure, kept in checks.items() if not kept]

    def document(self) -> dict[str, Any]:
        return asdict(self) | {"growth_bytes": self.growth_bytes, "failures": self.failures()}

    def lines(self) -> list[str]:
        """For people."""
        memory = " ".join(f"{size / 1e6:.1f}" for size in self.resident_bytes)
        return [
            f"{self.requests} requests in {self.seconds:.1f} s, {self.requests / self.seconds:.0f} a second",
            *(f"  {key:<20} {count:>9}" for key, count in sorted(self.statuses.items())),
            f"wrong answers: {sum(self.wrong.values())}",
            *(
                f"  {found['p50']:7.2f} ms p50 {found['p99']:8.2f} ms p99  {path}"
                for path, found in self.latency_ms.items()
            ),
            f"resident memory in MB, by tenths: {memory}; growth {self.growth_bytes / 1e6:.1f}",
            f"descriptors: {self.descriptors_before} before, {self.descriptors_after} after",
            f"bad clients: {_counts(self.bad_connections)}",
            f"cut by the server: {_counts(self.cut)}",
            *(f"FAILED: {failure}" for failure in self.failures()),
        ]


def quantiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """The middle one and the 99th of a hundred."""
    if not seconds:
        return {"p50": 0.0, "p99": 0.0}
    ordered = sorted(seconds)
    return {name: 1000 * ordered[int(part * (len(ordered) - 1))] for name, part in (("p50", 0.5), ("p99", 0.99))}


def _counts(counts: dict[str, int] | dict[str, float]) -> str:
    return ", ".join(f"{name} {count:.0f}" for name, count in sorted(counts.items()))
