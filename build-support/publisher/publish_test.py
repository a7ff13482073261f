"""What a reader may rely on, at both destinations."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from noderr.types import Version
from publisher import image as image_module
from publisher import keys
from publisher.directory_store import DirectoryStore
from publisher.errors import ArchivesDisagree, ObjectDamaged, VersionAlreadyPublished
from publisher.metadata import ARCHITECTURES
from publisher.pointer import Policy
from publisher.reader import verify_latest
from publisher.release import releases
from publisher.s3_requests import Requests
from publisher.s3_store import S3Store
from publisher.store import Store
from publisher.testing import Bench, WatchedStore, files_of, latest_of, quick_store

POINTER = keys.pointer("oracle")


def _text(store: Store, key: str) -> str:
    found = store.read(key)
    assert found is not None, key
    return found.data.decode()


def test_published_version_is_whole(bench: Bench, store: Store) -> None:
    release = bench.release("0.1.0")
    outcome = bench.publisher(store).publish(release)
    verified = verify_latest(store, "oracle")
    assert verified is not None
    assert outcome.moved
    assert outcome.latest == verified.pointer
    entry = verified.pointer.architectures["amd64"]
    archive = release.builds["amd64"].archive
    assert (entry.path, entry.sha256) == ("oracle/oracle-0.1.0.tar.gz", archive.archive.sha256)
    assert entry.image_id == archive.metadata.image.id
    assert (verified.pointer.revision, verified.pointer.published) == (release.revision, "2026-05-06T07:08:09Z")


def test_seed_keys(bench: Bench, store: Store) -> None:
    release = bench.release("0.1.0", architectures=("amd64", "arm64"))
    bench.publisher(store).publish(release)
    for architecture, suffix in (("amd64", ""), ("arm64", "-arm64")):
        archive = release.builds[architecture].archive  # type: ignore[index]
        for name in (f"oracle-0.1.0{suffix}.tar.gz", f"oracle-latest{suffix}.tar.gz"):
            seen = store.digest(f"oracle/{name}", lambda done: None)
            assert seen is not None
            assert seen.sha256 == archive.archive.sha256
            assert _text(store, f"oracle/{name}.sha256") == f"{archive.archive.sha256}  {name}\n"
            assert _text(store, f"oracle/{name}.json") == archive.metadata_file.read().decode()


def test_latest_switches_once(bench: Bench, store: Store) -> None:
    for version in ("0.1.0", "0.2.0"):
        watched = WatchedStore(store)
        bench.publisher(watched).publish(bench.release(version))
        assert watched.writes.count(POINTER) == 1
        assert watched.writes[-1] == POINTER


def test_versions_come_before_latest_and_blobs_before_tags(bench: Bench, local: DirectoryStore) -> None:
    watched = WatchedStore(local)
    bench.publisher(watched).publish(bench.release("0.1.0"))
    order = [
        "oracle/oracle-0.1.0.tar.gz",
        "oracle/oracle-0.1.0.tar.gz.sha256",
        "oracle/oracle-0.1.0.tar.gz.json",
        *(key for key in watched.writes if "/blobs/" in key),
        *(key for key in watched.writes if "/manifests/sha256:" in key),
        "v2/noderr-oracle/manifests/0.1.0-amd64",
        "v2/noderr-oracle/manifests/0.1.0",
        "oracle/oracle-latest.tar.gz",
        "oracle/oracle-latest.tar.gz.sha256",
        "oracle/oracle-latest.tar.gz.json",
        "v2/noderr-oracle/manifests/latest",
        "oracle/latest.json",
    ]
    assert watched.writes == order


def test_second_publish_of_equal_bytes_succeeds_and_writes_nothing(bench: Bench, store: Store) -> None:
    release = bench.release("0.1.0")
    first = bench.publisher(store).publish(release)
    watched = WatchedStore(store)
    second = bench.publisher(watched).publish(release)
    assert watched.writes == []
    assert (second.moved, second.latest) == (False, first.latest)


def test_second_publish_of_other_bytes_is_refused_and_writes_nothing(bench: Bench, store: Store) -> None:
    ours, theirs = bench.release("0.1.0", b"ours"), bench.release("0.1.0", b"theirs")
    bench.publisher(store).publish(theirs)
    watched = WatchedStore(store)
    with pytest.raises(VersionAlreadyPublished, match="bump VERSION") as raised:
        bench.publisher(watched).publish(ours)
    assert watched.writes == []
    assert raised.value.key == "oracle/oracle-0.1.0.tar.gz"
    assert raised.value.ours_sha256 == ours.builds["amd64"].archive.archive.sha256
    assert raised.value.theirs_sha256 == theirs.builds["amd64"].archive.archive.sha256


def test_dry_run_writes_nothing(bench: Bench, local: DirectoryStore, directory: Path) -> None:
    watched = WatchedStore(local)
    planned = bench.publisher(watched).rehearse(bench.release("0.1.0"))
    assert watched.writes == []
    assert not directory.exists()
    done = bench.publisher(watched).publish(bench.release("0.1.0"))
    assert [step.want.key for step in planned.steps] == watched.writes
    assert (planned.latest, planned.moved) == (done.latest, done.moved)


def test_older_version_leaves_latest_alone(bench: Bench, local: DirectoryStore) -> None:
    bench.publisher(local).publish(bench.release("0.2.0"))
    outcome = bench.publisher(local).publish(bench.release("0.1.0"))
    assert (outcome.moved, outcome.latest.version, outcome.latest.sequence) == (False, "0.2.0", 1)
    assert local.read("oracle/oracle-0.1.0.tar.gz.json") is not None
    assert "oracle-latest" in _text(local, "oracle/oracle-latest.tar.gz.sha256")
    assert latest_of(local) == outcome.latest


def test_rollback_moves_everything_back_and_the_sequence_on(bench: Bench, local: DirectoryStore) -> None:
    old = bench.release("0.1.0")
    for version in ("0.1.0", "0.2.0"):
        bench.publisher(local).publish(bench.release(version))
    outcome = bench.publisher(local, Policy(allow_rollback=True)).publish(old)
    assert (outcome.moved, outcome.latest.version, outcome.latest.sequence) == (True, "0.1.0", 3)
    assert verify_latest(local, "oracle") is not None
    sha256 = old.builds["amd64"].archive.archive.sha256
    assert _text(local, "oracle/oracle-latest.tar.gz.sha256").startswith(sha256)


def test_architectures_published_one_after_the_other_switch_when_complete(bench: Bench, local: DirectoryStore) -> None:
    bench.publisher(local).publish(bench.release("0.1.0", architectures=ARCHITECTURES))
    held = bench.publisher(local).publish(bench.release("0.2.0", architectures=("arm64",)))
    assert (held.moved, held.latest.version) == (False, "0.1.0")
    done = bench.publisher(local).publish(bench.release("0.2.0", architectures=("amd64",)))
    assert (done.moved, done.latest.version, list(done.latest.architectures)) == (True, "0.2.0", list(ARCHITECTURES))
    assert verify_latest(local, "oracle") is not None


def test_architecture_from_another_commit_is_refused(bench: Bench, local: DirectoryStore) -> None:
    bench.publisher(local).publish(bench.release("0.1.0"))
    (other,) = releases([bench.build("0.1.0", architecture="arm64", revision="f" * 40)])
    watched = WatchedStore(local)
    with pytest.raises(ArchivesDisagree, match="one version is one commit"):
        bench.publisher(watched).publish(other)
    assert watched.writes == []


def test_image_compressed_by_another_libdeflate_stays(
    bench: Bench, local: DirectoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    payload = b"compress me " * 500
    first = bench.release("0.1.0", payload)
    bench.publisher(local).publish(first)
    monkeypatch.setattr(image_module, "_LEVEL", 1)
    bench.folder /= "elsewhere"
    bench.folder.mkdir()
    again = bench.release("0.1.0", payload)
    assert again.builds["amd64"].image.manifest != first.builds["amd64"].image.manifest
    watched = WatchedStore(local)
    bench.publisher(watched).publish(again)
    assert watched.writes == []


def test_damaged_version_is_not_pointed_at(bench: Bench, directory: Path) -> None:
    store = quick_store(directory)
    bench.publisher(store).publish(bench.release("0.1.0"))
    (directory / "oracle/oracle-0.1.0.tar.gz").write_bytes(b"rotten")
    watched = WatchedStore(store)
    with pytest.raises(ObjectDamaged, match=r"oracle-0.1.0.tar.gz must have"):
        bench.publisher(watched).publish(bench.release("0.1.0", architectures=("arm64",)))
    assert watched.writes == []


def test_bytes_that_change_on_the_way_are_found_before_anything_points_at_them(bench: Bench, directory: Path) -> None:
    class Rotting(DirectoryStore):
        def put_new(self, key, content, headers, progress):  # type: ignore[no-untyped-def]
            super().put_new(key, content, headers, progress)
            if key.endswith(".tar.gz"):
                path = directory / key
                path.write_bytes(path.read_bytes()[:-1] + b"?")

    with pytest.raises(ObjectDamaged, match="reads back as"):
        bench.publisher(Rotting(directory)).publish(bench.release("0.1.0"))
    assert list(files_of(directory)) == ["oracle/oracle-0.1.0.tar.gz"]


def test_headers_tell_caches_what_may_change(bench: Bench, requests: Requests, s3_store: S3Store) -> None:
    bench.publisher(s3_store).publish(bench.release("0.1.0"))
    listed = requests.client.list_objects_v2(Bucket=requests.bucket)["Contents"]
    for found in listed:
        key = found["Key"]
        head = requests.client.head_object(Bucket=requests.bucket, Key=key)
        moving = "latest" in key or key.endswith("manifests/0.1.0")
        assert ("no-cache" if moving else "immutable") in head["CacheControl"], key
        seen = s3_store.digest(key, lambda done: None)
        assert seen is not None
        assert head["Metadata"]["sha256"] == seen.sha256


_folders = count()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.sampled_from(["0.1.0", "0.2.0", "0.2.1-rc.1", "0.10.0"]), st.booleans()), min_size=1, max_size=6
    )
)
def test_sequence_only_grows(bench: Bench, tmp_path: Path, publishes: list[tuple[str, bool]]) -> None:
    store = quick_store(tmp_path / f"release-{next(_folders)}")
    sequence, version = 0, "0.0.0"
    for wanted, rollback in publishes:
        outcome = bench.publisher(store, Policy(allow_rollback=rollback)).publish(bench.release(wanted))
        assert outcome.latest.sequence == sequence + outcome.moved
        assert outcome.moved == (outcome.latest.version != version)
        assert rollback or Version(outcome.latest.version) >= Version(version)
        assert latest_of(store) == outcome.latest
        assert verify_latest(store, "oracle") is not None
        sequence, version = outcome.latest.sequence, outcome.latest.version
