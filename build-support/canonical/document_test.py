from __future__ import annotations

import hashlib
import json
from pathlib import Path

from canonical import json_bytes, json_text, sha256_of, sha256_of_file


def test_the_order_of_keys_does_not_matter() -> None:
    assert json_bytes({"b": 1, "a": {"d": 2, "c": 3}}) == json_bytes({"a": {"c": 3, "d": 2}, "b": 1})
    assert json_bytes({"b": [1, 2], "a": "é"}) == '{"a":"é","b":[1,2]}'.encode()


def test_the_text_for_people_says_the_same() -> None:
    value = {"b": [1, 2], "a": "é"}
    assert json.loads(json_text(value)) == value
    assert json_text(value).endswith("}\n")


def test_digests_of_bytes_and_files_agree(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    assert sha256_of_file(tmp_path / "file") == sha256_of(b"x" * 100_000) == hashlib.sha256(b"x" * 100_000).hexdigest()
