"""The command as a person types it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from publisher import cli
from publisher.example_archive import write_archive
from publisher.loopback import refusing_server

TIERS = ("guardian", "oracle", "validator")
R2 = {"R2_ACCESS_KEY_ID": "key", "R2_SECRET_ACCESS_KEY": "very-secret", "R2_BUCKET_NAME": "noderr-node-packages"}


@pytest.fixture
def archives(tmp_path: Path) -> list[str]:
    """The three tiers, amd64 and arm64."""
    folder = tmp_path / "archives"
    return [
        str(write_archive(folder, "0.1.0", tier=tier, architecture=architecture))
        for tier in TIERS
        for architecture in ("amd64", "arm64")
    ]


def test_publishes_to_dist_release_without_credentials(
    archives: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(archives, {}) == 0
    told = capsys.readouterr().out
    for tier in TIERS:
        assert (tmp_path / "dist/release" / tier / "latest.json").exists()
        assert f"{tier} 0.1.0 [amd64, arm64]: " in told
        assert "latest is now 0.1.0 (sequence 1)" in told
    assert cli.main([*archives, "--to", "dist/release"], R2) == 0
    assert "latest stays 0.1.0 (sequence 1): 0.1.0 is the latest already" in capsys.readouterr().out


def test_sha256sum_c_on_every_published_pair(archives: list[str], directory: Path) -> None:
    assert cli.main([*archives, "--to", str(directory)], {}) == 0
    pairs = sorted(directory.glob("*/*.sha256"))
    assert len(pairs) == 12
    for pair in pairs:
        told = subprocess.check_output(["sha256sum", "-c", pair.name], cwd=pair.parent, text=True)
        assert told == f"{pair.name.removesuffix('.sha256')}: OK\n"


def test_dry_run_says_every_step_and_writes_nothing(
    archives: list[str], directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*archives, "--to", str(directory), "--dry-run"], {}) == 0
    assert not directory.exists()
    told = capsys.readouterr().out
    assert "would upload oracle/oracle-0.1.0-arm64.tar.gz (" in told
    assert "would copy guardian/guardian-latest.tar.gz (" in told
    assert "latest would be 0.1.0 (sequence 1)" in told


def test_json_report(archives: list[str], directory: Path, tmp_path: Path) -> None:
    report = tmp_path / "new" / "report.json"
    assert cli.main([*archives, "--to", str(directory), "--json", str(report)], {}) == 0
    found = json.loads(report.read_text())
    assert (found["schema"], found["destination"], found["dry_run"]) == (1, str(directory), False)
    assert [release["tier"] for release in found["releases"]] == list(TIERS)
    release = found["releases"][1]
    assert release["latest"] == {"version": "0.1.0", "sequence": 1, "moved": True, "reason": "the first version"}
    assert release["steps"][-1]["key"] == "oracle/latest.json"
    assert release["archives"]["amd64"]["size"] == Path(archives[2]).stat().st_size


def test_verify(archives: list[str], directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*archives, "--to", str(directory)], {}) == 0
    assert cli.main(["--verify", *TIERS, "--to", str(directory)], {}) == 0
    assert "oracle 0.1.0 (sequence 1): 17 objects are whole" in capsys.readouterr().out
    (directory / "oracle/oracle-0.1.0.tar.gz").write_bytes(b"rotten")
    assert cli.main(["--verify", *TIERS, "--to", str(directory)], {}) == 5
    assert "oracle/oracle-0.1.0.tar.gz must have the sha256" in capsys.readouterr().err
    assert cli.main(["--verify", "nobody", "--to", str(directory)], {}) == 2


def test_wrong_usage_is_exit_code_2(archives: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([], {}) == 2
    assert cli.main([*archives, "--verify", "oracle"], {}) == 2
    assert cli.main(archives, R2) == 2
    assert "- R2_ACCOUNT_ID:" in capsys.readouterr().err


def test_damaged_archive_is_exit_code_3_and_nothing_is_written(
    archives: list[str], directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(archives[-1]).write_bytes(b"rotten")
    assert cli.main([*archives, "--to", str(directory)], {}) == 3
    assert not directory.exists()
    assert "validator-0.1.0-arm64.tar.gz" in capsys.readouterr().err


def test_other_bytes_are_exit_code_4(directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for payload, code in ((b"one", 0), (b"two", 4)):
        archive = write_archive(tmp_path / payload.decode(), "0.1.0", payload=payload)
        assert cli.main([str(archive), "--to", str(directory)], {}) == code
    assert "bump VERSION" in capsys.readouterr().err


def test_refusing_store_is_exit_code_5(archives: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with refusing_server(403, "SignatureDoesNotMatch") as endpoint:
        assert cli.main([archives[0], "--endpoint", endpoint], R2) == 5
    told = capsys.readouterr().err
    assert "R2_SECRET_ACCESS_KEY" in told
    assert "very-secret" not in told


def test_publishes_to_a_bucket(
    archives: list[str], s3_endpoint: str, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    environment = {**R2, "R2_BUCKET_NAME": bucket, "NODEOS_S3_ENDPOINT": s3_endpoint}
    assert cli.main([archives[0], "--dry-run"], environment) == 0
    assert f"would publish to bucket {bucket} at {s3_endpoint}" in capsys.readouterr().out
    assert cli.main([archives[0]], environment) == 0
    assert cli.main(["--verify", "guardian"], environment) == 0


def test_uncommitted_build_is_noted(directory: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    archive = write_archive(tmp_path, "0.1.0", revision="0123-dirty")
    assert cli.main([str(archive), "--to", str(directory)], {}) == 0
    assert "nobody else can build it again" in capsys.readouterr().out


def test_uncommitted_build_is_refused_by_a_bucket(
    tmp_path: Path, s3_endpoint: str, bucket: str, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = write_archive(tmp_path, "0.1.0", revision="0123-dirty")
    environment = {**R2, "R2_BUCKET_NAME": bucket, "NODEOS_S3_ENDPOINT": s3_endpoint}
    assert cli.main([str(archive)], environment) == 3
    assert "Commit everything, build again" in capsys.readouterr().err
    assert cli.main([str(archive), "--dry-run"], environment) == 0


def test_report_that_cannot_be_written_is_told(archives: list[str], directory: Path, tmp_path: Path) -> None:
    assert cli.main([archives[0], "--to", str(directory), "--json", str(tmp_path)], {}) == 2


def test_interruption_is_no_traceback(
    archives: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "_publish", interrupt)
    assert cli.main(archives, {}) == 130
    assert "the same command goes on" in capsys.readouterr().err


def test_help_names_variables_and_exit_codes() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "publisher", "--help"],
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    for word in (*R2, "R2_ACCOUNT_ID", "NODEOS_S3_ENDPOINT", "exit codes", "--dry-run", "--allow-rollback"):
        assert word in done.stdout
