"""The committed platform files are what the base image's own Python says of itself."""

from __future__ import annotations

import json
import platform
import subprocess
from pathlib import Path

import packaging
import pytest

from base_image import BaseInterpreter
from complete_platform.describe import describe

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
PLATFORMS = Path("3rdparty/debian/platforms")
ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
# Started through its own loader it cannot know its name, from which packaging reads the ABI.
sys.executable = sys.argv[2]
from packaging.markers import default_environment
from packaging.tags import sys_tags
print(json.dumps({"markers": default_environment(), "tags": [str(tag) for tag in sys_tags()]}))
"""


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES.values()))
def test_committed_platforms_are_generated(architecture: str) -> None:
    committed = json.loads((PLATFORMS / f"{architecture}.json").read_text(encoding="utf-8"))
    assert committed == describe(architecture, committed["marker_environment"]["python_full_version"])


def test_base_python_is_the_committed_platform(tmp_path: Path) -> None:
    architecture = ARCHITECTURES[platform.machine()]
    interpreter = BaseInterpreter.from_rootfs_tar(Path(f"3rdparty.debian/{architecture}/rootfs.tar"), tmp_path)
    beside = Path(packaging.__file__).parents[1]
    asked = subprocess.run(
        [*interpreter.command, "-c", ASK, str(beside), str(tmp_path / "usr/bin/python3.13")],
        env=dict(interpreter.environment),
        check=True,
        timeout=60,
        capture_output=True,
    )
    answer = json.loads(asked.stdout)
    committed = json.loads((PLATFORMS / f"{architecture}.json").read_text(encoding="utf-8"))
    assert answer["tags"] == committed["compatible_tags"]
    differing = {
        name: (value, answer["markers"][name])
        for name, value in committed["marker_environment"].items()
        if value and answer["markers"][name] != value
    }
    assert differing == {}
