"""A publisher dies between any two steps: readers stay consistent, and a second run ends like an unkilled one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from itertools import chain, repeat
from pathlib import Path

import pytest
from botocore.awsrequest import AWSPreparedRequest

from publisher import keys
from publisher.example_archive import write_archive
from publisher.oci import parse_manifest
from publisher.reader import verify_latest
from publisher.release import Release
from publisher.retry import Pace, Retry
from publisher.s3_requests import Requests, connect
from publisher.s3_store import S3Store
from publisher.store import Store, no_progress
from publisher.testing import Bench, Killed, WatchedStore, files_of, killed_before, latest_of, quick_store


def check_readers(store: Store, allowed: tuple[str, ...]) -> None:
    """What everybody may rely on at every moment: latest.json leads to a whole version, and so does every tag."""
    verified = verify_latest(store, "oracle")
    assert verified is not None
    assert verified.pointer.version in allowed
    for tag in ("latest", *allowed):
        manifest = store.read(keys.manifest("oracle", tag))
        if manifest is None:
            continue
        parsed = parse_manifest(manifest.data)
        for blob in (parsed.config, *parsed.layers):
            seen = store.digest(keys.blob("oracle", blob.digest), no_progress)
            assert seen is not None
            assert f"sha256:{seen.sha256}" == blob.digest


def _writes(bench: Bench, root: Path, release: Release) -> int:
    watched = WatchedStore(quick_store(root))
    bench.publisher(watched).publish(release)
    return len(watched.writes)


def test_killed_between_any_two_steps(bench: Bench, tmp_path: Path) -> None:
    old, new = bench.release("0.1.0"), bench.release("0.2.0")
    before, unkilled = tmp_path / "before", tmp_path / "unkilled"
    bench.publisher(quick_store(before)).publish(old)
    shutil.copytree(before, unkilled)
    writes = _writes(bench, unkilled, new)
    assert writes > 10
    for write in range(writes):
        root = tmp_path / f"killed-{write}"
        shutil.copytree(before, root)
        store = quick_store(root)
        with pytest.raises(Killed):
            bench.publisher(killed_before(store, write)).publish(new)
        check_readers(store, ("0.1.0", "0.2.0"))
        # The switch is the last write: a run that did not end has not moved latest.
        found = latest_of(store)
        assert found is not None
        assert found.version == "0.1.0"
        bench.publisher(store).publish(new)
        assert files_of(root) == files_of(unkilled)


def test_killed_between_any_two_steps_of_the_very_first_publish(bench: Bench, tmp_path: Path) -> None:
    release = bench.release("0.1.0", architectures=("amd64", "arm64"))
    writes = _writes(bench, tmp_path / "unkilled", release)
    for write in range(writes):
        root = tmp_path / f"killed-{write}"
        store = quick_store(root)
        with pytest.raises(Killed):
            bench.publisher(killed_before(store, write)).publish(release)
        assert verify_latest(store, "oracle") is None
        bench.publisher(store).publish(release)
        assert files_of(root) == files_of(tmp_path / "unkilled")


def test_killed_twice_and_overtaken(bench: Bench, tmp_path: Path) -> None:
    """0.2.0 dies half way, 0.3.0 is published, 0.2.0 is run again: latest stays 0.3.0 and its copies with it."""
    middle, new = bench.release("0.2.0"), bench.release("0.3.0")
    writes = _writes(bench, tmp_path / "unkilled", middle)
    for write in range(0, writes, 3):
        store = quick_store(tmp_path / f"killed-{write}")
        bench.publisher(store).publish(bench.release("0.1.0"))
        with pytest.raises(Killed):
            bench.publisher(killed_before(store, write)).publish(middle)
        bench.publisher(store).publish(new)
        bench.publisher(store).publish(middle)
        check_readers(store, ("0.3.0", "0.2.0"))
        found = latest_of(store)
        assert found is not None
        assert (found.version, found.sequence) == ("0.3.0", 2)
        copy = store.digest("oracle/oracle-latest.tar.gz", no_progress)
        assert copy is not None
        assert copy.sha256 == new.builds["amd64"].archive.archive.sha256


def test_killed_between_any_two_requests_to_s3(bench: Bench, requests: Requests, s3_endpoint: str) -> None:
    """As above, but between requests, so also between the parts of a large archive: one kill after the other."""
    release = bench.release("0.2.0", os.urandom(6 << 20))
    bench.publisher(S3Store(requests)).publish(bench.release("0.1.0"))
    size = release.builds["amd64"].archive.archive.size
    kills = 0
    # Four writing requests make the archive; a run that dies before the fourth starts it anew. Then two by two.
    for limit in chain((1, 2, 3, 4), repeat(2)):
        dying = connect(s3_endpoint, "key", "secret")
        _die_after(dying, limit)
        quick = Requests(dying, requests.bucket, Retry(2, sleep=lambda seconds: None), Pace(sleep=lambda seconds: None))
        try:
            bench.publisher(S3Store(quick, multipart_from_bytes=size, part_bytes=5 << 20)).publish(release)
            break
        except Killed:
            kills += 1
            check_readers(S3Store(requests), ("0.1.0", "0.2.0"))
        finally:
            dying.close()
        assert kills < 50
    assert kills > 6
    found = latest_of(S3Store(requests))
    assert found is not None
    assert (found.version, found.sequence) == ("0.2.0", 2)
    check_readers(S3Store(requests), ("0.2.0",))


def _die_after(client: object, limit: int) -> None:
    sent = 0

    def count(request: AWSPreparedRequest, **_: object) -> None:
        nonlocal sent
        if request.method in ("GET", "HEAD"):
            return
        if sent == limit:
            raise Killed(request.url)
        sent += 1

    client.meta.events.register("before-send.s3", count)  # type: ignore[attr-defined]


def _publish(*archives: Path, to: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "publisher", *map(str, archives), "--to", str(to)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


@pytest.mark.parametrize("seen", ["oracle/oracle-0.2.0.tar.gz", "v2/noderr-oracle/manifests/0.2.0"])
def test_kill_9(bench: Bench, directory: Path, tmp_path: Path, seen: str) -> None:
    bench.publisher(quick_store(directory)).publish(bench.release("0.1.0"))
    archive = write_archive(tmp_path / "archives", "0.2.0", payload=os.urandom(6 << 20))
    with _publish(archive, to=directory) as process:
        deadline = time.monotonic() + 60
        while not (directory / seen).exists():
            assert process.poll() is None, process.stderr.read() if process.stderr else ""
            assert time.monotonic() < deadline
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    check_readers(quick_store(directory), ("0.1.0", "0.2.0"))
    with _publish(archive, to=directory) as again:
        _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors
    found = latest_of(quick_store(directory))
    assert found is not None
    assert found.version == "0.2.0"
    check_readers(quick_store(directory), ("0.2.0",))
    assert not [name for name in files_of(directory) if "object-" in name]
