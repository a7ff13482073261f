"""Binding a TCP port, with an error that helps."""

from __future__ import annotations

import errno
import socket

from noderr.core.errors import BindError, PortInUseError


def bind_tcp(host: str, port: int, *, setting: str) -> socket.socket:
    """Return a socket bound to `host` and `port`; `setting` is the prefix of the variables that chose them.

    Raises `BindError`, or `PortInUseError` when another process holds the port; both name the remedy. There is no
    SO_REUSEPORT: with it two nodes on one port would share its connections, and nobody would notice.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE | socket.AI_NUMERICHOST
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        raise BindError(f"{setting}_HOST={host!r} is no IP address: give one of this machine's, or 0.0.0.0") from error
    bound = socket.socket(family, kind, protocol)
    try:
        # A port whose last connections are still closing is free.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        bound.close()
        remedy = f"set {setting}_PORT to another, or {setting}_HOST to another address of this machine"
        if error.errno == errno.EADDRINUSE:
            raise PortInUseError(
                f"TCP port {port} on {host} is in use by another process: stop it, or {remedy}"
            ) from error
        raise BindError(f"TCP port {port} on {host} is refused ({error.strerror}): {remedy}") from error
    bound.setblocking(False)
    return bound
