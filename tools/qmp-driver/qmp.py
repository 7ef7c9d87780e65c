"""A QMP client: commands matched to replies by id, events kept in order, time limits, the peer's
death.

What can happen to a command, and the exception that tells it:
  answered    execute() returns the value of "return"
  refused     QmpError, with QEMU's error class and description
  too slow    QmpTimeout; a reply that comes later is dropped by its id
  cut off     QmpClosed, for every pending command, when QEMU ends
  nonsense    QmpProtocolError: what came is not QMP
"""

import itertools
import json
import re
import socket
from collections.abc import Callable

from errors import MachineError, MachineTimeout
from reactor import Reactor, Stream

# query-qmp-schema answers with 207,000 bytes in one line; this bound only stops a peer that never
# ends a line.
MAX_LINE_BYTES = 16 << 20


class QmpError(MachineError):
    """QEMU refused a command."""

    def __init__(self, command: str, error_class: str, description: str) -> None:
        super().__init__(f"QMP {command}: {description} ({error_class})")
        self.error_class = error_class
        self.description = description


class QmpTimeout(MachineTimeout):
    """No reply or event within the time limit."""


class QmpClosed(MachineError):
    """QEMU ended, or closed the connection."""


class QmpProtocolError(MachineError):
    """The peer does not speak QMP."""


class QmpClient:
    """One QMP session over a connected socket. Not for several threads."""

    def __init__(self, reactor: Reactor, sock: socket.socket) -> None:
        self._reactor = reactor
        self._buffer = bytearray()
        self._ids = itertools.count(1)
        self._pending: dict[str, dict | None] = {}
        self._fault: QmpProtocolError | None = None
        self.greeting: dict | None = None
        self.events: list[dict] = []
        self._stream = Stream(reactor, sock, self._received, lambda: None)

    @property
    def closed(self) -> bool:
        return not self._stream.open

    def negotiate(self, timeout_s: float = 10.0) -> dict:
        """Wait for the greeting and enter command mode; returns the greeting's "QMP" member."""
        self._wait(lambda: self.greeting is not None, timeout_s, "the QMP greeting")
        self.execute("qmp_capabilities", timeout_s=timeout_s)
        return self.greeting

    def execute(self, command: str, arguments: dict | None = None, timeout_s: float = 10.0):
        """Run one command and return its value."""
        ident = f"palimpsest-{next(self._ids)}"
        message = {"execute": command, "id": ident}
        if arguments is not None:
            message["arguments"] = arguments
        self._pending[ident] = None
        try:
            self._send(command, message)
            self._wait(lambda: self._pending[ident] is not None, timeout_s, f"QMP {command}")
            reply = self._pending[ident]
        finally:
            del self._pending[ident]
        if "error" in reply:
            error = reply["error"]
            raise QmpError(command, error.get("class", "?"), error.get("desc", "?"))
        return reply["return"]

    def wait_event(self, name: str, timeout_s: float,
                   accept: Callable[[dict], bool] = lambda data: True) -> dict:
        """Take the first event of this name whose data is accepted, seen already or to come."""

        def find() -> int | None:
            for index, event in enumerate(self.events):
                if event["event"] == name and accept(event.get("data", {})):
                    return index
            return None

        self._wait(lambda: find() is not None, timeout_s, f"QMP event {name}")
        return self.events.pop(find())

    def close(self) -> None:
        self._stream.close()

    def _send(self, command: str, message: dict) -> None:
        try:
            self._stream.send(json.dumps(message).encode() + b"\n")
        except OSError as error:
            raise QmpClosed(f"QMP {command}: {error.strerror or error}") from error

    def _wait(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        over = self._reactor.wait_until(
            lambda: done() or self.closed or self._fault is not None, timeout_s)
        # A reply that arrived just before the end counts.
        if done():
            return
        if self._fault is not None:
            raise self._fault
        if over:
            raise QmpClosed(f"QEMU closed the QMP connection while {what} was awaited")
        raise QmpTimeout(f"{what}: no answer within {timeout_s:g} s")

    def _received(self, data: bytes) -> None:
        self._buffer += data
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = bytearray(rest)
        for line in lines:
            if line.strip():
                self._take(bytes(line))
        if len(self._buffer) > MAX_LINE_BYTES:
            self._fail(f"a line of more than {MAX_LINE_BYTES} bytes")

    def _take(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            self._fail(f"not JSON: {line[:60]!r}")
            return
        if not isinstance(message, dict):
            self._fail(f"not an object: {line[:60]!r}")
        elif "QMP" in message:
            self.greeting = message["QMP"]
        elif "event" in message:
            self.events.append(message)
        elif "return" in message or "error" in message:
            self._answer(message)
        else:
            self._fail(f"neither reply nor event: {line[:60]!r}")

    def _answer(self, message: dict) -> None:
        ident = message.get("id")
        if ident is None:
            # QEMU answers without an id only to what it could not parse.
            self._fail(f"reply without an id: {json.dumps(message)[:80]}")
        elif ident in self._pending:
            self._pending[ident] = message

    def _fail(self, what: str) -> None:
        self._fault = QmpProtocolError(f"QMP: {re.sub(r'[^ -~]', '?', what)}")
        self._stream.close()
