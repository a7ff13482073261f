"""A small network of containers: hardened, limited, without a way out, killed and restarted, and gone at the end."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.image.engine import docker, inspect
from tests.network.compose import PUBLISHED_AT, processor_limit
from tests.network.containers import left_of
from tests.network.docker_rig import PYTHON, Rig, all_is_well
from tests.network.engine import require_engine
from tests.network.errors import NetworkError

_ADDRESS = "import socket, sys; print(socket.gethostbyname(sys.argv[1]))"
_KILL = "import os, sys; os.kill(int(sys.argv[1]), 9)"


@pytest.fixture(scope="module")
def rig(images: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(images, tmp_path_factory.mktemp("containers"))
    try:
        rig.network.up()
        rig.until(all_is_well)
        yield rig
    finally:
        rig.watcher.close()
        rig.network.down()
        assert left_of(rig.network.project) == []


def test_every_container_is_limited_as_its_manifest_says(rig: Rig) -> None:
    processors = require_engine().processors
    for view in rig.views:
        limits, manifest = rig.inspect(view)["HostConfig"], rig.facts[view.member.kind]
        assert limits["NanoCpus"] == processor_limit(manifest, processors) * 10**9
        assert limits["Memory"] == manifest.memory_gb.max * 10**9 == view.limit_bytes
        assert limits["PidsLimit"] == 256
        lowered = f"{view.member.kind}: limited to the {processors} processors"
        assert any(lowered in words for words in rig.said) == (manifest.cpu_cores.max > processors)


def test_every_container_is_hardened(rig: Rig) -> None:
    for view in rig.views:
        document = rig.inspect(view)
        host = document["HostConfig"]
        assert document["Config"]["User"] == "1001:1001"
        assert host["ReadonlyRootfs"]
        assert not host["Privileged"]
        assert (host["CapDrop"], host["CapAdd"]) == (["ALL"], None)
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert set(host["Tmpfs"]) == {"/tmp"}
        assert host["RestartPolicy"]["Name"] == "unless-stopped"
        writable = [(mount["Type"], mount["Destination"]) for mount in document["Mounts"] if mount["RW"]]
        assert writable == [("volume", "/data")]
        published = [port for ports in host["PortBindings"].values() for port in ports]
        assert published == [{"HostIp": PUBLISHED_AT, "HostPort": str(view.member.http_port)}]
        # The keys are in files, and not where everyone who may ask the engine sees them.
        for secret in (view.member.key.private_bytes_raw(), view.member.account.secret):
            assert secret.hex() not in json.dumps(document)


def test_members_reach_each_other_on_a_network_that_leads_nowhere(rig: Rig) -> None:
    nodes = inspect("network", f"{rig.network.project}_nodes")
    assert nodes["Internal"]
    inner = {end["Name"]: end["IPv4Address"].partition("/")[0] for end in nodes["Containers"].values()}
    for view in rig.views:
        for other in rig.plan.members:
            assert rig.python(view, _ADDRESS, other.host) == inner[rig.network.container(other)]
    pages = inspect("network", f"{rig.network.project}_pages")["Options"]
    assert pages["com.docker.network.bridge.enable_ip_masquerade"] == "false"
    assert pages["com.docker.network.bridge.enable_icc"] == "false"


def test_killed_container_is_restarted_by_the_engine_as_itself(rig: Rig) -> None:
    view = next(view for view in rig.views if view.member.kind == "guardian")
    identity, state = view.last["identity"], rig.inspect(view)["State"]
    # `docker kill` counts as a person's wish to stop it; a process that sees the engine's own process ids does worse.
    rights = ("--pid", "host", "--network", "none", "--user", "0", "--cap-drop", "ALL", "--cap-add", "KILL")
    program = (rig.images["guardian"], "-I", "-c", _KILL, str(state["Pid"]))
    docker("run", "--rm", *rights, "--entrypoint", PYTHON, *program)
    rig.until(lambda seen: all_is_well(seen) and (seen is not view or seen.container_restarts == 1))
    assert view.last["identity"] == identity
    assert rig.inspect(view)["State"]["StartedAt"] > state["StartedAt"]
    assert [other.container_restarts for other in rig.views if other is not view] == [0, 0, 0]


def test_peak_memory_is_known_and_within_the_limit(rig: Rig) -> None:
    rig.network.settle()
    for view in rig.views:
        rig.network.see(view)
        assert 30_000_000 < view.peak_resident_bytes < 400_000_000
        assert view.report()["within_memory_limit"]


def test_failed_start_leaves_nothing(images: dict[str, str], tmp_path: Path) -> None:
    rig = Rig(images, tmp_path)
    rig.watcher.close()
    port = rig.plan.nodes[-1].http_port
    with socket.create_server((PUBLISHED_AT, port)):
        with pytest.raises(NetworkError, match=rf"{port}.*(in use|allocated)"):
            rig.network.up()
        assert left_of(rig.network.project) != []
        rig.network.down()
    assert left_of(rig.network.project) == []
