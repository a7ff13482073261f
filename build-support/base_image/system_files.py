"""What no package brings: directories, users, name service, and what scanners read to know what is inside."""

from __future__ import annotations

from collections.abc import Iterable

from base_image.layout import DIST_PACKAGES, NODE_ID, NODE_USER, Architecture
from base_image.unpack import UnpackedPackage
from canonical import Entry

_NO_LOGIN = "/usr/sbin/nologin"
"""Does not exist in the image, like every other shell."""

_PASSWD = f"""\
root:x:0:0:root:/root:{_NO_LOGIN}
{NODE_USER}:x:{NODE_ID}:{NODE_ID}:NodeOS:/data:{_NO_LOGIN}
"""
_GROUP = f"""\
root:x:0:
{NODE_USER}:x:{NODE_ID}:
"""
_NSSWITCH = """\
passwd: files
group: files
hosts: files dns
networks: files
protocols: files
services: files
"""


def system_entries(architecture: Architecture) -> list[Entry]:
    """Directories, links and configuration. Only /data (the node's) and /tmp can be written by the node's user."""
    folders = ["dev", "etc", "opt", "proc", "run", "sys", "usr/sbin", "var/lib/dpkg/status.d", DIST_PACKAGES]
    links = {name: f"usr/{name}" for name in ("bin", "sbin", "lib", architecture.loader_folder)}
    files = {"etc/passwd": _PASSWD, "etc/group": _GROUP, "etc/nsswitch.conf": _NSSWITCH}
    return [
        *(Entry(path, "dir", 0o755) for path in folders),
        Entry("root", "dir", 0o700),
        Entry("tmp", "dir", 0o1777),
        Entry("data", "dir", 0o750, NODE_ID, NODE_ID),
        *(Entry(path, "symlink", 0o777, target=target) for path, target in links.items()),
        *(Entry(path, "file", 0o644, content=text.encode()) for path, text in files.items()),
    ]


def status_entries(packages: Iterable[UnpackedPackage]) -> list[Entry]:
    """`var/lib/dpkg/status.d/<package>`: where scanners look in images that have no dpkg."""
    found = []
    for package in packages:
        first, _, rest = package.control.partition("\n")
        text = f"{first}\nStatus: install ok installed\n{rest.rstrip()}\n"
        path = f"var/lib/dpkg/status.d/{package.locked.name}"
        found.append(Entry(path, "file", 0o644, content=text.encode()))
    return found
