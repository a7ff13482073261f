from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher import release_facts
from launcher.errors import BadVersion
from noderr.types import Version


@pytest.mark.parametrize("text", ["1.0", "v1.0.0", "01.0.0", "1.0.0+build", "", "1.0.0 2", "latest"])
def test_version_that_is_no_semver_is_refused(root: Path, text: str) -> None:
    (root / "VERSION").write_text(text, encoding="utf-8")
    with pytest.raises(BadVersion, match="write MAJOR.MINOR.PATCH"):
        release_facts.version(root)


@pytest.mark.parametrize("text", ["0.0.1", "1.2.3\n", "1.2.3-rc.1", "10.20.30-alpha-7.x"])
def test_semver_is_accepted(root: Path, text: str) -> None:
    (root / "VERSION").write_text(text, encoding="utf-8")
    assert release_facts.version(root) == text.strip()


def test_outside_a_checkout_the_commit_is_unknown(root: Path) -> None:
    assert release_facts.facts(root) == {
        "NODEOS_VERSION": "1.2.3",
        "NODEOS_COMMIT": "unknown",
        "NODEOS_COMMIT_TIME": "0",
        "NODEOS_CREATED": "1970-01-01T00:00:00Z",
    }


def test_commit_and_its_time_come_from_git(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "t")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "t@example.invalid")
        monkeypatch.setenv(f"GIT_{name}_DATE", "1700000000 +0000")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run(["git", "-C", str(root), *words], check=True)
    clean = release_facts.facts(root)
    assert clean["NODEOS_CREATED"] == "2023-11-14T22:13:20Z"
    assert len(clean["NODEOS_COMMIT"]) == 40
    (root / "more").touch()
    assert release_facts.facts(root)["NODEOS_COMMIT"] == clean["NODEOS_COMMIT"] + "-dirty"


@given(st.text("0123456789.-+ab", max_size=12))
def test_the_launcher_and_the_product_accept_the_same_versions(text: str) -> None:
    try:
        Version(text)
        accepted = True
    except ValueError:
        accepted = False
    assert release_facts.is_version(text) == accepted
