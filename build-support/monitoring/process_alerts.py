"""Alerts about one process: does it run, and does it do its work?"""

from __future__ import annotations

from monitoring.alert import Alert, AlertGroup, backlog
from monitoring.fleet import Fleet

# Both answer 503 to tell the truth, and Prometheus asks for the third itself: none of them is work for a caller.
_PROBES = "/health|/ready|/metrics"
_WHERE = "job, instance, node"


def process_alerts(fleet: Fleet) -> tuple[AlertGroup, ...]:
    """Alerts that hold for nodes and services alike, except where they name the nodes."""
    return (_life(fleet), _work())


def _life(fleet: Fleet) -> AlertGroup:
    services = "|".join(service.name for service in fleet.services)
    return AlertGroup(
        "life",
        (
            Alert(
                name="NothingWatched",
                severity="critical",
                expression=f"absent(up{{{fleet.nodes}}})",
                hold="5m",
                summary="Prometheus watches no node at all",
                runbook=(
                    "No file of targets names a node, so no other alert about nodes can fire. Write "
                    "targets/<tier>.yml beside prometheus.yml as targets.example shows, and look at Status > "
                    "Targets in Prometheus."
                ),
            ),
            Alert(
                name="NodeDown",
                severity="critical",
                expression=f"up{{{fleet.nodes}}} == 0",
                hold="2m",
                summary="{{ $labels.job }} {{ $labels.node }} does not answer on {{ $labels.instance }}",
                runbook=(
                    "Run `docker ps --all` on its machine. Restarting: `docker logs` ends with the error and its "
                    "remedy. Running: `curl` its /health; no answer from another machine means the network or a "
                    "firewall. Gone: the machine went down, start it with `docker compose up -d`."
                ),
            ),
            Alert(
                name="OperatorServiceDown",
                severity="critical",
                expression=f'up{{job=~"{services}"}} == 0',
                hold="2m",
                summary="{{ $labels.job }} {{ $labels.node }} does not answer on {{ $labels.instance }}",
                runbook=(
                    "Nodes keep their telemetry until it is back, so nothing is lost before their spools are "
                    "full. Find out as for NodeDown, and look at its store first: it does not start without one."
                ),
            ),
            Alert(
                name="ProcessRestarting",
                severity="warning",
                expression="changes(process_start_time_seconds[30m]) > 2",
                hold="1m",
                summary="{{ $labels.job }} {{ $labels.node }} was started {{ $value }} times in half an hour",
                runbook=(
                    "A critical service ended the process, or the kernel did. `docker inspect` shows OOMKilled; "
                    "else the last line of each life in `docker logs` with level critical names the service and "
                    "the error."
                ),
            ),
            Alert(
                name="NodeNotReady",
                severity="warning",
                expression=f"noderr_node_ready{{{fleet.nodes}}} == 0",
                hold="15m",
                summary="{{ $labels.job }} {{ $labels.node }} runs and cannot do its work",
                runbook=(
                    "`curl` its /ready: the body names each thing that is missing (a package, a service, a peer) "
                    "and why. Mend that; a restart changes nothing."
                ),
            ),
            Alert(
                name="ServiceDown",
                severity="warning",
                expression="noderr_service_up == 0",
                hold="5m",
                summary="Service {{ $labels.service }} of {{ $labels.job }} {{ $labels.node }} does not run",
                runbook=(
                    "/api/v1/node of the process shows the service's last problem, and the log line "
                    "service_failed holds the traceback. An optional service is tried again by itself: mend what "
                    "it waits for."
                ),
            ),
            Alert(
                name="ServiceRestarting",
                severity="warning",
                expression="increase(noderr_service_restarts_total[15m]) > 3",
                hold="1m",
                summary="Service {{ $labels.service }} of {{ $labels.job }} {{ $labels.node }} fails again and again",
                runbook=(
                    "Look for service_failed in the log. A critical service that goes on like this ends the "
                    "process soon."
                ),
            ),
        ),
    )


def _work() -> AlertGroup:
    api = f'route!~"{_PROBES}"'
    return AlertGroup(
        "work",
        (
            Alert(
                name="EventLoopLate",
                severity="warning",
                expression="histogram_quantile(0.99, rate(noderr_event_loop_lag_seconds_bucket[5m])) > 0.1",
                hold="10m",
                summary="{{ $labels.job }} {{ $labels.node }} reacts {{ $value | humanizeDuration }} late",
                runbook=(
                    "Something blocks the process, or the machine has too little CPU. Compare process CPU with "
                    "the limit of the container: at the limit, give it more; below, find the work that blocks in "
                    "the log around that time."
                ),
            ),
            Alert(
                name="HttpErrors",
                severity="warning",
                expression=(
                    f'sum by ({_WHERE}) (rate(noderr_http_requests_total{{status=~"5..", {api}}}[5m]))'
                    f" / sum by ({_WHERE}) (rate(noderr_http_requests_total{{{api}}}[5m])) > 0.05"
                ),
                hold="10m",
                summary="{{ $value | humanizePercentage }} of requests to {{ $labels.job }} {{ $labels.node }} fail",
                runbook=(
                    "The dashboard shows which route. Each failure has a traceback in the log under the request "
                    "id that the caller got in x-request-id."
                ),
            ),
            Alert(
                name="HttpSlow",
                severity="warning",
                expression=(
                    f"histogram_quantile(0.99, sum by ({_WHERE}, route, le)"
                    f" (rate(noderr_http_request_duration_seconds_bucket{{{api}}}[5m]))) > 1"
                ),
                hold="10m",
                summary=(
                    "{{ $labels.route }} of {{ $labels.job }} {{ $labels.node }} takes {{ $value | "
                    "humanizeDuration }}"
                ),
                runbook=(
                    "If EventLoopLate fires too, start there. Else the route waits for something: its peers or "
                    "its store."
                ),
            ),
            Alert(
                name="BusDropping",
                severity="warning",
                expression="increase(noderr_bus_dropped_total[10m]) > 0",
                hold="1m",
                summary=(
                    "{{ $labels.subscriber }} of {{ $labels.job }} {{ $labels.node }} is too slow for {{ "
                    "$labels.topic }}"
                ),
                runbook=(
                    "That subscriber missed events. If EventLoopLate fires too, start there. Else report it with "
                    "the log of these minutes: its queue is too small or its work too slow."
                ),
            ),
            Alert(
                name="BusHandlerFailing",
                severity="warning",
                expression="increase(noderr_bus_failed_total[10m]) > 0",
                hold="1m",
                summary=(
                    "{{ $labels.subscriber }} of {{ $labels.job }} {{ $labels.node }} fails on {{ $labels.topic }}"
                ),
                runbook=(
                    "The log line event_handler_failed holds the traceback. The event is lost to this subscriber; the "
                    "others got it. It is a fault of the code: report it with that line."
                ),
            ),
            Alert(
                name="BusQueueGrowing",
                severity="warning",
                expression=backlog("noderr_bus_queue_events"),
                hold="5m",
                summary=(
                    "{{ $labels.subscriber }} of {{ $labels.job }} {{ $labels.node }} falls behind on {{ "
                    "$labels.topic }}"
                ),
                runbook=(
                    "The queue has not been empty for ten minutes and grows; events are dropped when it is full. "
                    "As for BusDropping."
                ),
            ),
        ),
    )
