"""Alerts about what a process needs of its machine: memory, processors, files, room on the data volume."""

from __future__ import annotations

from collections.abc import Callable

from monitoring.alert import Alert, AlertGroup
from monitoring.fleet import Fleet, memory_limit
from noderr.types import ImageManifest


def machine_alerts(fleet: Fleet) -> AlertGroup:
    """For nodes and services alike, each against the limits of its own manifest."""
    memory = _any_above(fleet, "process_resident_memory_bytes{{{job}}}", lambda one: f"0.9 * {memory_limit(one)}")
    cpu = _any_above(fleet, "rate(process_cpu_seconds_total{{{job}}}[10m])", lambda one: f"0.9 * {one.cpu_cores.max}")
    return AlertGroup(
        "machine",
        (
            Alert(
                name="MemoryHigh",
                severity="warning",
                expression=memory,
                hold="10m",
                summary=(
                    "{{ $labels.job }} {{ $labels.node }} holds {{ $value | humanize1024 }}B, near the limit of "
                    "its manifest"
                ),
                runbook=(
                    "At the limit the kernel ends the process. A step up at one moment: look at what was new "
                    "then. A steady slope over days is a leak: restart it in a quiet hour, and report it with the"
                    " graph."
                ),
            ),
            Alert(
                name="CpuHigh",
                severity="warning",
                expression=cpu,
                hold="15m",
                summary=(
                    "{{ $labels.job }} {{ $labels.node }} uses {{ $value | humanize }} cores, nearly all that its "
                    "manifest gives it"
                ),
                runbook=(
                    "At the limit the container is held back. Look at HTTP and peer rates for a caller that asks "
                    "too much; if the work is rightful, the machine is too small for this tier."
                ),
            ),
            Alert(
                name="FileDescriptorsHigh",
                severity="warning",
                expression="process_open_fds / process_max_fds > 0.8",
                hold="10m",
                summary=(
                    "{{ $labels.job }} {{ $labels.node }} has {{ $value | humanizePercentage }} of its file "
                    "descriptors open"
                ),
                runbook=(
                    "At the limit it can accept no connection and write no file. Count its connections with `ss "
                    "-tnp`: many from one address are a caller to stop; else raise the container's nofile limit."
                ),
            ),
            Alert(
                name="DataVolumeFull",
                severity="critical",
                expression="noderr_data_free_bytes / noderr_data_size_bytes < 0.1",
                hold="5m",
                summary=(
                    "{{ $labels.job }} {{ $labels.node }} has {{ $value | humanizePercentage }} of its data "
                    "volume left"
                ),
                runbook=(
                    "A full volume stops everything that must be on disk before it is said. Make room on the file"
                    " system of the data volume (other containers' logs and images first); never delete files of "
                    "the node's own."
                ),
            ),
            Alert(
                name="DataVolumeFilling",
                severity="warning",
                expression=(
                    "predict_linear(noderr_data_free_bytes[6h], 86400) < 0"
                    " and noderr_data_free_bytes / noderr_data_size_bytes < 0.5"
                ),
                hold="30m",
                summary="The data volume of {{ $labels.job }} {{ $labels.node }} will be full within a day",
                runbook=(
                    "See what grows with `du` on that file system. The spool of telemetry is bounded; if the "
                    "coordinator is unreachable, mend that first."
                ),
            ),
        ),
    )


def _any_above(fleet: Fleet, measured: str, limit: Callable[[ImageManifest], str]) -> str:
    """An expression with one comparison a job, because each manifest has its own limit."""
    return " or ".join(f"{measured.format(job=f'job="{one.name}"')} > {limit(one)}" for one in fleet)
