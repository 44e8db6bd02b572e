"""A load balancer before the web nodes: each connection goes to a node that takes it."""

import itertools
import socket
import threading
from contextlib import suppress

LONGEST_CHUNK = 65536


class Balancer:
    """Listens at the bridge's public port and hands connections to the nodes in turns."""

    def __init__(self, port: int, nodes: list[int]) -> None:
        self._nodes = nodes
        self._turns = itertools.count()
        self._listening = socket.create_server(("127.0.0.1", port), backlog=512)
        threading.Thread(target=self._listen, name="balancer", daemon=True).start()

    def stop(self) -> None:
        """Take no more connections."""
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            node = self._dial()
            if node is None:
                return
            with node:
                back = threading.Thread(target=_carry, args=(node, client), daemon=True)
                back.start()
                _carry(client, node)
                back.join()

    def _dial(self) -> socket.socket | None:
        first = next(self._turns)
        for number in range(len(self._nodes)):
            port = self._nodes[(first + number) % len(self._nodes)]
            with suppress(OSError):
                return socket.create_connection(("127.0.0.1", port))
        return None


def _carry(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes one way until either side ends, and end both: half a connection is none."""
    with suppress(OSError):
        while chunk := source.recv(LONGEST_CHUNK):
            target.sendall(chunk)
    for side in (source, target):
        with suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
