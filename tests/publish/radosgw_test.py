"""The test server itself: it leaves no process behind, and says what did not start."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.publish.radosgw import Radosgw, ServerNotStarted


def processes_of(folder: Path) -> list[int]:
    """Every process of this machine that was started with the configuration in `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
        except OSError:  # it ended meanwhile, or is another user's
            continue
        if f"CEPH_CONF={folder}/".encode() in environment:
            found.append(int(process.name))
    return sorted(found)


@pytest.mark.usefixtures("radosgw")
def test_stopped(tmp_path: Path) -> None:
    with Radosgw(tmp_path) as server:
        assert server.process_ids == processes_of(tmp_path)
        assert len(server.process_ids) == 3
    assert processes_of(tmp_path) == []


@pytest.mark.usefixtures("radosgw")
def test_stopped_when_it_does_not_answer(tmp_path: Path) -> None:
    with pytest.raises(ServerNotStarted, match="radosgw did not answer within 0 s"), Radosgw(tmp_path, start_seconds=0):
        raise AssertionError("no gateway starts in no time")
    assert processes_of(tmp_path) == []


@pytest.mark.usefixtures("radosgw")
@pytest.mark.parametrize("program", ["ceph-osd", "radosgw"])
def test_program_that_ends_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str) -> None:
    programs, folder = tmp_path / "programs", tmp_path / "server"
    programs.mkdir()
    folder.mkdir()
    (programs / program).write_text("#!/bin/sh\necho out of luck >&2\nexit 3\n")
    (programs / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    with pytest.raises(ServerNotStarted, match=f"{program} ended with exit code 3.*\nout of luck"), Radosgw(folder):
        raise AssertionError("the program is broken")
    assert processes_of(folder) == []
