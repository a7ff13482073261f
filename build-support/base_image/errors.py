"""What can go wrong with the base image. Each error says what is wrong and what to do.

BaseImageError
├── PackageListError         packages.txt is no list of packages with reasons
├── LockError                a lock that must not be built from
│   ├── LockMissing          there is none
│   ├── LockEdited           its own digest does not match: edited by hand, or cut short
│   └── LockStale            made for another packages.txt, or two locks that do not go together
├── ArchitectureError        a lock of an architecture that does not belong there
├── NoMirror                 nobody said where Debian's archive is
├── ArchiveError             what a mirror says of the archive cannot be believed
│   └── SignatureError       its signature, or what is needed to check it
├── DependencyError          the list leaves out what its packages need
├── HttpError                one address did not give what was asked (below `DownloadError` as its causes)
│   ├── HttpRefused          an HTTP status that is no success
│   ├── HttpTruncated        fewer or more bytes than announced
│   └── HttpUnreachable      no answer, or none in time
├── DownloadError            one package could not be had from any mirror; names the package
│   ├── WrongHash            the bytes are not the locked ones
│   ├── TruncatedDownload    the bytes stop too early
│   ├── RefusedDownload      an HTTP status that is neither success nor "not found"
│   ├── UnreachableMirror    no answer, or none in time
│   └── PackageGone          every mirror says "not found"
├── PackageContentError      a .deb that cannot be unpacked, or holds what no layer may
├── BytecodeError            the base's Python did not run, or a file does not compile
└── DiskFull                 no space left while writing
"""

from __future__ import annotations


class BaseImageError(Exception):
    """Any error of this package; the message names what failed and the remedy."""


class PackageListError(BaseImageError):
    """packages.txt cannot be read as a list of packages with reasons."""


class LockError(BaseImageError):
    """A lock that must not be built from."""


class LockMissing(LockError):
    """There is no lock at that path."""


class LockEdited(LockError):
    """The lock does not match its own digest."""


class LockStale(LockError):
    """The lock was made for another package list, or does not go with the other lock."""


class ArchitectureError(BaseImageError):
    """A lock of an architecture that does not belong there."""


class NoMirror(BaseImageError):
    """Nobody said where Debian's archive is."""


class ArchiveError(BaseImageError):
    """What a mirror says of the archive cannot be believed."""


class SignatureError(ArchiveError):
    """The archive's signature is not good, or cannot be checked on this machine."""


class DependencyError(BaseImageError):
    """The list leaves out what its packages need, or names what the archive has not."""


class HttpError(BaseImageError):
    """One address did not give what was asked."""


class HttpRefused(HttpError):
    """The server answered with a status that is no success."""

    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url}: HTTP status {status}")
        self.status = status


class HttpTruncated(HttpError):
    """The server sent fewer or more bytes than announced."""


class HttpUnreachable(HttpError):
    """The server did not answer, or not in time."""


class DownloadError(BaseImageError):
    """One package could not be had; `package` is its name."""

    def __init__(self, package: str, message: str) -> None:
        super().__init__(message)
        self.package = package


class WrongHash(DownloadError):
    """A mirror serves other bytes than the locked ones."""


class TruncatedDownload(DownloadError):
    """The bytes of a package stop too early."""


class RefusedDownload(DownloadError):
    """A mirror refuses a package."""


class UnreachableMirror(DownloadError):
    """No mirror answers."""


class PackageGone(DownloadError):
    """No mirror has the package any more."""


class PackageContentError(BaseImageError):
    """A .deb that cannot be unpacked, or that holds what no layer may."""


class BytecodeError(BaseImageError):
    """The base's Python did not run, or a file does not compile."""


class DiskFull(BaseImageError):
    """No space left while writing."""
