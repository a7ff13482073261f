"""The Docker engine as the local network uses it: its command, and what must be there before anything starts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tests.network.errors import NetworkError
from tests.network.interrupts import held
from tests.network.plan import COORDINATOR

_SECONDS = 180.0
_CANCEL_SECONDS = 15.0
_LAST_LINES = 12
_LIMITS = {"CpuCfsQuota": "processor time", "MemoryLimit": "memory", "PidsLimit": "the number of processes"}


class NoDockerCommand(NetworkError):
    """This machine has no `docker`."""


@dataclass(frozen=True)
class EngineFacts:
    """What an engine can give: its processors, and the limits that its kernel cannot keep, in words."""

    processors: int
    not_limited: tuple[str, ...]


def docker(*arguments: str, given: str | None = None, seconds: float = _SECONDS) -> str:
    """Run `docker` and return what it printed. Raises `NetworkError`.

    Ctrl-C reaches us and not the command, so that it is never half done when we begin to clean up.
    """
    command = ["docker", *arguments]
    process = None
    try:
        with held():
            process = _start(command, given is not None)
        said, complained = process.communicate(given, timeout=seconds)
    except FileNotFoundError:
        raise NoDockerCommand("there is no docker command: install Docker, or leave out --docker") from None
    except subprocess.TimeoutExpired:
        _cancel(process)
        raise NetworkError(f"{' '.join(command[:6])} … has not ended within {seconds:.0f} s") from None
    except BaseException:
        _cancel(process)
        raise
    if process.returncode != 0:
        last = "\n".join(complained.strip().splitlines()[-_LAST_LINES:])
        raise NetworkError(f"{' '.join(command[:8])} … failed:\n{last}")
    return said


def require_engine() -> EngineFacts:
    """What the engine can give. Raises `NetworkError`, with a remedy, when there is none or it lacks compose."""
    try:
        docker("version", "--format", "{{.Server.Version}}", seconds=20)
    except NoDockerCommand:
        raise
    except NetworkError as error:
        raise NetworkError(
            f"{error}\nNo Docker engine answers: start it (.ci/engine does so on Debian as root), or leave out --docker"
        ) from None
    try:
        docker("compose", "version", seconds=20)
    except NetworkError:
        raise NetworkError(
            "`docker compose` does not run: install Docker's compose plugin (docker-compose-plugin, or Debian 13's "
            "docker-compose), or leave out --docker"
        ) from None
    told = json.loads(docker("info", "--format", "{{json .}}", seconds=20))
    return EngineFacts(told["NCPU"], tuple(words for name, words in _LIMITS.items() if not told[name]))


def require_images(images: Sequence[str]) -> None:
    """Raises `NetworkError`, with the command that builds what the engine does not have."""
    missing = [image for image in images if not docker("image", "ls", "--quiet", image)]
    if not missing:
        return
    names = [image.partition(":")[0].removeprefix("noderr-") for image in missing]
    folders = ["packages/noderr/coordinator" if name == COORDINATOR else f"tiers/{name}" for name in names]
    raise NetworkError(
        f"the engine has no image {', '.join(missing)}: run\n"
        f"  ./pants package {' '.join(f'{folder}:image' for folder in folders)}"
    )


def _start(command: list[str], is_given_something: bool) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    given = pipe if is_given_something else subprocess.DEVNULL
    return subprocess.Popen(command, stdin=given, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def _cancel(process: subprocess.Popen[str] | None) -> None:
    """Ask the command and its plugin to end, and make them; it may have ended by itself meanwhile."""
    if process is None:
        return
    with held():
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.communicate(timeout=_CANCEL_SECONDS)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
