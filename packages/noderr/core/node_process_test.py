"""The node as its operator meets it: a real process, asked over HTTP and gRPC, told by signals."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from noderr.core.identity import load_identity
from noderr.core.peers.credentials import NodeCredentials, blocking_channel
from noderr.core.testing import manifest_text
from noderr.core.testing_process import Node, Tier
from noderr.utils import SystemClock


@pytest.fixture
def tier(tmp_path: Path) -> Iterator[Tier]:
    tier = Tier(tmp_path)
    yield tier
    tier.end_all()


def test_node_serves_http_and_grpc_and_stops_with_zero(tier: Tier) -> None:
    node = tier.serve()
    assert httpx.get(f"{node.url}/health").status_code == 200
    ready = httpx.get(f"{node.url}/ready")
    assert ready.status_code == 503
    assert ready.json()["missing"] == [{"kind": "package", "name": "attestation-mvs", "reason": "not in this build"}]
    body = httpx.get(f"{node.url}/api/v1/node").json()
    assert (body["tier"], body["tier_number"], body["version"]) == ("guardian", 2, "1.2.3")
    assert body["packages"] == {"present": ["telemetry", "core", "types", "utils"], "missing": ["attestation-mvs"]}
    assert [service["name"] for service in body["services"]] == [
        "event-loop",
        "event-bus",
        "http",
        "grpc",
        "peers",
        "telemetry",
    ]
    credentials = NodeCredentials(load_identity(tier.directory / "data"), SystemClock())
    with blocking_channel(credentials, credentials.identity.public_key, f"127.0.0.1:{node.grpc}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=5)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING
    paths = httpx.get(f"{node.url}/api/v1/openapi.json").json()["paths"]
    assert {"/api/v1/node", "/slow"} <= set(paths)
    assert 'noderr_service_up{service="grpc"} 1.0' in httpx.get(f"{node.url}/metrics").text
    node.process.send_signal(signal.SIGTERM)
    assert node.end() == 0
    assert node.stderr == ""
    assert {line["version"] for line in node.lines} == {"1.2.3"}


def test_identity_survives_a_restart(tier: Tier) -> None:
    identities = []
    for _ in range(2):
        node = tier.serve()
        identities.append(httpx.get(f"{node.url}/api/v1/node").json()["identity"])
        node.process.send_signal(signal.SIGINT)
        assert node.end() == 0
    assert identities[0] == identities[1]
    assert {"node.key", "data.json", "lock"} <= {path.name for path in (tier.directory / "data").iterdir()}


def test_sigterm_waits_for_an_open_request_and_drains_within_10_s(tier: Tier) -> None:
    node = tier.serve()
    answers: list[str] = []
    asking = threading.Thread(target=lambda: answers.append(httpx.get(f"{node.url}/slow?seconds=1", timeout=20).text))
    asking.start()
    _wait_for_connection(node)
    began = time.monotonic()
    node.process.send_signal(signal.SIGTERM)
    assert node.end() == 0
    assert time.monotonic() - began < 10
    asking.join(5)
    assert answers == ["done"]


def test_request_without_end_cannot_hold_up_the_stop(tier: Tier) -> None:
    node = tier.serve(NODEOS_DRAIN_SECONDS="0.3")
    with socket.create_connection(("127.0.0.1", node.http), timeout=5) as client:
        client.sendall(b"GET /slow?seconds=3600 HTTP/1.1\r\nhost: node\r\n\r\n")
        _wait_for_connection(node)
        began = time.monotonic()
        node.process.send_signal(signal.SIGTERM)
        assert node.end() == 0
        assert time.monotonic() - began < 3
    (late,) = (line for line in node.lines if line["event"] == "drain_incomplete")
    assert late["cancelled"] == ["http"]


def test_hard_limit_ends_even_a_process_with_a_stuck_thread(tier: Tier) -> None:
    node = tier.serve(PARTS="critical", STICK="1", NODEOS_DRAIN_SECONDS="0.2")
    node.wait_for("service_running", service="consensus")
    time.sleep(0.4)  # Its thread begins to stick 0.3 s into its life.
    began = time.monotonic()
    node.process.send_signal(signal.SIGTERM)
    assert node.end() != 0
    assert time.monotonic() - began < 4
    assert "stick" in node.stderr


def test_dead_critical_service_exits_non_zero_and_says_which(tier: Tier) -> None:
    ended = tier.run(PARTS="stillborn")
    assert ended.returncode == 1
    assert ended.stderr == "critical service consensus is dead: no peer\n"
    last = json.loads(ended.stdout.splitlines()[-1])
    assert (last["event"], last["level"]) == ("node_died", "critical")


def test_critical_service_that_returns_early_has_failed_and_is_restarted(tier: Tier) -> None:
    node = tier.serve(PARTS="critical")
    assert "returned early" in node.wait_for("service_failed", service="consensus")["exception"]
    assert node.wait_for("service_restarting", service="consensus")["delay_seconds"] == 0.5
    assert 'noderr_service_restarts_total{service="consensus"}' in httpx.get(f"{node.url}/metrics").text


def test_optional_service_failure_leaves_health_200_and_ready_503(tier: Tier) -> None:
    node = tier.serve(PARTS="optional")
    node.wait_for("service_restarting", service="peer")
    assert httpx.get(f"{node.url}/health").status_code == 200
    ready = httpx.get(f"{node.url}/ready")
    assert ready.status_code == 503
    assert {"kind": "service", "name": "peer", "reason": "no peer"} in ready.json()["missing"]


@pytest.mark.parametrize("server", ["HTTP", "GRPC"])
def test_port_in_use_exits_non_zero_and_names_port_and_remedy(tier: Tier, server: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = tier.run(**{f"NODEOS_{server}_PORT": str(port)})
    assert ended.returncode == 1
    assert f"TCP port {port} on 127.0.0.1 is in use by another process: stop it, or set NODEOS_{server}" in ended.stderr
    assert [json.loads(line) for line in ended.stdout.splitlines()][-1]["event"] == "node_died"


def test_sigterm_before_the_node_serves_ends_it_at_once(tier: Tier) -> None:
    # As PID 1 of a container a process without a handler would not even notice.
    command = [sys.executable, str(tier.directory / "main.py")]
    process = subprocess.Popen(command, env=tier.environ(PARTS="early"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert b"listening" not in out


def test_wrong_settings_exit_2_with_all_problems(tier: Tier) -> None:
    ended = tier.run(NODEOS_LOG_LEVEL="loud", NODEOS_DRAIN_SECONDS="x", NODEOS_NOPE="1")
    assert ended.returncode == 2
    assert "settings: 3 problem(s)" in ended.stderr
    assert ended.stdout == ""


def test_health_command_follows_the_node(tier: Tier) -> None:
    node = tier.serve()
    healthy = tier.run("health", NODEOS_HTTP_PORT=str(node.http))
    assert (healthy.returncode, healthy.stdout, healthy.stderr) == (0, "", "")
    node.process.send_signal(signal.SIGTERM)
    node.end()
    dead = tier.run("health", NODEOS_HTTP_PORT=str(node.http))
    assert dead.returncode == 1
    assert "does not answer" in dead.stderr


def test_health_command_loads_the_standard_library_only(tier: Tier) -> None:
    script = "import runpy, sys; sys.argv = ['main', 'health']\ntry:\n runpy.run_path(r'{}')\nexcept SystemExit: pass\n"
    lean = (tier.directory / "main.py").read_text().split("here =")[1]
    (tier.directory / "lean.py").write_text(
        f"import sys\nfrom pathlib import Path\nfrom noderr.core import run_tier\nhere ={lean}".replace(
            ", make_parts=parts", ""
        )
    )
    code = script.format(tier.directory / "lean.py") + "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    ended = subprocess.run(
        [sys.executable, "-S", "-c", code], env=tier.environ(), capture_output=True, text=True, timeout=30, check=True
    )
    foreign = set(ended.stdout.split()) - set(sys.stdlib_module_names) - {"noderr", "__main__", "__mp_main__"}
    assert foreign == set()


def test_other_commands(tier: Tier) -> None:
    assert tier.run("version").stdout == "guardian 1.2.3\n"
    assert "#NODEOS_HTTP_PORT=3003" in tier.run("settings").stdout
    usage = tier.run("--help")
    assert usage.returncode == 0
    assert all(command in usage.stdout for command in ("serve", "check", "health", "settings", "version"))
    assert tier.run("dance").returncode == 2


def test_check_command_prints_findings_with_remedies(tier: Tier) -> None:
    fine = tier.run("check")
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert "This node can be started." in fine.stdout
    with socket.create_server(("127.0.0.1", 0)) as taken:
        failing = tier.run("check", "--json", NODEOS_HTTP_PORT=str(taken.getsockname()[1]))
    assert failing.returncode == 1
    [problem] = [check for check in json.loads(failing.stdout)["checks"] if check["outcome"] == "failed"]
    assert (problem["name"], problem["remedy"]) == ("HTTP port", "free the port, or set NODEOS_HTTP_PORT")


def test_broken_version_and_manifest_exit_2(tier: Tier) -> None:
    (tier.directory / "VERSION").write_text("latest")
    version = tier.run("version")
    assert version.returncode == 2
    assert "is no semantic version" in version.stderr
    (tier.directory / "tier.toml").write_text(manifest_text("risk-engine") + "\ncolour = 1")
    manifest = tier.run("version")
    assert manifest.returncode == 2
    assert "unknown key" in manifest.stderr


def _wait_for_connection(node: Node) -> None:
    """Until the node has taken the open request: its metrics then answer after it in the same loop."""
    for _ in range(3):
        httpx.get(f"{node.url}/health")
        time.sleep(0.05)
