"""The guest's serial console: lines as they come, waiting for one, and the kernel monitor's
dialogue.

The monitor prints "[monitor] barrier N", then a prompt without a newline, and again after each
answer; on leaving, "[monitor] continue". While it is open every CPU stands still, so what comes
between two prompts is the answer and nothing else.
"""

import re
import socket
from collections.abc import Callable
from dataclasses import dataclass

from errors import MachineError, MachineTimeout
from reactor import Reactor, Stream

MONITOR_KEY = b"\x1d"
PROMPT = b"(palimpsest) "
BARRIER_LINE = r"\[monitor\] barrier (\d+)"
CONTINUE_LINE = r"\[monitor\] continue"


@dataclass(frozen=True)
class MonitorVisit:
    """What one visit to the monitor brought: its trace_barrier's number, and (command, lines) in
    order.
    """

    barrier: int
    answers: list[tuple[str, list[str]]]


class Console:
    """Both directions of the serial port. Matching starts behind the line that the last wait_line()
    found.
    """

    def __init__(self, reactor: Reactor, sock: socket.socket,
                 echo: Callable[[bytes], None] | None = None) -> None:
        self._reactor = reactor
        self._echo = echo
        self._partial = b""
        self._next = 0
        self.lines: list[str] = []
        self._stream = Stream(reactor, sock, self._received, self._ended)

    @property
    def closed(self) -> bool:
        return not self._stream.open

    @property
    def at_prompt(self) -> bool:
        """The monitor is open and waits for a command."""
        return self._partial.endswith(PROMPT)

    def send(self, data: bytes) -> None:
        try:
            self._stream.send(data)
        except OSError as error:
            raise MachineError(f"guest console: {error.strerror or error}") from error

    def wait_line(self, pattern: str, timeout_s: float) -> re.Match:
        """The first line in which pattern is found, from the last one found on."""
        regex = re.compile(pattern)
        found: re.Match | None = None

        def search() -> bool:
            nonlocal found
            while found is None and self._next < len(self.lines):
                found = regex.search(self.lines[self._next])
                self._next += 1
            return found is not None

        self._wait(search, timeout_s, f"a console line matching /{pattern}/")
        return found

    def visit_monitor(self, commands: list[str], timeout_s: float = 30.0) -> MonitorVisit:
        """Enter the monitor, run the commands, continue the guest."""
        self.send(MONITOR_KEY)
        barrier = int(self.wait_line(BARRIER_LINE, timeout_s).group(1))
        self._wait_prompt(timeout_s)
        answers = []
        for command in commands:
            first = len(self.lines)
            self.send(command.encode() + b"\n")
            self._wait_prompt(timeout_s)
            lines = self.lines[first:]
            # The monitor may echo what it is told.
            answers.append((command, lines[1:] if lines[:1] == [command] else lines))
        self.send(b"continue\n")
        # The key of another visit would be lost before this line.
        self.wait_line(CONTINUE_LINE, timeout_s)
        return MonitorVisit(barrier, answers)

    def tail(self, count: int = 3) -> str:
        """The last lines, for an error message."""
        return " | ".join(line for line in self.lines[-count:] if line) or "nothing printed yet"

    def close(self) -> None:
        self._stream.close()

    def _wait_prompt(self, timeout_s: float) -> None:
        self._wait(lambda: self.at_prompt, timeout_s, "the monitor's prompt")
        # Taken: the next line must not begin with it, and the next wait must not find it again.
        self._partial = b""

    def _wait(self, done: Callable[[], bool], timeout_s: float, what: str) -> None:
        over = self._reactor.wait_until(lambda: done() or self.closed, timeout_s)
        if over and done():
            return
        why = "the guest ended" if over else f"not within {timeout_s:g} s"
        error = MachineError if over else MachineTimeout
        raise error(f"waiting for {what}: {why}; console: {self.tail()}")

    def _received(self, data: bytes) -> None:
        if self._echo is not None:
            self._echo(data)
        *whole, self._partial = (self._partial + data).split(b"\n")
        self.lines += [line.decode(errors="replace").rstrip("\r") for line in whole]

    def _ended(self) -> None:
        if self._partial:
            self.lines.append(self._partial.decode(errors="replace"))
            self._partial = b""
