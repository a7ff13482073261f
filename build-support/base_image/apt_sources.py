"""Where the host's own apt gets Debian from: /etc/apt/sources.list and sources.list.d, in both of apt's formats.

A Debian 12 host knows a mirror that serves Debian 13 too, so the release that the host runs does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from debian.deb822 import Deb822

_CODENAMES = "bullseye|bookworm|trixie|forky|duke|sid|oldstable|stable|testing|unstable"
_SUITE = re.compile(rf"({_CODENAMES})(-updates|-backports|-proposed-updates|-security|/updates)?")
_ONE_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>[^#]+)")


@dataclass(frozen=True)
class AptArchive:
    """An archive that apt uses: `base` is its base URL without a trailing slash."""

    base: str
    is_security: bool


def debian_archives(apt: Path) -> list[AptArchive]:
    """The Debian archives named below `apt` (usually /etc/apt), in apt's order and each once."""
    found: dict[AptArchive, None] = {}
    for uri, suite, components in _sources(apt):
        parts = urlsplit(uri)
        name = parts.path.rstrip("/").rpartition("/")[2]
        # An archive of somebody else may use Debian's suite names; Debian's mirrors end in /debian.
        if parts.scheme not in ("http", "https") or name not in ("debian", "debian-security"):
            continue
        if "main" in components and _SUITE.fullmatch(suite):
            found[AptArchive(uri.rstrip("/"), name == "debian-security")] = None
    return list(found)


def _sources(apt: Path) -> Iterator[tuple[str, str, list[str]]]:
    """Every (URI, suite, components) that is switched on."""
    files = [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]
    for source in files:
        if not source.is_file():
            continue
        text = source.read_text(encoding="utf-8", errors="replace")
        if source.suffix == ".list":
            yield from _one_line_style(text)
        elif source.suffix == ".sources":
            yield from _deb822_style(text)


def _one_line_style(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in text.splitlines():
        if found := _ONE_LINE.match(line.strip()):
            yield found["uri"], found["suite"], found["components"].split()


def _deb822_style(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for stanza in Deb822.iter_paragraphs(text):
        if "deb" not in stanza.get("Types", "").split() or stanza.get("Enabled", "yes").lower() in ("no", "false", "0"):
            continue
        for uri in stanza.get("URIs", "").split():
            for suite in stanza.get("Suites", "").split():
                yield uri, suite, stanza.get("Components", "").split()
