"""The generated code is what the `.proto` files say."""

from __future__ import annotations

from pathlib import Path

import pytest

from noderr.types.wire.generate import HERE, GenerateError, generated


def test_the_committed_code_is_what_protoc_writes(tmp_path: Path) -> None:
    fresh = {path.name: path.read_text(encoding="utf-8") for path in generated(tmp_path)}
    committed = {path.name: path.read_text(encoding="utf-8") for path in HERE.glob("*_pb2*") if path.is_file()}
    assert {"node_pb2.py", "node_pb2.pyi", "node_pb2_grpc.py", "node_pb2_grpc.pyi"} <= set(fresh)
    assert sorted(fresh) == sorted(committed)
    stale = [name for name, text in fresh.items() if committed[name] != text]
    assert stale == [], "run `python -m noderr.types.wire.generate` and commit the result"


def test_a_broken_proto_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "noderr/types/wire"
    folder.mkdir(parents=True)
    (folder / "broken.proto").write_text('syntax = "proto3";\nmessage {')
    with pytest.raises(GenerateError, match=r"protoc refused noderr/types/wire/broken\.proto"):
        generated(tmp_path / "out", folder)
    assert "broken.proto:2" in capfd.readouterr().err
