"""The publisher's command line against a real S3 server that checks signatures."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from publisher.example_archive import write_archive
from tests.publish.client import Client
from tests.publish.radosgw import User

ARCHIVE = "oracle/oracle-0.1.0.tar.gz"
COPIES = {f"oracle/oracle-latest.tar.gz{suffix}" for suffix in ("", ".sha256", ".json")}
MOVING = {*COPIES, "oracle/latest.json", "v2/noderr-oracle/manifests/latest"}
PROCESS_SECONDS = 60.0


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A small archive of 0.1.0."""
    return write_archive(tmp_path / "first", "0.1.0")


def check_pairs(client: Client, folder: Path) -> int:
    """Download every archive with its checksum file and let sha256sum check them; the number of pairs."""
    folder.mkdir()
    pairs = [key for key in client.listing() if key.endswith(".sha256")]
    for key in pairs:
        for name in (key, key.removesuffix(".sha256")):
            (folder / Path(name).name).write_bytes(client.get(name))
        subprocess.run(["sha256sum", "--check", "--strict", Path(key).name], cwd=folder, timeout=60, check=True)
    return len(pairs)


def check_latest(client: Client, version: str) -> None:
    """latest.json, the copies and the tag are of this version, and everything it leads to is whole."""
    assert client.run("--verify", "oracle") == 0
    latest = client.latest()
    archive = latest["architectures"]["amd64"]
    assert latest["version"] == version
    assert hashlib.sha256(client.get("oracle/oracle-latest.tar.gz")).hexdigest() == archive["sha256"]
    assert hashlib.sha256(client.get(f"oracle/{Path(archive['path']).name}")).hexdigest() == archive["sha256"]
    metadata = json.loads(client.get("oracle/oracle-latest.tar.gz.json"))
    assert metadata["version"] == version
    tags = [client.get(f"v2/noderr-oracle/manifests/{tag}") for tag in ("latest", version)]
    assert tags[0] == tags[1]


def test_published_and_verified(client: Client, first: Path, tmp_path: Path) -> None:
    assert client.run(first) == 0
    assert client.get(ARCHIVE) == first.read_bytes()
    head = client.s3.head_object(Bucket=client.bucket, Key=ARCHIVE)
    assert head["CacheControl"] == "public, max-age=31536000, immutable"
    assert head["Metadata"] == {"sha256": hashlib.sha256(first.read_bytes()).hexdigest()}
    assert check_pairs(client, tmp_path / "downloaded") == 2
    check_latest(client, "0.1.0")


def test_published_again_changes_nothing(client: Client, first: Path) -> None:
    assert client.run(first) == 0
    before = client.listing()
    assert client.run(first) == 0
    assert client.listing() == before
    assert client.latest()["sequence"] == 1


def test_same_version_with_other_bytes_is_refused(
    client: Client, first: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.run(first) == 0
    before = client.listing()
    assert client.run(write_archive(tmp_path / "other", "0.1.0", payload=b"other")) == 4
    assert f"{ARCHIVE} is published with other bytes" in capsys.readouterr().err
    assert client.listing() == before


def test_newer_version_moves_only_the_latest(client: Client, first: Path, tmp_path: Path) -> None:
    assert client.run(first) == 0
    before = client.listing()
    assert client.run(write_archive(tmp_path / "second", "0.2.0", payload=b"new")) == 0
    after = client.listing()
    assert {key for key in before if after[key] != before[key]} == MOVING
    assert client.latest()["sequence"] == 2
    assert check_pairs(client, tmp_path / "downloaded") == 3
    check_latest(client, "0.2.0")
    # An older version stays where it is and does not come back.
    assert client.run(first) == 0
    assert client.listing() == after


def test_large_archive_goes_in_parts(client: Client, first: Path, large: Path, tmp_path: Path) -> None:
    assert client.run(first) == 0
    assert client.run(large) == 0
    etag, _ = client.listing()["oracle/oracle-0.2.0.tar.gz"]
    assert etag.endswith('-5"'), "one upload of five parts: 16 MiB each, the last smaller"
    before = client.listing()
    assert client.run(large) == 0
    assert client.listing() == before
    assert client.parts_sent() == 0
    assert check_pairs(client, tmp_path / "downloaded") == 3
    check_latest(client, "0.2.0")


def test_wrong_secret(client: Client, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.run(first, R2_SECRET_ACCESS_KEY="of-another-key") == 5
    said = capsys.readouterr().err
    assert "R2_SECRET_ACCESS_KEY" in said
    assert "of-another-key" not in said
    assert client.listing() == {}


def test_wrong_access_key(client: Client, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.run(first, R2_ACCESS_KEY_ID="nobody") == 5
    assert "R2_ACCESS_KEY_ID" in capsys.readouterr().err
    assert client.listing() == {}


def test_bucket_that_does_not_exist(client: Client, first: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.run(first, R2_BUCKET_NAME="no-such-bucket") == 5
    said = capsys.readouterr().err
    assert "has no bucket 'no-such-bucket'" in said
    assert "R2_BUCKET_NAME" in said


def test_bucket_of_another_user(
    new_client: Callable[[User], Client],
    client: Client,
    stranger: User,
    first: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    theirs = new_client(stranger)
    assert client.run(first, R2_BUCKET_NAME=theirs.bucket) == 5
    assert f"The credentials may not use bucket '{theirs.bucket}'" in capsys.readouterr().err
    assert theirs.listing() == {}


def test_kill_9_in_mid_upload(client: Client, first: Path, large: Path, tmp_path: Path) -> None:
    assert client.run(first) == 0
    before = client.listing()
    with client.spawn(large) as process:
        deadline = time.monotonic() + PROCESS_SECONDS
        while client.parts_sent() == 0:
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < deadline
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert client.parts_sent() > 0, "killed after the upload"
    # Readers see what they saw before: an object that is half there is no object.
    assert {key: client.listing()[key] for key in before} == before
    check_latest(client, "0.1.0")
    assert client.run(large) == 0
    assert client.latest()["sequence"] == 2
    assert check_pairs(client, tmp_path / "downloaded") == 3
    check_latest(client, "0.2.0")


def test_two_publishers_at_once(client: Client, first: Path, tmp_path: Path) -> None:
    assert client.run(first) == 0
    archives = [write_archive(tmp_path / version, version) for version in ("0.2.0", "0.3.0")]
    processes = [client.spawn(archive) for archive in archives]
    for process in processes:
        with process:
            _, said = process.communicate(timeout=PROCESS_SECONDS)
        assert process.returncode == 0, said.decode()
    assert client.latest()["sequence"] in (2, 3)
    assert check_pairs(client, tmp_path / "downloaded") == 4
    check_latest(client, "0.3.0")
