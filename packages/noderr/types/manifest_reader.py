"""Reads a manifest's TOML and collects problems, so that a person mends them all at once. Standard library only."""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from noderr.types.errors import ManifestError
from noderr.types.image_manifest import Range
from noderr.types.packages import SHARED_PACKAGES

_LEAST_PORT, _LAST_PORT = 1024, 65535


def read_text(source: Path) -> str:
    """The text of one manifest. Raises `ManifestError`."""
    try:
        return source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ManifestError(str(source), [f"cannot be read: {error}"]) from error


def read_document(text: str, name: str) -> dict[str, Any]:
    """The document in a manifest's text; `name` is what errors call it. Raises `ManifestError`."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ManifestError(name, [f"is not TOML: {error}"]) from error


class ManifestReader:
    """One parsed manifest. A value that is wrong is noted and read as something harmless; `finish` raises."""

    def __init__(self, name: str, document: Mapping[str, Any], keys: tuple[str, ...]) -> None:
        self._name = name
        self._document = document
        self._problems: list[str] = []
        self._only_keys("", document, keys)

    def problem(self, text: str) -> None:
        """Note what is wrong."""
        self._problems.append(text)

    def finish(self) -> None:
        """Raises `ManifestError` with every problem noted."""
        if self._problems:
            raise ManifestError(self._name, self._problems)

    def table(self, key: str, allowed: tuple[str, ...]) -> Mapping[str, Any]:
        """The table of that key, which holds nothing but the keys `allowed`."""
        value = self._document.get(key)
        if not isinstance(value, dict):
            self.problem(f"table [{key}] is missing: it holds {', '.join(allowed)}")
            return {}
        self._only_keys(f"{key}.", value, allowed)
        return value

    def string(self, key: str) -> str:
        """A string that says something."""
        value = self._document.get(key)
        if not isinstance(value, str) or not value:
            self.problem(f"{key} = {value!r}: must be a non-empty string")
            return ""
        return value

    def choice(self, key: str, allowed: Collection[str]) -> str:
        """One of the strings `allowed`."""
        value = self.string(key)
        if value and value not in allowed:
            self.problem(f"{key} = {value!r}: must be one of {', '.join(allowed)}")
        return value

    def integer(self, table: Mapping[str, Any], path: str, low: int, high: int | None = None) -> int:
        """The whole number at the end of the dotted `path`, which leads to `table`."""
        value = table.get(path.rpartition(".")[2])
        # `type` and not `isinstance`: True is an int in Python and no port number.
        if type(value) is not int or value < low or (high is not None and value > high):
            bounds = f"at least {low}" if high is None else f"from {low} to {high}"
            self.problem(f"{path} = {value!r}: must be a whole number {bounds}")
            return 0
        return value

    def number(self, key: str, low: int, high: int) -> int:
        """A whole number outside every table."""
        return self.integer(self._document, key, low, high)

    def port(self, table: Mapping[str, Any], path: str) -> int:
        """A TCP port that needs no special right to listen on."""
        return self.integer(table, path, _LEAST_PORT, _LAST_PORT)

    def range(self, table: Mapping[str, Any], path: str) -> Range:
        """A range, written as `{ min = …, max = … }`."""
        value = table.get(path.rpartition(".")[2])
        if not isinstance(value, dict) or set(value) != {"min", "max"}:
            self.problem(f"{path} = {value!r}: must be {{ min = …, max = … }}")
            return Range(0, 0)
        found = Range(self.integer(value, f"{path}.min", 1), self.integer(value, f"{path}.max", 1))
        if found.min > found.max:
            self.problem(f"{path}: min {found.min} is above max {found.max}")
        return found

    def resources(self) -> dict[str, Any]:
        """The table of resources, by the names that `ImageManifest` has for them."""
        table = self.table("resources", ("cpu_cores", "memory_gb", "storage_gb"))
        return {
            "cpu_cores": self.range(table, "resources.cpu_cores"),
            "memory_gb": self.range(table, "resources.memory_gb"),
            "storage_gb": self.integer(table, "resources.storage_gb", 1),
        }

    def packages(self, known: Collection[str]) -> tuple[str, ...]:
        """The list of packages: each one of `known`, each once, the shared ones among them."""
        value = self._document.get("packages")
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.problem(f"packages = {value!r}: must be a list of package names")
            return ()
        for package in value:
            if package not in known:
                self.problem(f"package {package!r} is none that can stand here: noderr.types.packages lists those")
        for package in sorted({package for package in value if value.count(package) > 1}):
            self.problem(f"package {package!r} is listed twice: list it once")
        for package in sorted(SHARED_PACKAGES - set(value)):
            self.problem(f"shared package {package!r} is not listed: every image carries it")
        return tuple(value)

    def _only_keys(self, prefix: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
        for key in sorted(set(table) - set(allowed)):
            self.problem(f"unknown key {prefix}{key}: known are {', '.join(allowed)}")
