from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node_image.elf import strip
from node_image.errors import ElfError

# A real library that comes with symbols for debuggers.
LIBRARY = next(Path(msgspec.__file__).parent.glob("_core.*.so"))
BYTES = LIBRARY.read_bytes()


def test_a_real_library_gets_smaller_and_still_loads(tmp_path: Path) -> None:
    stripped = tmp_path / LIBRARY.name
    stripped.write_bytes(strip(BYTES))
    assert stripped.stat().st_size < len(BYTES)
    program = (
        "import importlib.util as u, sys; spec = u.spec_from_file_location('msgspec._core', sys.argv[1]); "
        "import msgspec; module = u.module_from_spec(spec); spec.loader.exec_module(module); print(module.__file__)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(stripped)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(stripped)


def test_the_loaded_part_is_not_touched() -> None:
    stripped = strip(BYTES)
    # Only the header's offset and counts of sections differ below the end of what is loaded.
    end = len(stripped) - 4096
    assert stripped[64:end] == BYTES[64:end]


def test_stripping_twice_changes_nothing() -> None:
    once = strip(BYTES)
    assert strip(once) == once


@pytest.mark.parametrize("data", [b"", b"#!/bin/sh\n", b"PK\x03\x04", b"\x7fELF\x01\x01" + bytes(100)])
def test_other_files_are_left_alone(data: bytes) -> None:
    assert strip(data) == data


def test_a_library_that_was_cut_short_is_refused() -> None:
    with pytest.raises(ElfError, match="the wheel is damaged"):
        strip(BYTES[: len(BYTES) // 2])


@given(st.binary(max_size=300))
def test_garbage_is_returned_or_refused(data: bytes) -> None:
    # Anything else than `ElfError` fails the test.
    with contextlib.suppress(ElfError):
        assert strip(b"\x7fELF\x02\x01" + data).startswith(b"\x7fELF")
