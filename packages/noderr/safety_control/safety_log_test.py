"""The log: what was written is read, by several processes; what was changed is noticed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from noderr.safety_control.errors import LogDamagedError, RecordError
from noderr.safety_control.safety_log import FILE_NAME, Kind, SafetyLog


async def filled(folder: Path) -> SafetyLog:
    log = SafetyLog(folder)
    await log.append(Kind.HALT, "somebody", "smoke", 1)
    await log.append(Kind.RESUME, "somebody else", "a toaster", 2)
    await log.append(Kind.MODE, "node", "nothing stands against it", 3, "paper")
    return log


async def test_what_was_written_is_read_also_by_another(tmp_path: Path) -> None:
    log, other = await filled(tmp_path), SafetyLog(tmp_path)
    assert await log.records() == await other.records()
    await other.append(Kind.HALT, "other", "fire", 4)
    assert [record.number for record in await log.records()] == [1, 2, 3, 4]
    await log.append(Kind.RESUME, "somebody", "out", 5)
    assert [record.person for record in await other.records()][-2:] == ["other", "somebody"]
    await log.close()
    await other.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET reason = 'nothing' WHERE number = 1",
        "UPDATE records SET kind = 'resume' WHERE number = 1",
        "UPDATE records SET kind = 'lunch' WHERE number = 3",
        "UPDATE records SET digest = x'00' WHERE number = 2",
        "DELETE FROM records WHERE number = 1",
        "DELETE FROM records WHERE number = 2",
        "INSERT INTO records VALUES (4, 4, 'resume', 'x', 'y', '', x'00')",
        "INSERT INTO records VALUES (0, 4, 'resume', 'x', 'y', '', x'00')",
    ],
)
async def test_what_was_changed_is_noticed_and_nothing_is_added(tmp_path: Path, statement: str) -> None:
    log = await filled(tmp_path)
    await log.close()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute(statement)
    connection.close()
    log = SafetyLog(tmp_path)
    with pytest.raises(LogDamagedError, match="restore it from a backup"):
        await log.records()
    with pytest.raises(LogDamagedError):
        await log.append(Kind.RESUME, "somebody", "never mind", 9)
    await log.close()


async def test_a_log_that_is_cut_short_while_in_use_is_noticed(tmp_path: Path) -> None:
    log = await filled(tmp_path)
    await log.records()
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("DELETE FROM records WHERE number = 3")
    connection.close()
    with pytest.raises(LogDamagedError, match="record 3"):
        await log.records()
    await log.close()


@pytest.mark.parametrize("text", ["", "  ", "two\nlines", "x" * 501, "\x1b[2J"])
async def test_without_a_name_and_a_reason_nothing_is_written(tmp_path: Path, text: str) -> None:
    log = SafetyLog(tmp_path)
    with pytest.raises(RecordError, match="reason is"):
        await log.append(Kind.RESUME, "somebody", text, 1)
    with pytest.raises(RecordError, match="person is"):
        await log.append(Kind.RESUME, text, "why", 1)
    assert await log.records() == []
    await log.close()
