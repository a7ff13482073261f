"""Rows of the node's dashboard about one process: does it run, does it turn, has it what it needs of the machine?"""

from __future__ import annotations

from monitoring.dashboard import Panel, Query, Row
from monitoring.fleet import Fleet, memory_limit
from monitoring.node_queries import HERE, here, quantile, rate


def state_row() -> Row:
    return Row(
        "State",
        (
            Panel("Answers", "The last scrape worked.", (here("up", "{{node}}"),), kind="stat", width=6, yes_no=True),
            Panel(
                "Ready",
                "/ready answers 200: it can do all of its tier's work.",
                (here("noderr_node_ready", "{{node}}"),),
                kind="stat",
                width=6,
                yes_no=True,
            ),
            Panel(
                "Version",
                "What runs.",
                (here("noderr_build_info", "{{node}} {{version}}"),),
                kind="stat",
                width=6,
            ),
            Panel(
                "Up for",
                "Time since the process started.",
                (Query(f"time() - process_start_time_seconds{{{HERE}}}", "{{node}}"),),
                "s",
                kind="stat",
                width=6,
            ),
            Panel(
                "Services",
                "Each service of the process: does it run?",
                (here("noderr_service_up", "{{node}} {{service}}"),),
                kind="state-timeline",
                width=16,
                height=9,
                yes_no=True,
            ),
            Panel(
                "Restarts of services",
                "In the last 15 minutes.",
                (Query(f"increase(noderr_service_restarts_total{{{HERE}}}[15m]) > 0", "{{node}} {{service}}"),),
                height=9,
            ),
        ),
    )


def work_row() -> Row:
    return Row(
        "Work",
        (
            Panel(
                "Event loop late by",
                "How late the loop wakes a task: half of the times, and 99 of 100.",
                (
                    quantile(0.5, "noderr_event_loop_lag_seconds", "{{node}} p50"),
                    quantile(0.99, "noderr_event_loop_lag_seconds", "{{node}} p99"),
                ),
                "s",
            ),
            Panel(
                "HTTP requests",
                "Answers by route and status.",
                (rate("noderr_http_requests_total", "node, route, status", "{{node}} {{route}} {{status}}"),),
                "reqps",
            ),
            Panel(
                "HTTP time, p99",
                "From a request's head to the end of its answer.",
                (quantile(0.99, "noderr_http_request_duration_seconds", "{{node}} {{method}} {{route}}"),),
                "s",
            ),
            Panel(
                "Connections cut",
                "Clients that were slow, asked too much or did not read.",
                (
                    rate(
                        "noderr_http_connections_cut_total", "node, service, reason", "{{node}} {{service}} {{reason}}"
                    ),
                ),
                "cps",
                width=24,
            ),
        ),
    )


def bus_row() -> Row:
    by_subscriber = "node, topic, subscriber"
    return Row(
        "Bus",
        (
            Panel(
                "Events published",
                "By topic.",
                (rate("noderr_bus_published_total", "node, topic", "{{node}} {{topic}}"),),
                "eps",
            ),
            Panel(
                "Waiting for subscribers",
                "Events in the queue of each subscriber.",
                (here("noderr_bus_queue_events", "{{node}} {{topic}} → {{subscriber}}"),),
            ),
            Panel(
                "Events lost",
                "Those that a slow subscriber never got, and those on which its handler failed.",
                (
                    rate("noderr_bus_dropped_total", by_subscriber, "{{node}} {{topic}} → {{subscriber}} dropped"),
                    rate("noderr_bus_failed_total", by_subscriber, "{{node}} {{topic}} → {{subscriber}} failed"),
                ),
                "eps",
            ),
        ),
    )


def machine_row(fleet: Fleet) -> Row:
    return Row(
        "Machine",
        (
            Panel(
                "Memory",
                "Resident memory, and the limit of the manifest.",
                (
                    here("process_resident_memory_bytes", "{{node}}"),
                    _limit(fleet, {one.name: memory_limit(one) for one in fleet}),
                ),
                "decbytes",
            ),
            Panel(
                "CPU",
                "Cores in use, and the limit of the manifest.",
                (
                    rate("process_cpu_seconds_total", "node", "{{node}}"),
                    _limit(fleet, {one.name: str(one.cpu_cores.max) for one in fleet}),
                ),
            ),
            Panel(
                "Data volume",
                "Free space, and the size of its file system.",
                (here("noderr_data_free_bytes", "{{node}} free"), here("noderr_data_size_bytes", "{{node}} size")),
                "decbytes",
            ),
            Panel(
                "File descriptors",
                "Open ones, and the limit.",
                (here("process_open_fds", "{{node}}"), here("process_max_fds", "{{node}} limit")),
            ),
            Panel(
                "Virtual memory",
                "Address space in use; only its growth says something.",
                (here("process_virtual_memory_bytes", "{{node}}"),),
                "decbytes",
            ),
        ),
    )


def _limit(fleet: Fleet, limits: dict[str, str]) -> Query:
    """The limit of each job that is shown, as a line of its own."""
    lines = (f'max by (job) (up{{{HERE}, job="{job}"}}) * 0 + {limits[job]}' for job in fleet.jobs)
    return Query(" or ".join(lines), "{{job}} limit")
