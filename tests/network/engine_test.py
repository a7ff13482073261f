"""What the network does with what `docker` says. The program here says it; docker_test.py asks a real engine."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.network.container_watch import memory_used, parse_state
from tests.network.engine import docker, require_engine, require_images
from tests.network.errors import NetworkError

Program = Callable[[str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Puts a shell script in the place of `docker`."""

    def put(script: str) -> None:
        path = tmp_path / "docker"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    return put


def test_no_docker_command_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NetworkError, match="^there is no docker command: install Docker, or leave out --docker$"):
        require_engine()


def test_silent_engine_is_said_with_its_words(program: Program) -> None:
    program("echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    with pytest.raises(NetworkError, match="(?s)Cannot connect to the Docker daemon.*No Docker engine answers: start"):
        require_engine()


def test_absent_compose_is_said(program: Program) -> None:
    program('[ "$1" = version ]')
    with pytest.raises(NetworkError, match="install Docker's compose plugin"):
        require_engine()


def test_limits_that_the_kernel_cannot_keep_are_named(program: Program) -> None:
    told = {"NCPU": 3, "CpuCfsQuota": False, "MemoryLimit": True, "PidsLimit": False}
    program(f"""case "$1" in info) echo '{json.dumps(told)}' ;; esac""")
    facts = require_engine()
    assert facts.processors == 3
    assert facts.not_limited == ("processor time", "the number of processes")


def test_missing_images_are_named_with_the_command_that_builds_them(program: Program) -> None:
    program('case "$4" in *oracle*) echo 0123456789ab ;; esac')
    require_images(["noderr-oracle:1.2.3"])
    with pytest.raises(NetworkError) as raised:
        require_images(["noderr-coordinator:1.2.3", "noderr-oracle:1.2.3", "noderr-validator:1.2.3"])
    assert str(raised.value) == (
        "the engine has no image noderr-coordinator:1.2.3, noderr-validator:1.2.3: run\n"
        "  ./pants package packages/noderr/coordinator:image tiers/validator:image"
    )


def test_command_that_hangs_is_ended_and_said(program: Program, tmp_path: Path) -> None:
    program(f"trap 'echo asked >{tmp_path}/ended; exit 0' TERM; sleep 60 & wait")
    with pytest.raises(NetworkError, match=r"docker pull it … has not ended within 1 s"):
        docker("pull", "it", seconds=1)
    assert (tmp_path / "ended").read_text() == "asked\n"


def test_interrupted_command_has_ended_before_anything_else_happens(program: Program, tmp_path: Path) -> None:
    program(f"trap 'sleep 0.3; touch {tmp_path}/ended; exit 0' TERM; touch {tmp_path}/began; sleep 60 & wait")

    def interrupt() -> None:
        while not (tmp_path / "began").exists():
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    # What a shell starts in the background does not hear it otherwise.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            docker("compose", "up")
        interrupter.join()
    finally:
        signal.signal(signal.SIGINT, before)
    assert (tmp_path / "ended").exists()


@pytest.mark.parametrize(
    ("said", "size"),
    [("512B / 2GiB", 512), ("1KiB / 2GiB", 1024), ("4.5MiB / 23.54GiB", 4718592), ("2GiB / 8GiB", 2147483648)],
)
def test_memory_in_the_engines_units(said: str, size: int) -> None:
    assert memory_used(said) == size


@pytest.mark.parametrize("said", ["-- / --", "12 / 13", "", "1.5TB / 2TB"])
def test_what_is_no_size_is_refused(said: str) -> None:
    with pytest.raises(NetworkError, match="not a size"):
        memory_used(said)


def test_state_of_a_container_that_is_being_restarted() -> None:
    state = {
        "Running": True,
        "Restarting": True,
        "ExitCode": 137,
        "StartedAt": "2026-01-02T03:04:05.123456789Z",
        "Health": {"Status": "unhealthy"},
    }
    seen = parse_state(json.dumps({"restarts": 2, "state": state}))
    assert (seen.running, seen.exit_code, seen.health, seen.restarts) == (False, 137, "unhealthy", 2)
    assert seen.started == pytest.approx(1767323045.123456)
