from __future__ import annotations

from pathlib import Path

import pytest

from launcher import interpreters, machine
from launcher.errors import MissingInterpreter, PackageIndexError, UnsupportedMachine


@pytest.mark.parametrize(("system", "processor"), [("Linux", "riscv64"), ("Linux", "i686"), ("Windows", "x86_64")])
def test_wrong_architecture_is_named(system: str, processor: str) -> None:
    with pytest.raises(UnsupportedMachine, match=f"This machine is {system} {processor}. NodeOS is built on Linux"):
        machine.pants_platform(system, processor)


def test_a_failing_command_ends_in_its_own_words() -> None:
    with pytest.raises(PackageIndexError, match=r"(?s)Doing it failed \(exit 3\). Is the network up.*no route"):
        machine.run(["sh", "-c", "echo no route >&2; exit 3"], doing="Doing it")


def test_missing_python_that_cannot_be_installed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODEOS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    with pytest.raises(MissingInterpreter, match="Python 3.99 is neither on PATH nor under pyenv"):
        interpreters.provide("3.99", Path("/bin/false"))


def test_a_found_python_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODEOS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    fake = tmp_path / "bin" / "python3.99"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho 3.99 cpython\n", encoding="ascii")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.parent}:/bin:/usr/bin")
    assert interpreters.provide("3.99", Path("/bin/false")) == fake
    monkeypatch.setenv("PATH", "/bin:/usr/bin")
    assert interpreters.provide("3.99", Path("/bin/false")) == fake


def test_replace_leaves_an_equal_file_alone(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    machine.replace(target, b"one")
    first = target.stat().st_mtime_ns
    machine.replace(target, b"one")
    assert (target.read_bytes(), target.stat().st_mtime_ns) == (b"one", first)
    machine.replace(target, b"two")
    assert [path.name for path in target.parent.iterdir()] == ["file"]
