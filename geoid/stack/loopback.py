"""Ports of this machine that only this machine reaches."""

from __future__ import annotations

import random
import socket

from geoid.errors import UnavailableError

HOST = "127.0.0.1"
FIRST, LAST = 10_240, 22_700
"""Ports that no system hands to outgoing connections, so that a stopped server finds its own free again; a cluster's
second port, 10,000 above, is still below Linux's first such port, 32,768."""
BUS = 10_000
TRIES = 200


def is_free(port: int) -> bool:
    """Whether a server could listen there now; connections that are winding down are no hindrance."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that is free, and the one of a cluster's bus with it. Raises `UnavailableError` where there is none."""
    for port in random.SystemRandom().sample(range(FIRST, LAST), TRIES):
        if is_free(port) and is_free(port + BUS):
            return port
    raise UnavailableError("there is no free port on this machine", "stop servers that are not needed")
