"""Loopback ports for servers of the tests, which nothing else on the machine takes meanwhile."""

import os
import secrets
import socket
from contextlib import ExitStack

# Below what Linux gives to outgoing connections (from 32768), which would else take a port
# between its choice and its use; each worker of pytest-xdist has a range of its own.
FIRST, PER_WORKER, WORKERS = 12_000, 2_500, 8


def free_port() -> int:
    """Return a loopback port that is free now."""
    return free_ports(1)


def free_ports(count: int) -> int:
    """Return the first of several loopback ports in a row that are free now."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % WORKERS
    begin = FIRST + worker * PER_WORKER
    while True:
        first = begin + secrets.randbelow(PER_WORKER - count)
        try:
            with ExitStack() as held:
                for port in range(first, first + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
        return first
