from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from base_image import lock as lock_program
from base_image.conftest import DATE, Deb, Page, Signer, SyntheticArchive, publish_suites
from base_image.errors import ArchiveError, DependencyError, LockEdited, LockStale, SignatureError
from base_image.http_client import HttpClient
from base_image.lock import check, refresh
from base_image.lock_file import Lock, read_lock
from base_image.signature import Verifier, find_keyring

NOW = DATE + timedelta(days=1)
IN_RELEASE = "/debian/dists/trixie/InRelease"


class Locking:
    """A signed archive, and the refresh of its locks."""

    def __init__(self, archive: SyntheticArchive, signer: Signer, client: HttpClient) -> None:
        self.archive = archive
        self.signer = signer
        self._client = client
        self.publish()

    def publish(self, valid_until: str = "") -> None:
        publish_suites(self.archive.server, self.archive.debs, self.signer, valid_until)

    def refresh(self, keyring: Path | None = None, now: datetime = NOW) -> list[Lock]:
        return refresh(
            self.archive.folder,
            mirror=self.archive.server.base,
            keyring=keyring or self.signer.keyring,
            environment={},
            client=self._client,
            now=now,
            apt=self.archive.folder / "no-apt",
        )


@pytest.fixture
def locking(archive: SyntheticArchive, signer: Signer, client: HttpClient) -> Locking:
    return Locking(archive, signer, client)


def test_a_refresh_locks_what_the_archive_offers(locking: Locking) -> None:
    archive = locking.archive
    archive.lock_path("amd64").unlink()
    archive.lock_path("arm64").write_text("edited by hand", encoding="utf-8")
    locking.refresh()
    for architecture in ("amd64", "arm64"):
        lock = read_lock(archive.lock_path(architecture))
        assert lock.packages == tuple(deb.locked for deb in archive.debs[architecture])
        assert lock.date == DATE
    assert [lock.architecture for lock in check(archive.folder)] == ["amd64", "arm64"]


def test_a_refresh_that_changes_nothing_writes_nothing(locking: Locking) -> None:
    locking.refresh()
    before = locking.archive.lock_path().stat().st_ino
    locking.refresh()
    assert locking.archive.lock_path().stat().st_ino == before


def test_a_lock_names_no_host(locking: Locking) -> None:
    locking.refresh()
    text = locking.archive.lock_path().read_text(encoding="utf-8")
    assert "127.0.0.1" not in text
    assert "http" not in text


def test_a_changed_release_file_is_refused(locking: Locking) -> None:
    page = locking.archive.server.pages[IN_RELEASE]
    page.body = page.body.replace(b"Acquire-By-Hash: yes", b"Acquire-By-Hash: no_")
    with pytest.raises(SignatureError, match=r"trixie/InRelease has no good signature .*BADSIG"):
        locking.refresh()


def test_a_release_file_without_signature_is_refused(locking: Locking) -> None:
    locking.archive.server.pages[IN_RELEASE] = Page(b"Codename: trixie\nDate: Sat, 10 Jan 2026 12:00:00 UTC\nSHA256:\n")
    with pytest.raises(SignatureError, match="no good signature"):
        locking.refresh()


def test_text_around_the_signed_part_is_not_believed(locking: Locking) -> None:
    page = locking.archive.server.pages[IN_RELEASE]
    verifier = Verifier(locking.signer.keyring)
    signed = verifier.signed_text("InRelease", page.body)
    assert "Codename: trixie\n" in signed
    assert verifier.signed_text("InRelease", b"Codename: sid\n\n" + page.body + b"\nCodename: sid\n") == signed


def test_a_key_that_is_not_in_the_keyring_is_refused(locking: Locking, tmp_path: Path) -> None:
    (tmp_path / "empty.gpg").touch()
    with pytest.raises(SignatureError, match="NO_PUBKEY"):
        locking.refresh(keyring=tmp_path / "empty.gpg")


def test_a_changed_index_is_refused(locking: Locking) -> None:
    path = next(path for path in locking.archive.server.pages if "trixie/main/binary-amd64" in path)
    locking.archive.server.pages[path] = Page(b"x" * len(locking.archive.server.pages[path].body))
    with pytest.raises(ArchiveError, match=r"binary-amd64/Packages\.xz has sha256 .* signed Release file says"):
        locking.refresh()


def test_a_stale_mirror_is_refused(locking: Locking) -> None:
    locking.publish("Valid-Until: Sun, 11 Jan 2026 00:00:00 UTC\n")
    with pytest.raises(ArchiveError, match="was valid until 2026-01-11 00:00 UTC"):
        locking.refresh()


def test_an_older_archive_than_the_locked_one_is_refused(locking: Locking) -> None:
    lock = locking.archive.lock_path()
    shutil.copy(lock, lock.with_suffix(".old"))
    locking.refresh()
    text = locking.archive.server.pages[IN_RELEASE].body
    signed = Verifier(locking.signer.keyring).signed_text("InRelease", text)
    for suite, archive in (("trixie", "debian"), ("trixie-updates", "debian"), ("trixie-security", "debian-security")):
        older = signed.replace("Codename: trixie", f"Codename: {suite}").replace("10 Jan 2026", "09 Jan 2026")
        page = Page(locking.signer.clearsign(older))
        locking.archive.server.pages[f"/{archive}/dists/{suite}/InRelease"] = page
    with pytest.raises(ArchiveError, match="use a mirror that is up to date"):
        locking.refresh()


def test_another_suite_than_asked_for_is_refused(locking: Locking) -> None:
    pages = locking.archive.server.pages
    pages[IN_RELEASE] = pages["/debian/dists/trixie-updates/InRelease"]
    with pytest.raises(ArchiveError, match="is of 'trixie-updates'"):
        locking.refresh()


def test_a_new_dependency_keeps_both_locks_as_they_are(locking: Locking) -> None:
    before = [locking.archive.lock_path(name).read_bytes() for name in ("amd64", "arm64")]
    locking.archive.debs["arm64"].append(Deb("libc6", {}, "2.42-1", depends="libnew1 (>= 1)"))
    locking.publish()
    with pytest.raises(DependencyError, match=r"libc6 depends on libnew1 \(>= 1\)"):
        locking.refresh()
    assert [locking.archive.lock_path(name).read_bytes() for name in ("amd64", "arm64")] == before


def test_check_finds_a_lock_edited_by_hand(archive: SyntheticArchive) -> None:
    path = archive.lock_path("arm64")
    path.write_text(path.read_text(encoding="utf-8").replace("2.41-1", "2.41-0"), encoding="utf-8")
    with pytest.raises(LockEdited, match=r"arm64\.lock was edited by hand"):
        check(archive.folder)


def test_check_finds_a_lock_older_than_the_list(archive: SyntheticArchive) -> None:
    (archive.folder / "packages.txt").write_text("libc6  # only\n", encoding="utf-8")
    with pytest.raises(LockStale, match=r"amd64\.lock is older than packages\.txt"):
        check(archive.folder)


def test_the_check_command_says_which_command_mends_it(
    archive: SyntheticArchive, capsys: pytest.CaptureFixture[str]
) -> None:
    assert lock_program.main(["--check", "--folder", str(archive.folder)]) == 0
    assert "amd64.lock: 7 packages of trixie" in capsys.readouterr().out
    archive.lock_path("arm64").unlink()
    assert lock_program.main(["--check", "--folder", str(archive.folder)]) == 1
    assert "./pants lock debian" in capsys.readouterr().err


def test_no_keyring_says_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match=r"apt-get install gpgv debian-archive-keyring"):
        find_keyring(None, {"NODEOS_DEBIAN_KEYRING": str(tmp_path / "none.gpg")})


def test_no_gpgv_says_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(SignatureError, match=r"gpgv-that-is-not-there is not installed.*apt-get install gpgv"):
        Verifier(tmp_path / "keys.gpg", program="gpgv-that-is-not-there")


def test_the_committed_locks_are_in_order() -> None:
    folder = Path("3rdparty/debian")
    if not (folder / "packages.txt").is_file():
        pytest.skip("not run from the repository's root with 3rdparty/debian beside it")
    assert [lock.python_version.rpartition(".")[0] for lock in check(folder)] == ["3.13", "3.13"]
    assert datetime.now(UTC) > check(folder)[0].date
