"""The certificate bundle: ca-certificates ships single files, and a command that nobody runs here would join them."""

from __future__ import annotations

from collections.abc import Iterable

from base_image.errors import PackageContentError
from canonical import Entry

BUNDLE = "etc/ssl/certs/ca-certificates.crt"
_SINGLE = "usr/share/ca-certificates/"
_OPENSSL = "usr/lib/ssl"
"""OPENSSLDIR of Debian's libssl: without SSL_CERT_FILE, OpenSSL opens `cert.pem` there."""


def certificate_entries(entries: Iterable[Entry]) -> list[Entry]:
    """The bundle of all single certificates among `entries`, and the link by which OpenSSL finds it.

    Raises `PackageContentError` when there is none: an image that trusts nobody reaches nobody.
    """
    single = sorted(
        (entry for entry in entries if entry.path.startswith(_SINGLE) and entry.path.endswith(".crt")),
        key=lambda entry: entry.path,
    )
    if not single:
        raise PackageContentError(f"no package has certificates below {_SINGLE}: list ca-certificates.")
    bundle = b"".join(entry.read().rstrip() + b"\n" for entry in single)
    return [
        Entry(BUNDLE, "file", 0o644, content=bundle),
        Entry(f"{_OPENSSL}/cert.pem", "symlink", 0o777, target=f"/{BUNDLE}"),
        Entry(f"{_OPENSSL}/certs", "symlink", 0o777, target="/etc/ssl/certs"),
    ]
