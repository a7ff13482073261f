"""What of the packages is in the base image. Nothing is that no rule names; then the exceptions go.

What a library of a server could plausibly import stays, even where NodeOS does not (unittest for numpy.testing, pydoc
for joblib, wsgiref for prometheus-client). What is for terminals, for building programs or for testing CPython goes.
Where the two meet, the goal of 14 MB decides, and only what fails with a clear error at once may go: a missing library
at the import that the image's audit makes of every module, a missing codec as an unknown encoding.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from glob import translate

from base_image.layout import PYTHON, STDLIB, Architecture
from canonical import Entry

_KEPT = (
    ("{libraries}/*.so*", "shared libraries"),
    ("usr/{loader_folder}/{loader}", "the loader, at the address that programs name"),
    (f"usr/bin/python{PYTHON}", "the one program"),
    (f"{STDLIB}/**", "its library"),
    ("etc/services", "port names"),
    ("etc/protocols", "protocol names"),
    ("etc/debian_version", "scanners read it"),
    ("etc/os-release", "scanners read it"),
    ("usr/lib/os-release", "what the one above points to"),
    ("usr/share/zoneinfo/**", "time zones"),
    ("usr/share/common-licenses/**", "copyright files refer to them"),
    ("usr/share/doc/*/copyright", "licences must travel with the programs"),
    ("usr/share/doc/*", "links to the directory of another package, where the copyright file is"),
)

_DROPPED = (
    # The C library.
    ("{libraries}/gconv/**", "iconv's converters: Python has codecs of its own"),
    ("{libraries}/audit/**", "hooks of the loader, for debugging"),
    ("{libraries}/engines-3/**", "OpenSSL engines: hardware of the past"),
    ("{libraries}/ossl-modules/**", "OpenSSL providers: only the built-in ones are used"),
    ("{libraries}/libBrokenLocale.so*", "for programs of the nineties"),
    ("{libraries}/libc_malloc_debug.so*", "debugging"),
    ("{libraries}/libmemusage.so", "debugging"),
    ("{libraries}/libpcprofile.so", "debugging"),
    ("{libraries}/libthread_db.so*", "debugging"),
    ("{libraries}/libnss_compat.so*", "NIS"),
    ("{libraries}/libnss_hesiod.so*", "Hesiod"),
    ("{libraries}/libnsl.so*", "NIS; manylinux promises it to wheels, and none of today asks for it"),
    ("{libraries}/libmvec.so*", "vector mathematics, 0.5 MB of download; the same"),
    ("{libraries}/libexpatw.so*", "expat for wide characters; Python uses the other"),
    # The standard library: tests and examples of CPython.
    (f"{STDLIB}/test/**", "CPython's own tests"),
    (f"{STDLIB}/lib-dynload/_test*", "CPython's own tests"),
    (f"{STDLIB}/lib-dynload/_ctypes_test*", "CPython's own tests"),
    (f"{STDLIB}/lib-dynload/_xxtest*", "CPython's own tests"),
    (f"{STDLIB}/lib-dynload/xx*", "examples for writers of extensions"),
    (f"{STDLIB}/__hello__.py", "an example"),
    (f"{STDLIB}/__phello__/**", "an example"),
    (f"{STDLIB}/antigravity.py", "a joke"),
    (f"{STDLIB}/this.py", "a joke"),
    # The standard library: terminals and desktops.
    (f"{STDLIB}/curses/**", "needs ncurses"),
    (f"{STDLIB}/lib-dynload/_curses*", "needs ncurses"),
    (f"{STDLIB}/lib-dynload/readline*", "needs readline"),
    # What is left of it starts the plain prompt instead (main), and pages for pydoc (pager).
    (f"{STDLIB}/_pyrepl/[!_mpt]*", "the interactive prompt of 3.13 needs curses"),
    (f"{STDLIB}/_pyrepl/_[!_]*", "the interactive prompt of 3.13 needs curses"),
    (f"{STDLIB}/_pyrepl/mypy.ini", "settings of a tool"),
    (f"{STDLIB}/idlelib/**", "an editor"),
    (f"{STDLIB}/tkinter/**", "windows"),
    (f"{STDLIB}/turtle.py", "drawing"),
    (f"{STDLIB}/turtledemo/**", "drawing"),
    (f"{STDLIB}/pydoc_data/**", "the language reference for help()"),
    # The standard library: installing and building.
    (f"{STDLIB}/ensurepip/**", "installs pip; nothing is installed here"),
    (f"{STDLIB}/venv/**", "needs ensurepip"),
    (f"{STDLIB}/lib2to3/**", "converts Python 2"),
    (f"{STDLIB}/distutils/**", "builds extensions"),
    (f"{STDLIB}/config-*/**", "headers and makefiles for building extensions"),
    (f"{STDLIB}/_distutils_system_mod.py", "Debian's patch for setuptools"),
    (f"{STDLIB}/EXTERNALLY-MANAGED", "tells pip to keep off; there is no pip"),
    (f"{STDLIB}/LICENSE.txt", "the copyright file has it"),
    (f"{STDLIB}/sitecustomize.py", "Debian's hook for crash reports"),
    # The standard library: doubles.
    (f"{STDLIB}/lib-dynload/_dbm*", "needs Berkeley DB; dbm.sqlite3 does without"),
    (f"{STDLIB}/_pydecimal.py", "stands in where _decimal is not built; it is"),
    (f"{STDLIB}/_pydatetime.py", "stands in where _datetime is not built; it is"),
    (f"{STDLIB}/_pyio.py", "stands in where _io is not built; it is"),
    (f"{STDLIB}/_sysconfigdata__{{triplet}}.py", "the same under an old name"),
    (f"{STDLIB}/lib-dynload/_interp*", "subinterpreters have no public module before 3.14"),
    (f"{STDLIB}/_aix_support.py", "another system"),
    (f"{STDLIB}/_android_support.py", "another system"),
    (f"{STDLIB}/_apple_support.py", "another system"),
    (f"{STDLIB}/_ios_support.py", "another system"),
    (f"{STDLIB}/_osx_support.py", "another system"),
    (f"{STDLIB}/asyncio/windows_*", "another system"),
    (f"{STDLIB}/multiprocessing/popen_spawn_win32.py", "another system"),
    (f"{STDLIB}/encodings/mbcs.py", "another system"),
    (f"{STDLIB}/encodings/oem.py", "another system"),
    # The standard library: the encodings of East Asia from before Unicode, 0.35 MB of download. "unknown encoding" is
    # what a program gets that is sent one; venues, chains and NodeOS speak UTF-8.
    (f"{STDLIB}/lib-dynload/_codecs_*", "the tables"),
    (f"{STDLIB}/lib-dynload/_multibytecodec*", "their engine"),
    (f"{STDLIB}/encodings/big5*", "needs the tables"),
    (f"{STDLIB}/encodings/cp9[345]*", "needs the tables"),
    (f"{STDLIB}/encodings/euc_*", "needs the tables"),
    (f"{STDLIB}/encodings/gb*", "needs the tables"),
    (f"{STDLIB}/encodings/hz.py", "needs the tables"),
    (f"{STDLIB}/encodings/iso2022_*", "needs the tables"),
    (f"{STDLIB}/encodings/johab.py", "needs the tables"),
    (f"{STDLIB}/encodings/shift_jis*", "needs the tables"),
    # Time zones.
    ("usr/share/zoneinfo/right/**", "time with leap seconds"),
    ("usr/share/zoneinfo/posix/**", "a copy of the zones"),
    ("usr/share/zoneinfo/posixrules", "for old System V rules"),
    ("usr/share/zoneinfo/localtime", "names a zone that the host would choose; the image is in UTC"),
    ("usr/share/zoneinfo/tzdata.zi", "the source of the zones"),
    ("usr/share/zoneinfo/leap*", "leap seconds; zoneinfo does not read them"),
    ("usr/share/zoneinfo/*.tab", "maps of places to zones; zoneinfo does not read them"),
)


def trim(entries: Iterable[Entry], architecture: Architecture) -> list[Entry]:
    """Those of `entries` that are in the base image."""
    kept, dropped = _pattern(_KEPT, architecture), _pattern(_DROPPED, architecture)
    return [entry for entry in entries if kept.fullmatch(entry.path) and not dropped.fullmatch(entry.path)]


def _pattern(rules: Iterable[tuple[str, str]], architecture: Architecture) -> re.Pattern[str]:
    names = {**vars(architecture), "libraries": architecture.libraries}
    globs = [pattern.format_map(names) for pattern, _reason in rules]
    return re.compile("|".join(translate(glob, recursive=True, include_hidden=True) for glob in globs))
