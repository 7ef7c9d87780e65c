"""Waiting for many files at once, in one thread.

Everything the driver waits for is a file descriptor: the sockets of QMP, console and control port,
the pidfd of QEMU, the wake-up pipe of signals. Callbacks run only inside wait_until(), on the
caller's stack, so no state needs a lock and an exception in a callback reaches whoever is waiting.
Threads were rejected for that reason, asyncio because tests read better as straight code.

Nothing is read while nobody waits: a guest that prints meanwhile is held back by its full socket
and loses nothing.
"""

import selectors
import socket
import time
from collections.abc import Callable

CHUNK_BYTES = 1 << 16
SEND_TIMEOUT_S = 10.0


class Reactor:
    """A set of readable files and what to call when one is."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def add(self, source, callback: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, callback)

    def remove(self, source) -> None:
        self._selector.unregister(source)

    def wait_until(self, predicate: Callable[[], bool], timeout_s: float) -> bool:
        """Run callbacks until predicate() holds; False when it does not within timeout_s."""
        deadline = time.monotonic() + timeout_s
        while not predicate():
            left = deadline - time.monotonic()
            ready = self._selector.select(max(left, 0.0))
            if left <= 0 and not ready:
                return False
            for key, _ in ready:
                # A callback may have removed a source that is ready in the same round.
                if key.fd in self._selector.get_map():
                    key.data()
        return True

    def close(self) -> None:
        self._selector.close()


class Stream:
    """A connected socket: its bytes go to on_data, its end (in order or by reset) to on_end,
    once.
    """

    def __init__(self, reactor: Reactor, sock: socket.socket,
                 on_data: Callable[[bytes], None], on_end: Callable[[], None]) -> None:
        self._reactor = reactor
        self._socket = sock
        self._on_data = on_data
        self._on_end = on_end
        self.open = True
        sock.settimeout(SEND_TIMEOUT_S)
        reactor.add(sock, self._readable)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(CHUNK_BYTES)
        except ConnectionError:
            # QEMU's exit resets its sockets rather than closing them.
            data = b""
        if data:
            self._on_data(data)
        else:
            self.close()
            self._on_end()

    def send(self, data: bytes) -> None:
        """Raises OSError when the peer is gone or takes nothing for SEND_TIMEOUT_S."""
        if not self.open:
            raise ConnectionResetError("the connection has ended")
        self._socket.sendall(data)

    def close(self) -> None:
        if self.open:
            self.open = False
            self._reactor.remove(self._socket)
            self._socket.close()
