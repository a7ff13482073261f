"""A real node, and a real Prometheus that watches it with what is generated."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from monitoring.documents import GENERATED
from monitoring.testing import need
from tests.monitoring.programs import Running, running

_INTERVAL = "250ms"


@pytest.fixture(scope="session")
def start_node(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], AbstractContextManager[Running]]:
    """Starts a guardian on free ports, from the checkout."""

    def start() -> AbstractContextManager[Running]:
        folder = tmp_path_factory.mktemp("node")
        ours = {name: value for name, value in os.environ.items() if not name.startswith("NODEOS_")}
        environ = ours | {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "NODEOS_HTTP_PORT": "0",
            "NODEOS_GRPC_PORT": "0",
            "NODEOS_DATA_DIR": str(folder / "data"),
        }
        command = [sys.executable, "-m", "tiers.guardian.node"]
        return running(command, folder / "log", _http_port_of_node, environ)

    return start


@pytest.fixture(scope="session")
def node(start_node: Callable[[], AbstractContextManager[Running]]) -> Iterator[Running]:
    """A node that stays up."""
    with start_node() as found:
        yield found


@pytest.fixture(scope="session")
def mortal(start_node: Callable[[], AbstractContextManager[Running]]) -> Iterator[Running]:
    """A node that a test may kill."""
    with start_node() as found:
        yield found


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory, node: Running, mortal: Running) -> Iterator[httpx.Client]:
    """A client of Prometheus' API. Everything is as generated, but quicker."""
    program = need("prometheus")
    folder = tmp_path_factory.mktemp("prometheus") / "generated"
    shutil.copytree(Path.cwd() / GENERATED, folder)
    (folder / "targets").mkdir()
    targets = [
        {"targets": [node.address], "labels": {"node": "lasting"}},
        {"targets": [mortal.address], "labels": {"node": "mortal"}},
    ]
    (folder / "targets" / "guardian.yml").write_text(yaml.safe_dump(targets))
    configuration = yaml.safe_load((folder / "prometheus.yml").read_text(encoding="utf-8"))
    configuration["global"] = dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), _INTERVAL)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    command = [
        program,
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--web.listen-address=127.0.0.1:0",
        "--log.format=json",
    ]
    with (
        running(command, folder / "log", _port_of_prometheus, os.environ) as found,
        httpx.Client(base_url=f"http://{found.address}/api/v1", trust_env=False) as client,
    ):
        yield client


def _http_port_of_node(line: dict[str, Any]) -> int | None:
    return line["port"] if (line["event"], line.get("service")) == ("listening", "http") else None


def _port_of_prometheus(line: dict[str, Any]) -> int | None:
    return int(line["address"].rpartition(":")[2]) if line.get("msg") == "Listening on" else None
