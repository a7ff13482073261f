from __future__ import annotations

import pytest

from base_image.layout import ARCHITECTURES
from base_image.trim import trim
from canonical import Entry

_AMD64 = ARCHITECTURES["amd64"]


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/python3.13",
        "usr/lib/x86_64-linux-gnu/libc.so.6",
        "usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.33",
        "usr/lib64/ld-linux-x86-64.so.2",
        "usr/lib/python3.13/unittest/mock.py",
        "usr/lib/python3.13/pydoc.py",
        "usr/lib/python3.13/_pyrepl/pager.py",
        "usr/lib/python3.13/encodings/utf_8.py",
        "usr/lib/python3.13/encodings/cp1252.py",
        "usr/lib/python3.13/lib-dynload/_ssl.cpython-313-x86_64-linux-gnu.so",
        "usr/share/zoneinfo/America/Argentina/Buenos_Aires",
        "usr/share/doc/libc6/copyright",
        "usr/share/doc/libstdc++6",
    ],
)
def test_what_a_server_opens_stays(path: str) -> None:
    assert trim([Entry(path, "file", 0o644)], _AMD64)


@pytest.mark.parametrize(
    "path",
    [
        "usr/bin/sh",
        "usr/bin/python3.13-config",
        "usr/bin/perl",
        "usr/sbin/ldconfig",
        "etc/profile",
        "usr/lib/x86_64-linux-gnu/gconv/UTF-16.so",
        "usr/lib/x86_64-linux-gnu/libc.a",
        "usr/lib/python3.13/test/support/__init__.py",
        "usr/lib/python3.13/lib-dynload/_testcapi.cpython-313-x86_64-linux-gnu.so",
        "usr/lib/python3.13/lib-dynload/readline.cpython-313-x86_64-linux-gnu.so",
        "usr/lib/python3.13/encodings/gb18030.py",
        "usr/lib/python3.13/_pyrepl/unix_console.py",
        "usr/lib/python3.13/turtledemo/clock.py",
        "usr/lib/python3.13/pydoc_data/topics.py",
        "usr/share/zoneinfo/right/Europe/Berlin",
        "usr/share/zoneinfo/tzdata.zi",
        "usr/share/doc/libc6/changelog.gz",
        "usr/share/doc/ca-certificates/examples/copyright",
        "usr/share/man/man1/python.1.gz",
        "usr/share/gdb/auto-load/libstdc++.py",
    ],
)
def test_what_no_server_opens_goes(path: str) -> None:
    assert not trim([Entry(path, "file", 0o644)], _AMD64)


def test_each_architecture_keeps_its_own_libraries() -> None:
    arm64 = ARCHITECTURES["arm64"]
    loader = Entry("usr/lib/ld-linux-aarch64.so.1", "symlink", 0o777)
    assert trim([loader, Entry("usr/lib/x86_64-linux-gnu/libc.so.6", "file", 0o644)], arm64) == [loader]
