"""The Docker engine as the tests use it: the command that operators have, with its errors shown whole."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_TIMEOUT_SECONDS = 300
BUILDERS = {"legacy": "0", "buildkit": "1"}
"""The two builders, and the value of DOCKER_BUILDKIT that chooses each."""


class EngineError(Exception):
    """A docker command failed; the message is what it said."""


def why_no_engine() -> str:
    """The reason why no engine can be used, or nothing when one answers."""
    try:
        done = subprocess.run(["docker", "version"], capture_output=True, text=True, timeout=60, check=False)
    except FileNotFoundError:
        return "there is no docker command"
    except subprocess.TimeoutExpired:
        return "the Docker engine does not answer"
    return "" if done.returncode == 0 else done.stderr.strip().splitlines()[-1]


def docker(*arguments: str, environment: Mapping[str, str] | None = None) -> str:
    """Run `docker` and return what it printed. Raises `EngineError`."""
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    if done.returncode != 0:
        raise EngineError(f"docker {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def inspect(kind: str, name: str) -> Any:
    """What the engine says of one image or container."""
    [document] = json.loads(docker(kind, "inspect", name))
    return document


def build(context: Path, tag: str, builder: str, arguments: Mapping[str, str]) -> None:
    """Build the Dockerfile of `context` with one of `BUILDERS`."""
    flags = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    # The legacy builder keeps the container of a failed step unless it is told otherwise.
    flags += ["--force-rm"] if builder == "legacy" else []
    docker("build", "--tag", tag, *flags, str(context), environment={"DOCKER_BUILDKIT": BUILDERS[builder]})
