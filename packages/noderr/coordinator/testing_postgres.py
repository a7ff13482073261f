"""A real PostgreSQL for tests: a server of their own in a new folder, reached over a socket in it."""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self, TypedDict

import pytest
from sqlalchemy.engine import URL

_USER = "postgres"
_PREFIX = "noderr-pg-"
_SECONDS = 60


def find_postgres() -> Path | None:
    """Where the newest `initdb` and `postgres` are."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    # Debian keeps them off PATH, a folder a version.
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = [folder for folder in folders if all((folder / name).is_file() for name in ("initdb", "postgres"))]
    return found[-1] if found else None


def postgres_programs() -> Path:
    """The same for a test, which skips without them; `NODEOS_REQUIRE_POSTGRES=1` forbids that."""
    found = find_postgres()
    if found is None:
        reason = "no PostgreSQL server here; .ci/postgres installs it"
        if os.environ.get("NODEOS_REQUIRE_POSTGRES") == "1":
            pytest.fail(f"NODEOS_REQUIRE_POSTGRES=1, and {reason}")
        pytest.skip(reason)
    return found


def _locked(folder: Path) -> int:
    """A descriptor that holds the folder for as long as this process lives. Raises `OSError` when another's does."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_left_folders() -> None:
    """Those of killed test runs, whose servers ended with them."""
    for lock in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/lock"):
        # One that is held is in use; one that is gone or closed to us is somebody else's to remove.
        with contextlib.suppress(OSError):
            descriptor = _locked(lock.parent)
            try:
                shutil.rmtree(lock.parent)
            finally:
                os.close(descriptor)


class _AsUser(TypedDict):
    """For `subprocess`: as whom a program runs."""

    user: str | None
    group: str | None
    extra_groups: list[str] | None


class PostgresServer:
    """Started when the block begins; stopped, and its folder deleted, when it ends."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # It refuses to run as root, so root starts it as the user that Debian makes for it.
        self._user = _USER if os.geteuid() == 0 else None
        # Not pytest's folder, which only this user may enter; and short, as the path of a socket must be.
        _remove_left_folders()
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._lock = _locked(self._folder)
        self._numbers = itertools.count(1)
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        options = ("--auth", "trust", "--encoding", "UTF8", "--no-sync", "--no-locale", "--pgdata", str(self._data))
        self._call("initdb", "--username", _USER, *options)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        shutil.rmtree(self._folder)
        os.close(self._lock)

    def start(self) -> None:
        """Return when it answers."""
        settings = {"listen_addresses": "", "unix_socket_directories": str(self._folder), "max_connections": "60"}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        # Whoever kills the tests (a time limit, a cancelled build) ends the server too.
        command = ["setpriv", "--pdeathsig", "QUIT", str(self._programs / "postgres"), "-D", str(self._data), *options]
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self._folder, **self._as_user()
            )
        end = time.monotonic() + _SECONDS
        while self._run("pg_isready", "--host", str(self._folder)).returncode:
            if self._server.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the server does not start:\n{(self._folder / 'log').read_text()}")
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, as if it had crashed."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(_SECONDS)
            self._server = None

    def new_database(self) -> URL:
        """The address of a new, empty database."""
        name = f"test{next(self._numbers)}"
        self._call("createdb", "--host", str(self._folder), "--username", _USER, name)
        return URL.create("postgresql+psycopg", username=_USER, database=name, query={"host": str(self._folder)})

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _as_user(self) -> _AsUser:
        return {"user": self._user, "group": self._user, "extra_groups": [] if self._user else None}

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(self._programs / program), *arguments]
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd=self._folder,
            timeout=_SECONDS,
            check=False,
            **self._as_user(),
        )

    def _call(self, program: str, *arguments: str) -> None:
        done = self._run(program, *arguments)
        if done.returncode:
            raise RuntimeError(f"{program} failed ({done.returncode}):\n{done.stdout}{done.stderr}")
