"""A real PostgreSQL for tests: a server of their own in a new folder, reached over a socket in it."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest
from sqlalchemy.engine import URL

_USER = "postgres"
_SECONDS = 60


def postgres_programs() -> Path:
    """Where `initdb` and `pg_ctl` are. Without them the test skips; `NODEOS_REQUIRE_POSTGRES=1` forbids that."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    # Debian keeps them off PATH, a folder a version.
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    found = [folder for folder in folders if all((folder / name).is_file() for name in ("initdb", "pg_ctl"))]
    if not found:
        reason = "no PostgreSQL server here; .ci/postgres installs it"
        if os.environ.get("NODEOS_REQUIRE_POSTGRES") == "1":
            pytest.fail(f"NODEOS_REQUIRE_POSTGRES=1, and {reason}")
        pytest.skip(reason)
    return found[-1]


class PostgresServer:
    """Started when the block begins; stopped, and its folder deleted, when it ends."""

    def __init__(self, programs: Path) -> None:
        self._programs = programs
        # It refuses to run as root, so root starts it as the user that Debian makes for it.
        self._user = _USER if os.geteuid() == 0 else None
        # Not pytest's folder, which only this user may enter; and short, as the path of a socket must be.
        self._folder = Path(tempfile.mkdtemp(prefix="noderr-pg-"))
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self._call("initdb", "--username", _USER, "--auth", "trust", "--encoding", "UTF8", "--no-sync", "--no-locale")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories='{self._folder}' -c max_connections=60"
        self._call("pg_ctl", "start", "--wait", "--log", str(self._folder / "log"), "--options", options)

    def stop(self) -> None:
        """At once, as if it had crashed."""
        self._call("pg_ctl", "stop", "--mode", "immediate")

    def new_database(self) -> URL:
        """The address of a new, empty database."""
        name = f"test{next(self._numbers)}"
        self._call("createdb", "--host", str(self._folder), "--username", _USER, name, data=False)
        return URL.create("postgresql+psycopg", username=_USER, database=name, query={"host": str(self._folder)})

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _call(self, program: str, *arguments: str, data: bool = True) -> None:
        command = [str(self._programs / program), *arguments, *(["--pgdata", str(self._data)] if data else [])]
        # Its output goes to a file: a server that goes on holds what it inherits open.
        with (self._folder / "output").open("wb") as output:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self._folder,
                user=self._user,
                group=self._user,
                extra_groups=[] if self._user else None,
                timeout=_SECONDS,
                check=False,
            )
        if done.returncode:
            raise RuntimeError(f"{program} failed ({done.returncode}):\n{(self._folder / 'output').read_text()}")
