from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from canonical import compress

PIECE_BYTES = 1000
DATA = b"".join(hashlib.sha256(bytes([number])).digest() * 3 for number in range(100))


def _compress(data: bytes, threads: int) -> bytes:
    out = io.BytesIO()
    compress(io.BytesIO(data), out, threads=threads, piece_bytes=PIECE_BYTES)
    return out.getvalue()


@given(st.binary(max_size=5 * PIECE_BYTES))
def test_python_reads_all_members_as_one_stream(data: bytes) -> None:
    assert gzip.decompress(_compress(data, threads=2)) == data


def test_the_number_of_threads_does_not_matter() -> None:
    assert _compress(DATA, threads=1) == _compress(DATA, threads=7)


def test_gunzip_reads_it(tmp_path: Path) -> None:
    packed = tmp_path / "data.gz"
    packed.write_bytes(_compress(DATA, threads=2))
    assert subprocess.run(["gunzip", "-t", packed], check=False).returncode == 0
    assert subprocess.run(["gunzip", "-c", packed], capture_output=True, check=True).stdout == DATA


def test_the_header_names_no_file_time_or_system() -> None:
    header = _compress(DATA, threads=1)[:10]
    assert header[:4] == b"\x1f\x8b\x08\x00"
    assert header[4:8] == bytes(4)
    assert header[9] == 255


def test_sizes_and_digests_are_those_of_the_bytes() -> None:
    out = io.BytesIO()
    done = compress(io.BytesIO(DATA), out, threads=2, piece_bytes=PIECE_BYTES)
    assert (done.plain_bytes, done.plain_sha256) == (len(DATA), hashlib.sha256(DATA).hexdigest())
    assert (done.gzip_bytes, done.gzip_sha256) == (len(out.getvalue()), hashlib.sha256(out.getvalue()).hexdigest())
