"""From the list and what the archive offers to exact packages.

The list is explicit: nothing is pulled in. But what listed packages depend on must be listed or excluded with a
reason, so that a dependency which a new version brings does not go missing unseen.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from debian.deb822 import Packages
from debian.debian_support import Version

from base_image.archive import Candidate
from base_image.errors import DependencyError
from base_image.lock_file import LockedPackage
from base_image.package_list import PackageList

_COMPARE = {"<<": operator.lt, "<=": operator.le, "=": operator.eq, ">=": operator.ge, ">>": operator.gt}

Alternatives = list[dict[str, Any]]


def resolve(listed: PackageList, candidates: Iterable[Candidate]) -> tuple[LockedPackage, ...]:
    """The newest version of every listed package, sorted by name. Raises `DependencyError` with every problem."""
    newest: dict[str, Candidate] = {}
    for candidate in candidates:
        name = candidate.fields["Package"]
        if name in listed.packages and (name not in newest or _version(candidate) > _version(newest[name])):
            newest[name] = candidate
    problems = [
        f"{name} is listed and Debian has no package of that name: correct packages.txt"
        for name in listed.packages
        if name not in newest
    ]
    problems += _unmet(listed, {name: candidate.fields for name, candidate in newest.items()})
    if problems:
        raise DependencyError("3rdparty/debian/packages.txt does not fit the archive: " + "; ".join(problems) + ".")
    return tuple(_locked(newest[name]) for name in sorted(newest))


def _unmet(listed: PackageList, chosen: Mapping[str, Packages]) -> Iterator[str]:
    useless = set(listed.excluded)
    for name, fields in chosen.items():
        for alternatives in _needs(fields):
            excluded = {option["name"] for option in alternatives} & set(listed.excluded)
            useless -= excluded
            if not excluded and not any(_meets(option, chosen) for option in alternatives):
                text = " | ".join(_text(option) for option in alternatives)
                yield f"{name} depends on {text}: list it, or exclude it with a reason"
    for name in sorted(useless):
        yield f"{name} is excluded and no listed package depends on it: remove the line"


def _needs(fields: Packages) -> list[Alternatives]:
    relations = fields.relations
    return [*relations.get("pre-depends", []), *relations.get("depends", [])]


def _meets(option: Mapping[str, Any], chosen: Mapping[str, Packages]) -> bool:
    name, wanted = option["name"], option.get("version")
    if name in chosen:
        return wanted is None or bool(_COMPARE[wanted[0]](Version(chosen[name]["Version"]), Version(wanted[1])))
    provided = (
        given for fields in chosen.values() for group in fields.relations.get("provides", []) for given in group
    )
    return wanted is None and any(given["name"] == name for given in provided)


def _text(option: Mapping[str, Any]) -> str:
    wanted = option.get("version")
    return f"{option['name']} ({wanted[0]} {wanted[1]})" if wanted else str(option["name"])


def _version(candidate: Candidate) -> Version:
    return Version(candidate.fields["Version"])


def _locked(candidate: Candidate) -> LockedPackage:
    fields = candidate.fields
    return LockedPackage(
        name=fields["Package"],
        version=fields["Version"],
        architecture=fields["Architecture"],
        archive=candidate.archive,
        path=fields["Filename"],
        size=int(fields["Size"]),
        sha256=fields["SHA256"],
    )
