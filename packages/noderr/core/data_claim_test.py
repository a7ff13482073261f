from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from noderr.core.data_claim import LOCK_FILE, STATE_FILE, DataDirState, check_owner, claimed_data_dir, holder
from noderr.core.errors import DataDirError
from noderr.utils import StateFile


def test_directory_is_held_once_and_free_again_afterwards(tmp_path: Path) -> None:
    with claimed_data_dir(tmp_path, "oracle", "1.2.3") as claim:
        assert not claim.after_unclean_exit
        assert holder(tmp_path).startswith("process ")
        with (
            pytest.raises(DataDirError, match="in use by process [0-9]+: stop that one, or set NODEOS_DATA_DIR"),
            claimed_data_dir(tmp_path, "oracle", "1.2.3"),
        ):
            pass
    assert holder(tmp_path) == ""
    with claimed_data_dir(tmp_path, "oracle", "1.2.4") as claim:
        assert not claim.after_unclean_exit


def test_lock_of_a_killed_process_is_free_and_the_next_one_knows(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom noderr.core.data_claim import claimed_data_dir\n"
        "with claimed_data_dir(Path(sys.argv[1]), 'oracle', '1.2.3'):\n"
        "    print('held', flush=True)\n    time.sleep(60)\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    assert child.stdout is not None
    limit = threading.Timer(30, child.kill)  # One that never comes so far ends the wait for its line.
    limit.start()
    try:
        assert child.stdout.readline() == b"held\n"
        assert holder(tmp_path) == f"process {child.pid}"
    finally:
        limit.cancel()
        child.kill()
        child.communicate(timeout=30)
    deadline = time.monotonic() + 5
    while holder(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    for killed in (True, False):
        with claimed_data_dir(tmp_path, "oracle", "1.2.3") as claim:
            assert claim.after_unclean_exit is killed


def test_directory_on_a_full_disk_is_held_without_a_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, data: bytes, _offset: int) -> int:
        if data:
            raise OSError(errno.ENOSPC, "No space left on device")
        return 0

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with claimed_data_dir(tmp_path, "oracle", "1.2.3"):
            assert holder(tmp_path) == "process (unknown)"
    with claimed_data_dir(tmp_path, "oracle", "1.2.3") as claim:
        assert not claim.after_unclean_exit


def test_directory_of_another_owner_is_refused(tmp_path: Path) -> None:
    with claimed_data_dir(tmp_path, "oracle", "1.2.3"):
        pass
    with pytest.raises(DataDirError, match="data directory of a oracle, and this is a guardian"):
        check_owner(tmp_path, "guardian")


def test_directory_from_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    StateFile(tmp_path / STATE_FILE, DataDirState, upgrades=[lambda state: state]).write(
        DataDirState("oracle", "9.0.0")
    )
    before = (tmp_path / STATE_FILE).read_bytes()
    with (
        pytest.raises(DataDirError, match="was written by a newer version of NodeOS.*Run that version"),
        claimed_data_dir(tmp_path, "oracle", "1.2.3"),
    ):
        pass
    assert (tmp_path / STATE_FILE).read_bytes() == before


def test_broken_note_is_refused(tmp_path: Path) -> None:
    (tmp_path / STATE_FILE).write_text("nonsense")
    with pytest.raises(DataDirError, match="damaged"):
        check_owner(tmp_path, "oracle")


def test_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / LOCK_FILE).mkdir()
    with pytest.raises(DataDirError, match="cannot be opened"), claimed_data_dir(tmp_path, "oracle", "1.2.3"):
        pass
