from __future__ import annotations

import functools
import os
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noderr.utils import NewerVersionError, StateBrokenError, StateFile, StateFileError, StateRead, StateTypeError


class Position(msgspec.Struct):
    symbol: str
    units: int


class OtherShape(msgspec.Struct):
    symbol: int


class Later(msgspec.Struct):
    symbol: str
    units: int
    venue: str


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "position.json"


def previous_of(path: Path) -> Path:
    return path.with_name("position.json.previous")


def read(path: Path) -> StateRead[Position]:
    found = StateFile(path, Position).read()
    assert found is not None
    return found


def write(path: Path, *units: int) -> None:
    for number in units:
        StateFile(path, Position).write(Position("ETH", number))


def add_venue(state: Any) -> Any:
    return state | {"venue": "unknown"}


def test_what_was_written_is_read(path: Path) -> None:
    file = StateFile(path, Position)
    assert file.read() is None
    assert [file.write(Position("ETH", units)) for units in (5, 6, 7)] == [1, 2, 3]
    assert file.read() == StateRead(Position("ETH", 7), 3, "current")
    assert path.stat().st_mode & 0o7777 == 0o600
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["position.json", "position.json.previous"]


def test_an_operator_can_check_a_file(path: Path) -> None:
    write(path, 5)
    digest, line = path.read_bytes().split(b"\n", 1)
    assert subprocess.run(["sha256sum"], input=line, capture_output=True, check=True).stdout.split()[0] == digest
    assert msgspec.json.decode(line) == {"schema": 1, "generation": 1, "state": {"symbol": "ETH", "units": 5}}


def test_a_file_cut_off_anywhere_falls_back_and_says_so(path: Path) -> None:
    write(path, 5, 6)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = read(path)
        assert (found.state.units, found.generation, found.source) == (5, 1, "previous")
        assert found.fallback_reason == f"{path} is damaged: its {length} bytes do not match their checksum"


def test_a_flipped_bit_anywhere_falls_back(path: Path) -> None:
    write(path, 5, 6)
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        assert read(path).source == "previous"


@given(st.binary(min_size=1, max_size=50))
@settings(deadline=None)  # The machine may be busy.
def test_anything_appended_falls_back(tmp_path_factory: pytest.TempPathFactory, more: bytes) -> None:
    path = tmp_path_factory.mktemp("state") / "position.json"
    write(path, 5, 6)
    with path.open("ab") as file:
        file.write(more)
    assert read(path).source == "previous"


def test_a_missing_file_beside_its_predecessor_falls_back_and_says_so(path: Path) -> None:
    write(path, 5, 6)
    path.unlink()
    assert read(path).fallback_reason == f"{path} is missing"


def test_a_damaged_file_never_takes_the_place_of_the_intact_one_before_it(path: Path) -> None:
    write(path, 5, 6)
    path.write_bytes(b"damaged")
    write(path, 7)
    assert (read(path).state.units, read(path).generation, read(path).source) == (7, 2, "current")
    path.write_bytes(b"damaged again")
    assert read(path).state.units == 5


def test_both_damaged_is_an_error_and_nothing_is_written_over_them(path: Path) -> None:
    write(path, 5, 6)
    path.write_bytes(b"one")
    previous_of(path).write_bytes(b"another")
    with pytest.raises(StateBrokenError, match=r"position\.json is damaged.*previous is damaged.*from a backup"):
        read(path)
    with pytest.raises(StateBrokenError):
        write(path, 7)
    assert (path.read_bytes(), previous_of(path).read_bytes()) == (b"one", b"another")


def test_a_damaged_file_without_predecessor_is_an_error(path: Path) -> None:
    path.write_bytes(b"damaged")
    with pytest.raises(StateBrokenError, match=r"previous is missing"):
        read(path)


def test_an_older_schema_is_upgraded_step_by_step(path: Path) -> None:
    write(path, 5)
    steps: list[str] = []

    def first(state: Any) -> Any:
        steps.append("first")
        return add_venue(state)

    def second(state: Any) -> Any:
        steps.append("second")
        return state | {"units": state["units"] * 100}

    file = StateFile(path, Later, upgrades=[first, second])
    assert file.read() == StateRead(Later("ETH", 500, "unknown"), 1, "current")
    assert steps == ["first", "second"]
    file.write(Later("ETH", 600, "kraken"))
    assert file.read() == StateRead(Later("ETH", 600, "kraken"), 2, "current")
    assert steps == ["first", "second"]


def test_a_failed_upgrade_is_an_error(path: Path) -> None:
    write(path, 5)
    with pytest.raises(StateTypeError, match=r"schema 1, is intact and does not hold a Later: KeyError\('price'\)"):
        StateFile(path, Later, upgrades=[lambda state: state["price"]]).read()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_newer_schema_is_refused_and_left_alone(path: Path, damaged: bool) -> None:
    newer = StateFile(path, Later, upgrades=[add_venue, add_venue])
    newer.write(Later("ETH", 5, "kraken"))
    newer.write(Later("ETH", 6, "kraken"))
    if damaged:
        path.write_bytes(b"damaged")
    before = {entry: entry.read_bytes() for entry in path.parent.iterdir()}
    with pytest.raises(NewerVersionError, match="has version 3 of its schema, this software knows versions up to 1"):
        read(path)
    with pytest.raises(NewerVersionError):
        write(path, 7)
    assert {entry: entry.read_bytes() for entry in path.parent.iterdir()} == before


def test_another_type_is_an_error_that_names_the_field(path: Path) -> None:
    write(path, 5, 6)
    with pytest.raises(
        StateTypeError, match=r"does not hold a OtherShape.*Expected `int`, got `str` - at `\$\.symbol`"
    ):
        StateFile(path, OtherShape).read()


def test_directory_that_cannot_be_used_is_an_error(path: Path) -> None:
    with pytest.raises(StateFileError, match="cannot be written: No such file or directory"):
        write(path.parent / "absent" / "position.json", 5)
    path.mkdir()
    with pytest.raises(StateFileError, match="cannot be read: Is a directory"):
        read(path)


def test_a_write_is_possible_after_a_kill_between_any_two_of_its_steps(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call that changes a directory is made the last one before the kill, and the next write must work."""

    class KilledError(BaseException):
        pass

    calls = ("link", "replace", "fsync", "unlink")
    real = {name: getattr(os, name) for name in calls}
    steps = 0
    for last in range(1, 100):
        count = 0

        def step(name: str, *arguments: Any, stop_at: int = last) -> None:
            nonlocal count
            count += 1
            if count > stop_at:
                raise KilledError
            real[name](*arguments)

        write(path, last)
        with monkeypatch.context() as patch:
            for name in calls:
                patch.setattr(os, name, functools.partial(step, name))
            try:
                write(path, 1000 + last)
            except KilledError:
                pass
            else:
                steps = last
                break
        assert read(path).source == "current"
        assert read(path).state.units in (last, 1000 + last)
        write(path, 2000 + last)
        assert read(path).state.units == 2000 + last
        assert sorted(entry.name for entry in path.parent.iterdir()) == ["position.json", "position.json.previous"]
    assert steps > 4


WRITER = """
import sys
from pathlib import Path
import msgspec
from noderr.utils import StateFile

class Position(msgspec.Struct):
    symbol: str
    units: int

file = StateFile(Path(sys.argv[1]), Position)
found = file.read()
units = found.state.units if found else 0
while True:
    units += 1
    file.write(Position("E" * (units % 5000), units))
    print(units, flush=True)
"""


def test_killed_writer_leaves_a_complete_state_no_older_than_the_last_it_told_of(path: Path) -> None:
    told = 0
    for attempt in range(6):
        command = [sys.executable, "-c", WRITER, str(path)]
        environ = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline()]
            assert int(lines[0]) == told + 1
            time.sleep(0.013 * (attempt + 1))
            writer.kill()
            lines += writer.stdout.readlines()
        told = int(lines[-1])
        found = read(path)
        assert found.source == "current"
        assert told <= found.state.units <= told + 1
        assert found.state.symbol == "E" * (found.state.units % 5000)
        told = found.state.units
    assert told > 6
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
