"""Binding a TCP port, with an error that helps."""

from __future__ import annotations

import errno
import socket

from noderr.core.errors import PortInUseError


def bind_tcp(host: str, port: int, *, setting: str) -> socket.socket:
    """Return a socket bound to `host` and `port`. Raises `PortInUseError` naming the port and the `setting` to change.

    Without SO_REUSEPORT: two nodes on one port would share its connections, and nobody would notice.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST
        )[0]
    except socket.gaierror as error:
        raise PortInUseError(f"{setting}_HOST={host!r} is no IP address: give one of this machine's, or 0.0.0.0") from error
    bound = socket.socket(family, kind, protocol)
    try:
        # A port whose last connections are still closing is free.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        reason = "is in use by another process" if error.errno == errno.EADDRINUSE else f"is refused ({error.strerror})"
        raise PortInUseError(
            f"TCP port {port} on {host} {reason}: stop what holds it, or set {setting}_PORT to another"
        ) from error
    bound.setblocking(False)
    return bound
