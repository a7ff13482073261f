"""A small Debian archive made in the test: packages, a mirror on loopback, and a throw-away key that signs it."""

from __future__ import annotations

import hashlib
import io
import lzma
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from base_image.http_client import HttpClient, Patience
from base_image.layout import ARCHITECTURES, Architecture, host_architecture
from base_image.lock_file import Lock, LockedPackage, render_lock
from base_image.package_list import read_package_list

DATE = datetime(2026, 1, 10, 12, 0, tzinfo=UTC)


@dataclass
class Page:
    """What the mirror answers at one path: `cut_at` ends the body early, `silent` never sends it."""

    body: bytes
    status: int = 200
    cut_at: int | None = None
    silent: bool = False


class MirrorServer:
    """A mirror on loopback; `pages` may be changed at any time, `asked` lists the paths asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.asked: list[str] = []
        self._stopping = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                page = outer.pages.get(self.path, Page(b"", 404))
                if page.silent:
                    outer._stopping.wait(30)
                    return
                self.send_response(page.status)
                self.send_header("Content-Length", str(len(page.body)))
                self.end_headers()
                self.wfile.write(page.body[: page.cut_at])

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.base = f"http://127.0.0.1:{self._server.server_port}/debian"

    def stop(self) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@dataclass
class Deb:
    """One synthetic package. File contents by path; a str that begins with `->` is a link, one with `=` a hard link."""

    name: str
    files: dict[str, bytes | str]
    version: str = "1.0-1"
    architecture: str = "all"
    depends: str = ""
    content: bytes = field(default=b"", init=False)

    def __post_init__(self) -> None:
        self.control = f"Package: {self.name}\nVersion: {self.version}\nArchitecture: {self.architecture}\n"
        if self.depends:
            self.control += f"Depends: {self.depends}\n"
        control = _tar({"control": self.control.encode(), "postinst": b"#!/bin/sh\nexit 1\n"})
        members = {"debian-binary": b"2.0\n", "control.tar.xz": control, "data.tar.xz": _tar(self.files)}
        self.content = b"!<arch>\n" + b"".join(_ar_member(name, data) for name, data in members.items())

    @property
    def path(self) -> str:
        return f"pool/main/{self.name[0]}/{self.name}/{self.name}_{self.version}_{self.architecture}.deb"

    @property
    def locked(self) -> LockedPackage:
        digest = hashlib.sha256(self.content).hexdigest()
        return LockedPackage(self.name, self.version, self.architecture, "debian", self.path, len(self.content), digest)

    @property
    def paragraph(self) -> str:
        locked = self.locked
        return f"{self.control}Filename: {self.path}\nSize: {locked.size}\nSHA256: {locked.sha256}\n"


def _ar_member(name: str, data: bytes) -> bytes:
    header = f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
    return header + data + b"\n" * (len(data) % 2)


def _tar(files: dict[str, bytes | str]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", preset=0) as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(f"./{path}")
            info.mode = 0o755 if "/bin/" in path or path.endswith(".so.2") or path.endswith(".so.1") else 0o644
            if isinstance(content, str):
                info.type = tarfile.SYMTYPE if content.startswith("->") else tarfile.LNKTYPE
                info.linkname = content.removeprefix("->") if content.startswith("->") else f"./{content[1:]}"
            else:
                info.size = len(content)
            archive.addfile(info, io.BytesIO(content) if isinstance(content, bytes) else None)
    return out.getvalue()


def base_debs(architecture: Architecture) -> list[Deb]:
    """The packages of a base that can be built: its "loader" starts the Python that runs this test."""
    library, stdlib = architecture.libraries, "usr/lib/python3.13"
    # Called as `loader --inhibit-cache --library-path DIR PROGRAM ARGUMENT…`.
    loader = f'#!/bin/sh\nshift 4\nunset PYTHONHOME\nexec {sys.executable} "$@"\n'.encode()
    certificates = {f"usr/share/ca-certificates/mozilla/{name}.crt": name.encode() * 9 + b"\n\n" for name in "BA"}
    return [
        Deb("base-files", {"usr/lib/os-release": b"ID=debian\n", "etc/profile": b"PATH=/bin\n"}),
        Deb("ca-certificates", {**certificates, "usr/sbin/update-ca-certificates": b"#!/bin/sh\n"}),
        Deb("dash", {"bin/sh": b"a shell", "usr/bin/dash": b"a shell"}),
        Deb("dpkg", {"usr/bin/dpkg": b"a package manager", "usr/bin/perl": b"\x7fELF", "etc/dpkg/dpkg.cfg": b""}),
        Deb(
            "libc6",
            {f"{library}/{architecture.loader}": loader, f"{library}/gconv/IBM1.so": b"table"},
            "2.41-1",
            architecture.name,
        ),
        Deb(
            "python3.13-minimal",
            {
                "usr/bin/python3.13": b"python",
                f"{stdlib}/json/__init__.py": b'"""JSON."""\nANSWER = {"a", "b", "c", 42}\n',
                f"{stdlib}/os.py": b"def name() -> str:\n    return 'posix'\n",
                f"{stdlib}/test/test_os.py": b"assert True\n",
                f"{stdlib}/idlelib/idle.py": b"pass\n",
                "usr/share/doc/python3.13-minimal/copyright": b"Python is free.\n",
                "usr/share/man/man1/python3.13.1.gz": b"manual",
            },
            "3.13.5-2",
            architecture.name,
        ),
        Deb(
            "tzdata",
            {
                "usr/share/zoneinfo/Europe/Berlin": b"TZif2 berlin",
                "usr/share/zoneinfo/Europe/Oslo": "=usr/share/zoneinfo/Europe/Berlin",
                "usr/share/zoneinfo/Arctic": "->Europe",
                "usr/share/zoneinfo/right/Europe/Berlin": b"TZif2 leap",
            },
        ),
    ]


class SyntheticArchive:
    """The packages of all architectures, published on `server`, with packages.txt and locks in `folder`."""

    def __init__(self, server: MirrorServer, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.debs = {name: base_debs(architecture) for name, architecture in ARCHITECTURES.items()}
        for debs in self.debs.values():
            for deb in debs:
                server.pages[f"/debian/{deb.path}"] = Page(deb.content)
        names = [deb.name for deb in self.debs["amd64"]]
        (folder / "packages.txt").write_text("".join(f"{name}  # for the test\n" for name in names), encoding="utf-8")

    def deb(self, name: str, architecture: str | None = None) -> Deb:
        debs = self.debs[architecture or host_architecture().name]
        return next(deb for deb in debs if deb.name == name)

    def page(self, name: str) -> Page:
        return self.server.pages[f"/debian/{self.deb(name).path}"]

    def lock_path(self, architecture: str | None = None) -> Path:
        return self.folder / f"{architecture or host_architecture().name}.lock"

    def write_locks(self) -> None:
        listed = read_package_list(self.folder / "packages.txt")
        for name, debs in self.debs.items():
            packages = tuple(deb.locked for deb in debs)
            lock = Lock("trixie", name, DATE, listed.sha256, packages)
            self.lock_path(name).write_text(render_lock(lock), encoding="utf-8")


class Signer:
    """A key that exists for one test run; `keyring` holds its public half."""

    def __init__(self, home: Path) -> None:
        self._gpg = ["gpg", "--homedir", str(home), "--batch", "--quiet", "--pinentry-mode", "loopback"]
        self._run(["--passphrase", "", "--quick-generate-key", "archive@test.invalid", "ed25519", "sign"])
        self.keyring = home / "keyring.gpg"
        self.keyring.write_bytes(self._run(["--export"]))

    def clearsign(self, text: str) -> bytes:
        return self._run(["--passphrase", "", "--clearsign"], text.encode())

    def _run(self, arguments: list[str], stdin: bytes = b"") -> bytes:
        return subprocess.run([*self._gpg, *arguments], input=stdin, capture_output=True, check=True, timeout=60).stdout


def publish_suites(server: MirrorServer, debs: dict[str, list[Deb]], signer: Signer, valid_until: str = "") -> None:
    """Write the three suites' signed Release files and indexes; all packages are in the first."""
    suites = {"trixie": "debian", "trixie-updates": "debian", "trixie-security": "debian-security"}
    for suite, archive in suites.items():
        release = (
            f"Codename: {suite}\nDate: Sat, 10 Jan 2026 12:00:00 UTC\n{valid_until}Acquire-By-Hash: yes\nSHA256:\n"
        )
        for architecture, packages in debs.items():
            text = "\n".join(deb.paragraph for deb in packages) if suite == "trixie" else ""
            index = lzma.compress(text.encode(), preset=0)
            digest = hashlib.sha256(index).hexdigest()
            release += f" {digest} {len(index)} main/binary-{architecture}/Packages.xz\n"
            by_hash = f"main/binary-{architecture}/by-hash/SHA256/{digest}"
            server.pages[f"/{archive}/dists/{suite}/{by_hash}"] = Page(index)
        server.pages[f"/{archive}/dists/{suite}/InRelease"] = Page(signer.clearsign(release))


@pytest.fixture
def server() -> Iterator[MirrorServer]:
    running = MirrorServer()
    yield running
    running.stop()


@pytest.fixture
def archive(server: MirrorServer, tmp_path: Path) -> SyntheticArchive:
    """A published archive with locks that fit it."""
    if platform.machine() not in ("x86_64", "aarch64"):
        pytest.skip(f"base images are not built on {platform.machine()}")
    folder = tmp_path / "debian"
    folder.mkdir()
    made = SyntheticArchive(server, folder)
    made.write_locks()
    return made


@pytest.fixture
def client() -> HttpClient:
    """Impatient, and without pauses between tries."""
    return HttpClient(Patience(silence_seconds=0.3, total_seconds=5, tries=2), sleep=lambda _seconds: None)


@pytest.fixture(scope="session")
def signer() -> Iterator[Signer]:
    for program in ("gpg", "gpgv", "gpgconf"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed: signatures are tested where it is")
    # Not below pytest's folder: the agent's socket must have a short path.
    with tempfile.TemporaryDirectory(prefix="nodeos-gpg-", ignore_cleanup_errors=True) as home:
        yield Signer(Path(home))
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True, timeout=60)
