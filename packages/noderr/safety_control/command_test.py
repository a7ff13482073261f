"""The commands on the machine, from permit to renewal, beside each other on one data directory."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from noderr.core.account import ACCOUNT_FILE
from noderr.core.consensus.membership import membership_json
from noderr.core.errors import CoreError
from noderr.core.peers.testing import identity
from noderr.core.testing import small_guardian
from noderr.safety_control.command import run_safety
from noderr.safety_control.testing import GUARDIANS, NOW_S, clock
from noderr.types.signing.account_key import checksum_address


class Machines:
    """Four guardians' data directories, and one voters' file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._voters = folder / "voters.json"
        self._voters.write_bytes(
            membership_json(
                [("guardian", key.address, identity(number).public_key, 10) for number, key in enumerate(GUARDIANS, 1)],
                chain_id=31337,
                verifying_contract=b"\x11" * 20,
                genesis_unix_s=NOW_S,
                epoch=7,
            )
        )
        for number, key in enumerate(GUARDIANS):
            (folder / str(number)).mkdir(mode=0o700)
            path = folder / str(number) / ACCOUNT_FILE
            path.write_text(key.secret.hex() + "\n")
            path.chmod(0o600)

    def run(self, number: int, *arguments: str, **environ: str) -> int:
        who = ("--person", "somebody", "--reason", "because") if arguments[0] != "status" else ()
        given = {
            "NODEOS_DATA_DIR": str(self._folder / str(number)),
            "NODEOS_VOTERS_FILE": str(self._voters),
            **{f"NODEOS_{name.upper()}": value for name, value in environ.items()},
        }
        return run_safety([*arguments, *who], given, small_guardian(), clock())


@pytest.fixture
def machines(tmp_path: Path) -> Machines:
    return Machines(tmp_path)


def test_halt_reduce_and_resume(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    for command, trading in (("reduce", "reducing"), ("halt", "halted"), ("status", "halted"), ("resume", "active")):
        assert machines.run(0, command) == 0
        assert json.loads(capsys.readouterr().out)["trading"] == trading
    assert machines.run(0, "halt") == 0
    assert machines.run(0, "reduce") == 1
    assert "resume it first" in capsys.readouterr().err


def test_three_guardians_permit_and_a_node_is_live(
    machines: Machines, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = []
    for number in range(3):
        assert machines.run(number, "permit", "--from", str(NOW_S)) == 0
        lines.append(capsys.readouterr().out)
    live = {"trading_mode": "live", "live_account": checksum_address(GUARDIANS[3].address)}
    assert machines.run(3, "status", **live) == 0
    assert json.loads(capsys.readouterr().out)["mode"] == "halted"
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(lines[:2])))
    assert machines.run(3, "renew", **live) == 1
    assert "20 of 40" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(lines)))
    assert machines.run(3, "renew", **live) == 0
    assert json.loads(capsys.readouterr().out)["mode"] == "live"
    # The same settings on another node's machine.
    assert machines.run(2, "status", **live) == 0
    assert "another account" in json.loads(capsys.readouterr().out)["reasons"][0]


def test_what_was_permitted_is_in_the_guardian_s_log(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    assert machines.run(0, "permit", "--seconds", "60") == 0
    capsys.readouterr()
    assert machines.run(0, "status") == 0
    [record] = json.loads(capsys.readouterr().out)["records"]
    assert (record["kind"], record["person"], record["reason"]) == ("permit", "somebody", "because")


def test_who_is_no_guardian_permits_nothing(
    machines: Machines, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "9").mkdir(mode=0o700)
    assert machines.run(9, "permit") == 1
    assert "not among the guardians" in capsys.readouterr().err


def test_an_hour_is_the_longest(machines: Machines, capsys: pytest.CaptureFixture[str]) -> None:
    assert machines.run(0, "permit", "--seconds", "3601") == 1
    assert "3600" in capsys.readouterr().err


def test_without_a_reason_there_is_no_command(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        run_safety(["resume", "--person", "somebody"], {"NODEOS_DATA_DIR": str(tmp_path)}, small_guardian())
    assert caught.value.code == 2


def test_settings_that_are_wrong_are_told(tmp_path: Path) -> None:
    with pytest.raises(CoreError, match="TRADING_MODE"):
        run_safety(["status"], {"NODEOS_DATA_DIR": str(tmp_path), "NODEOS_TRADING_MODE": "yes"}, small_guardian())
