"""Two publishers at once: nobody overwrites a version, `latest` ends at the newest, and its copies with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec
import pytest

from publisher import keys
from publisher.directory_store import DirectoryStore
from publisher.errors import CompetingPublisher, VersionAlreadyPublished
from publisher.metadata import ARCHITECTURES
from publisher.pointer import parse_pointer
from publisher.reader import verify_latest
from publisher.release import Release
from publisher.store import Headers, Progress, Seen, Store, no_progress
from publisher.testing import Bench, WatchedStore, latest_of, quick_store

POINTER = keys.pointer("oracle")
COPY = "oracle/oracle-latest.tar.gz"


def _at(store: Store, write: int, competitor: Callable[[], object]) -> WatchedStore:
    """A store in which the competitor does all its work just before the publisher's `write`-th write."""

    def before(number: int, key: str) -> None:
        if number == write:
            competitor()

    return WatchedStore(store, before)


def _check_latest(store: Store, version: str, sha256: str) -> None:
    verified = verify_latest(store, "oracle")
    assert verified is not None
    assert verified.pointer.version == version
    copy, text = store.digest(COPY, no_progress), store.read(f"{COPY}.sha256")
    tag, version_tag = (store.read(keys.manifest("oracle", name)) for name in ("latest", version))
    assert copy is not None
    assert text is not None
    assert tag is not None
    assert version_tag is not None
    assert copy.sha256 == sha256
    assert text.data.decode() == f"{sha256}  oracle-latest.tar.gz\n"
    assert tag.data == version_tag.data


def _compete(bench: Bench, store: Store, write: int) -> bool:
    """0.2.0 is interrupted by a whole publish of 0.3.0. False when 0.2.0 has fewer writes than that."""
    ours, theirs = bench.release("0.2.0"), bench.release("0.3.0")
    bench.publisher(store).publish(bench.release("0.1.0"))
    watched = _at(store, write, lambda: bench.publisher(store).publish(theirs))
    outcome = bench.publisher(watched).publish(ours)
    if len(watched.writes) <= write:
        return False
    assert (outcome.moved, outcome.latest.version, outcome.latest.sequence) == (False, "0.3.0", 2)
    _check_latest(store, "0.3.0", theirs.builds["amd64"].archive.archive.sha256)
    return True


def test_newer_version_published_between_any_two_steps(bench: Bench, tmp_path: Path) -> None:
    write = 0
    while _compete(bench, quick_store(tmp_path / f"release-{write}"), write):
        write += 1
    assert write > 10


def test_newer_version_published_just_before_the_switch_on_s3(bench: Bench, s3_store: Store) -> None:
    ours, theirs = bench.release("0.2.0"), bench.release("0.3.0")
    bench.publisher(s3_store).publish(bench.release("0.1.0"))
    pending = [POINTER]

    def compete(number: int, key: str) -> None:
        if key in pending:
            pending.remove(key)
            bench.publisher(s3_store).publish(theirs)

    outcome = bench.publisher(WatchedStore(s3_store, compete)).publish(ours)
    assert pending == []
    assert (outcome.moved, outcome.latest.version) == (False, "0.3.0")
    _check_latest(s3_store, "0.3.0", theirs.builds["amd64"].archive.archive.sha256)


def test_newer_version_published_between_the_decision_and_the_look(bench: Bench, local: DirectoryStore) -> None:
    """The switch holds for the latest.json that was decided on, not for one that was seen later."""
    ours, theirs = bench.release("0.2.0"), bench.release("0.3.0")
    bench.publisher(local).publish(bench.release("0.1.0"))
    pending = [POINTER]

    class Slow(WatchedStore):
        def digest(self, key: str, progress: Progress, known: Seen | None = None) -> Seen | None:
            if key in pending:
                pending.remove(key)
                bench.publisher(local).publish(theirs)
            return super().digest(key, progress, known)

    outcome = bench.publisher(Slow(local)).publish(ours)
    assert (pending, outcome.moved, outcome.latest.version, outcome.latest.sequence) == ([], False, "0.3.0", 2)
    _check_latest(local, "0.3.0", theirs.builds["amd64"].archive.archive.sha256)


def test_overwritten_copy_does_not_hold_up_the_switch(bench: Bench, local: DirectoryStore, directory: Path) -> None:
    """Else two publishers could overwrite each other's copies for ever, and neither would get to latest.json."""
    release = bench.release("0.2.0")
    bench.publisher(local).publish(bench.release("0.1.0"))

    def overwrite(number: int, key: str) -> None:
        if key == f"{COPY}.sha256" and number < 20:
            (directory / key).write_text("theirs")

    watched = WatchedStore(local, overwrite)
    outcome = bench.publisher(watched).publish(release)
    first = watched.writes.index(f"{COPY}.sha256")
    assert POINTER in watched.writes[first : first + 4]
    assert (outcome.moved, outcome.latest.version) == (True, "0.2.0")
    assert "latest.json will decide" in bench.log.getvalue()
    _check_latest(local, "0.2.0", release.builds["amd64"].archive.archive.sha256)


def _refused(bench: Bench, store: Store, release: Release) -> list[str]:
    """Publish, and return the key that was refused."""
    try:
        bench.publisher(store).publish(release)
    except VersionAlreadyPublished as error:
        return [error.key]
    return []


def test_same_version_with_other_bytes_between_any_two_steps(bench: Bench, tmp_path: Path) -> None:
    """Whoever has the archive's key first has the version; the other is refused and has written nothing of it."""
    ours, theirs = bench.release("0.2.0", b"ours"), bench.release("0.2.0", b"theirs")
    key = "oracle/oracle-0.2.0.tar.gz"
    for write in range(12):
        store = quick_store(tmp_path / f"release-{write}")
        they: list[list[str]] = []
        compete = partial(lambda store, they: they.append(_refused(bench, store, theirs)), store, they)
        we = _refused(bench, _at(store, write, compete), ours)
        assert (we, they) == (([], [[key]]) if write else ([key], [[]]))
        winner = ours if write else theirs
        _check_latest(store, "0.2.0", winner.builds["amd64"].archive.archive.sha256)


def test_equal_bytes_from_two_publishers_at_any_step(bench: Bench, tmp_path: Path) -> None:
    release = bench.release("0.2.0")
    for write in range(12):
        store = quick_store(tmp_path / f"release-{write}")
        compete = partial(bench.publisher(store).publish, release)
        bench.publisher(_at(store, write, compete)).publish(release)
        _check_latest(store, "0.2.0", release.builds["amd64"].archive.archive.sha256)
        found = latest_of(store)
        assert found is not None
        assert found.sequence == 1


def test_other_architecture_published_between_any_two_steps(bench: Bench, tmp_path: Path) -> None:
    ours, theirs = (bench.release("0.2.0", b"same", architectures=(name,)) for name in ARCHITECTURES)
    for write in range(14):
        store = quick_store(tmp_path / f"release-{write}")
        compete = partial(bench.publisher(store).publish, theirs)
        bench.publisher(_at(store, write, compete)).publish(ours)
        found = latest_of(store)
        assert found is not None
        assert list(found.architectures) == list(ARCHITECTURES)
        _check_latest(store, "0.2.0", ours.builds["amd64"].archive.archive.sha256)


def _together(*actions: Callable[[], object]) -> list[BaseException]:
    """Run actions in threads that start at once, and return what they raised."""
    gate, raised = threading.Barrier(len(actions)), list[BaseException]()

    def run(action: Callable[[], object]) -> None:
        gate.wait()
        try:
            action()
        except BaseException as error:
            raised.append(error)

    threads = [threading.Thread(target=run, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised


def test_publishers_of_many_versions_at_once(bench: Bench, tmp_path: Path) -> None:
    found = [bench.release(f"0.{number}.0") for number in range(1, 5)]
    for attempt in range(4):
        root = tmp_path / f"release-{attempt}"
        publishers = [bench.publisher(quick_store(root)) for _ in found]
        raised = _together(*(partial(p.publish, release) for p, release in zip(publishers, found, strict=True)))
        assert raised == []
        _check_latest(quick_store(root), "0.4.0", found[-1].builds["amd64"].archive.archive.sha256)


def test_publishers_of_one_version_at_once(bench: Bench, tmp_path: Path) -> None:
    found = [bench.release("0.1.0", payload) for payload in (b"a", b"b", b"c")]
    for attempt in range(4):
        root = tmp_path / f"release-{attempt}"
        publishers = [bench.publisher(quick_store(root)) for _ in found]
        raised = _together(*(partial(p.publish, release) for p, release in zip(publishers, found, strict=True)))
        assert [type(error) for error in raised] == [VersionAlreadyPublished] * 2
        pointer = latest_of(quick_store(root))
        assert pointer is not None
        _check_latest(quick_store(root), "0.1.0", pointer.architectures["amd64"].sha256)


def test_reader_during_publishes(bench: Bench, local: DirectoryStore) -> None:
    bench.publisher(local).publish(bench.release("0.0.1"))
    found = [bench.release(f"0.{number}.0") for number in range(1, 8)]
    done = threading.Event()
    seen: list[int] = []

    def read() -> None:
        while not done.is_set():
            verified = verify_latest(local, "oracle")
            assert verified is not None
            seen.append(verified.pointer.sequence)

    def publish() -> None:
        try:
            for release in found:
                bench.publisher(local).publish(release)
        finally:
            done.set()

    assert _together(read, publish) == []
    assert seen == sorted(seen)
    assert len(seen) > 5


def test_competitor_that_never_rests_is_told(bench: Bench, local: DirectoryStore) -> None:
    bench.publisher(local).publish(bench.release("0.1.0"))

    def bump(number: int, key: str) -> None:
        """Somebody rewrites latest.json whenever we are about to."""
        if key == POINTER:
            small = local.read(POINTER)
            assert small is not None
            now = parse_pointer(small.data, POINTER)
            changed = msgspec.structs.replace(now, sequence=now.sequence + 1)
            local.put_if_match(POINTER, changed.content(), Headers("", ""), small.etag)

    with pytest.raises(CompetingPublisher, match="run it again"):
        bench.publisher(WatchedStore(local, bump)).publish(bench.release("0.2.0"))
    assert verify_latest(local, "oracle") is not None
