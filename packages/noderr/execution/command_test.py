"""The operator's command: a halt that a fault left is looked at and lifted on the machine, and nowhere else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from noderr.core.testing import small_guardian
from noderr.execution.command import run_trading
from noderr.execution.execution_journal import ExecutionJournal


def run(folder: Path, *arguments: str) -> int:
    return run_trading(arguments, {"NODEOS_DATA_DIR": str(folder)}, small_guardian())


async def halted(folder: Path) -> str | None:
    journal = ExecutionJournal(folder)
    try:
        return await journal.halted()
    finally:
        await journal.close()


def test_a_halt_is_shown_and_lifted_by_somebody_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "status") == 0
    assert capsys.readouterr().out == "not halted\n"
    assert run(tmp_path, "halt", "--person", "ada", "--reason", "odd fills") == 0
    assert asyncio.run(halted(tmp_path)) == "ada: odd fills"
    assert run(tmp_path, "status") == 0
    assert "halted: ada: odd fills" in capsys.readouterr().out
    assert run(tmp_path, "resume", "--person", "bo", "--reason", "the venue explained them") == 0
    assert "resumed by bo: the venue explained them; it was halted: ada: odd fills" in capsys.readouterr().out
    assert asyncio.run(halted(tmp_path)) is None
    assert run(tmp_path, "resume", "--person", "bo", "--reason", "again") == 1


@pytest.mark.parametrize("arguments", [(), ("resume",), ("resume", "--person", "bo"), ("sell-all",)])
def test_a_wrong_command_line_is_refused(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as end:
        run(tmp_path, *arguments)
    assert end.value.code == 2
