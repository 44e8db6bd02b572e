"""Connections to public addresses only, which are closed when a deadline passes."""

import ipaddress
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.util.connection import create_connection

from ..deadlines import Deadlines, Planned

POOLED_HOSTS = 64
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_of_thread = threading.local()
_deadlines = Deadlines("deadlines")


def _begin_anew() -> None:
    global _deadlines
    _deadlines = Deadlines("deadlines")


# A forked child has no copy of its parent's threads.
os.register_at_fork(after_in_child=_begin_anew)


class PrivateAddress(OSError):
    """The host name resolves to a private address, which outsiders must not make us call."""


class Deadline:
    """Closes this thread's current connection `seconds` after the start.

    Socket timeouts restart with every byte, so a slow remote could hold a thread without limit.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._line: socket.socket | None = None
        self._end: Planned | None = None
        self.passed = False

    def __enter__(self) -> "Deadline":
        _of_thread.deadline = self
        self._end = _deadlines.add(self.cut, self._seconds)
        return self

    def __exit__(self, *_: object) -> None:
        if self._end is not None:
            self._end.over = True
        _of_thread.deadline = None
        self._let_go()

    def hold(self, connection: socket.socket) -> None:
        """Watch a connection through a duplicate descriptor: TLS replaces the socket object."""
        self._let_go()
        line = socket.socket(fileno=os.dup(connection.fileno()))
        with self._lock:
            self._line = line
            if self.passed:
                _shut(line)

    def cut(self) -> None:
        """Close the connection, and any that this thread opens under the same deadline."""
        with self._lock:
            self.passed = True
            if self._line is not None:
                _shut(self._line)

    def _let_go(self) -> None:
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None


def _shut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # closed by the remote


def _hold(connection: socket.socket | None) -> None:
    deadline: Deadline | None = getattr(_of_thread, "deadline", None)
    if deadline is not None and connection is not None:
        deadline.hold(connection)


def public_addresses(host: str, port: int) -> Iterator[str]:
    """Yield the addresses of `host`; raises PrivateAddress when one is not public.

    The caller connects to these addresses, so a second DNS answer cannot differ from the checked
    one.
    """
    found = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not all(_is_public(address) for address in found):
        raise PrivateAddress(f"{host} is in a private network")
    yield from dict.fromkeys(found)


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        # Several kinds of IPv6 address embed an IPv4 address and lead to it.
        in_teredo = address.teredo[1] if address.teredo else None
        in_nat64 = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None
        for inner in (address.ipv4_mapped, address.sixtofour, in_teredo, in_nat64):
            if inner is not None:
                return inner.is_global and not inner.is_multicast
    return address.is_global and not address.is_multicast


def _dial_public(connection: HTTPConnection) -> socket.socket:
    failure: OSError = OSError("the name has no address")
    try:
        for address in public_addresses(connection._dns_host, connection.port):
            try:
                return create_connection((address, connection.port), connection.timeout)
            except OSError as error:
                failure = error
    except PrivateAddress:
        raise
    except (OSError, UnicodeError) as error:
        raise NewConnectionError(connection, f"cannot resolve: {error}") from error
    raise NewConnectionError(connection, f"cannot connect: {failure}") from failure


# requests and urllib3 have no hook between DNS and connect, and no total timeout: subclasses of the
# connections add both, and subclasses of the pools create those.
class _Connection(HTTPConnection):
    """A connection under the thread's deadline, whether new or from the pool."""

    def _new_conn(self) -> socket.socket:
        made = self._dial()
        _hold(made)
        return made

    def _dial(self) -> socket.socket:
        return super()._new_conn()

    def request(self, *args: Any, **kwargs: Any) -> None:
        _hold(self.sock)
        super().request(*args, **kwargs)


class _PublicConnection(_Connection):
    def _dial(self) -> socket.socket:
        return _dial_public(self)


class _SecureConnection(_Connection, HTTPSConnection):
    pass


class _PublicSecureConnection(_PublicConnection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class _PublicPool(HTTPConnectionPool):
    ConnectionCls = _PublicConnection


class _PublicSecurePool(HTTPSConnectionPool):
    ConnectionCls = _PublicSecureConnection


class OutboundAdapter(HTTPAdapter):
    """Adapter with these connections; public addresses only, unless private ones are allowed."""

    def __init__(self, allow_private_networks: bool, pool_size: int) -> None:
        self._pools = (
            {"http": _Pool, "https": _SecurePool}
            if allow_private_networks
            else {"http": _PublicPool, "https": _PublicSecurePool}
        )
        super().__init__(pool_connections=POOLED_HOSTS, pool_maxsize=pool_size)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Create the pool manager with the pools above."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = dict(self._pools)
