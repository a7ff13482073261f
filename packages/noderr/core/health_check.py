"""The image's HEALTHCHECK: asks the node on this machine whether it is alive. Standard library only: it runs often."""

from __future__ import annotations

import http.client
from collections.abc import Mapping

_LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
_TIMEOUT_SECONDS = 3.0


def check_health(environ: Mapping[str, str], default_port: int) -> str:
    """Return "" when the node's `/health` answers 200, else what is wrong."""
    host = environ.get("NODEOS_HTTP_HOST", "")
    host = _LOOPBACK.get(host, host)
    port = environ.get("NODEOS_HTTP_PORT") or str(default_port)
    if not port.isdecimal() or not 0 < int(port) < 65536:
        return f"NODEOS_HTTP_PORT={port!r} is no port that can be asked: set it to a number from 1 to 65535"
    connection = http.client.HTTPConnection(host, int(port), timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        body = answer.read(4096).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return f"http://{host}:{port}/health does not answer: {type(error).__name__}: {error}"
    finally:
        connection.close()
    return "" if answer.status == http.client.OK else f"http://{host}:{port}/health answers {answer.status}: {body}"
