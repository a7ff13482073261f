"""The command line, on a data directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from noderr.coordinator.command import run_coordinator
from noderr.coordinator.database import FILE_NAME
from noderr.coordinator.testing import ExampleNode
from noderr.core.data_claim import claimed_data_dir

MANIFEST = Path(__file__).with_name("service.toml")
NODE = ExampleNode(1)
KEY = NODE.public_key.hex()
COMMANDS = (
    "serve",
    "health",
    "settings",
    "version",
    "key",
    "migrate",
    "nodes",
    "enrol",
    "suspend",
    "restore",
    "desire",
)


class Program:
    """Runs commands and gives their exit code, output and errors."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        for name in os.environ:
            if name.startswith("NODEOS_"):
                monkeypatch.delenv(name)
        self.data_dir = folder / "data"
        self._version_file = folder / "VERSION"
        self._version_file.write_text("1.2.3\n")
        self._capsys = capsys
        monkeypatch.setenv("NODEOS_DATA_DIR", str(self.data_dir))

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        code = run_coordinator(MANIFEST, self._version_file, arguments)
        output = self._capsys.readouterr()
        return code, output.out, output.err


@pytest.fixture
def program(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Program:
    return Program(tmp_path, capsys, monkeypatch)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(program: Program, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        program(command, "--help")
    assert caught.value.code == 0
    assert f"usage: noderr-coordinator {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ("dance",),
        ("enrol",),
        ("enrol", "--public-key", KEY, "--from", "-"),
        ("suspend",),
        ("desire", "--tier", "oracle"),
        ("desire", "--tier", "oracle", "--version", "1.2.3", "--none"),
    ],
)
def test_wrong_command_lines(program: Program, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as caught:
        program(*arguments)
    assert caught.value.code == 2
    assert not program.data_dir.exists()


def test_version_and_settings(program: Program) -> None:
    assert program("version") == (0, "coordinator 1.2.3\n", "")
    code, text, _ = program("settings")
    assert code == 0
    assert "#NODEOS_NODES_PORT=3010" in text


def test_the_key_is_made_once(program: Program) -> None:
    first = program("key")
    assert first[0] == 0
    assert len(bytes.fromhex(first[1].strip())) == 32
    assert program("key") == first
    assert (program.data_dir / "node.key").stat().st_mode & 0o777 == 0o600


def test_a_nodes_life_in_the_registry(program: Program) -> None:
    assert program("nodes") == (0, "no node is enrolled\n", "")
    code, text, _ = program("enrol", "--public-key", KEY, "--tier", "oracle", "--address", "host:1")
    assert (code, text) == (0, f"{NODE.node_id} oracle\n1 node(s) enrolled, 1 of them new\n")
    assert program("enrol", "--public-key", KEY, "--tier", "oracle")[1].endswith("1 node(s) enrolled, 0 of them new\n")
    assert program("suspend", NODE.node_id) == (0, f"node {NODE.node_id} is suspended\n", "")
    head, line = program("nodes")[1].splitlines()
    assert head.split() == ["node", "id", "tier", "state", "version", "ready", "peers", "records", "address"]
    assert line.split() == [NODE.node_id, "oracle", "never,", "suspended", "–", "–", "0/0", "0", "host:1"]
    assert program("restore", NODE.node_id) == (0, f"node {NODE.node_id} is heard again\n", "")
    assert "suspended" not in program("nodes")[1]


def test_enrolling_from_a_file(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "nodes"
    other = ExampleNode(2).public_key.hex()
    file.write_text(f"# the network\n\noracle {KEY} a:1\nguardian {other}  # no address\n")
    assert program("enrol", "--from", str(file))[1].endswith("2 node(s) enrolled, 2 of them new\n")
    file.write_text(f"oracle {KEY}\nminer {other}\n")
    code, _, error = program("enrol", "--from", str(file))
    assert (code, error) == (
        1,
        f"{file}, line 2: tier 'miner' does not exist: choose one of oracle, guardian, validator\n",
    )
    file.write_text("oracle\n")
    assert "line 1: write tier, public key" in program("enrol", "--from", str(file))[2]
    assert "cannot be read" in program("enrol", "--from", str(tmp_path / "none"))[2]


def test_desired_versions(program: Program) -> None:
    assert program("desire", "--tier", "oracle", "--version", "1.2.3") == (0, "oracle: 1.2.3\n", "")
    assert program("desire", "--tier", "oracle", "--none") == (0, "oracle: no version in particular\n", "")
    code, _, error = program("desire", "--tier", "oracle", "--version", "latest")
    assert code == 1
    assert "'latest' is no semantic version" in error


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("enrol", "--public-key", KEY), "--public-key needs --tier"),
        (("enrol", "--public-key", "12", "--tier", "oracle"), "64 hexadecimal digits"),
        (("enrol", "--public-key", KEY, "--tier", "miner"), "tier 'miner' does not exist"),
        (("suspend", "nobody"), "no node 'nobody' is enrolled"),
    ],
)
def test_refusals_of_the_registry(program: Program, arguments: tuple[str, ...], problem: str) -> None:
    code, _, error = program(*arguments)
    assert code == 1
    assert problem in error


def test_settings_must_be_mended_first(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODEOS_DATABASE_URL", "mysql://me:hunter2@db/x")
    monkeypatch.setenv("NODEOS_RETENTION_DAYS", "0")
    for command in ("nodes", "key"):
        code, _, error = program(command)
        assert code == 2
        assert "2 problem(s)" in error
        assert "hunter2" not in error


def test_another_owners_directory_is_left_alone(program: Program) -> None:
    program.data_dir.mkdir()
    with claimed_data_dir(program.data_dir, "oracle", "1.2.3"):
        pass
    for command in ("nodes", "key"):
        code, _, error = program(command)
        assert code == 2
        assert "is the data directory of a oracle" in error
    assert not (program.data_dir / FILE_NAME).exists()
    assert not (program.data_dir / "node.key").exists()


def test_health_without_a_coordinator(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODEOS_HTTP_PORT", "1")
    code, _, error = program("health")
    assert code == 1
    assert "does not answer" in error
