"""What is committed is what the manifests say."""

from __future__ import annotations

from pathlib import Path

from generate.write import generated


def test_generated_files_are_fresh() -> None:
    stale = [str(path) for path, text in generated(Path.cwd()).items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `./pants run build-support:generate` and commit the result"
