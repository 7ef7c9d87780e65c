"""The user's side: what the guest prints, a progress line, messages, the keyboard, Ctrl-C."""

import os
import signal
import socket
import sys
import termios

from console import Console
from reactor import Reactor

INTERRUPT = b"\x03"
CLEAR_LINE = "\r\x1b[K"


class Terminal:
    """Guest output goes to stdout; messages and, when it is a terminal, the progress line to
    stderr.
    """

    def __init__(self, echo: bool = True) -> None:
        self._echo = echo
        self._has_progress = sys.stderr.isatty()
        self._progress_shown = False
        self._at_line_start = True

    def guest_output(self, data: bytes) -> None:
        if not self._echo:
            return
        self._clear()
        try:
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            # Whoever read the output has left; the recording goes on, console.log has everything.
            self._echo = False
        self._at_line_start = data.endswith(b"\n")

    def progress(self, text: str) -> None:
        # An unfinished line of the guest (a prompt) is not written over.
        if self._has_progress and self._at_line_start:
            sys.stderr.write(CLEAR_LINE + text)
            sys.stderr.flush()
            self._progress_shown = True

    def message(self, text: str) -> None:
        self._clear()
        print(f"palimpsest: {text}", file=sys.stderr, flush=True)

    def done(self) -> None:
        """No more progress: the terminal is someone else's."""
        self._clear()

    def _clear(self) -> None:
        if self._progress_shown:
            sys.stderr.write(CLEAR_LINE)
            sys.stderr.flush()
            self._progress_shown = False


class Interrupts:
    """Counts Ctrl-C (and SIGTERM, SIGHUP) instead of raising, and wakes the reactor: a context
    manager.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self, reactor: Reactor) -> None:
        self.count = 0
        self._reactor = reactor

    def __enter__(self) -> "Interrupts":
        self._awake, self._wake = socket.socketpair()
        self._awake.setblocking(False)
        self._wake.setblocking(False)
        self._old_fd = signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        self._old = [(number, signal.signal(number, self._caught)) for number in self.SIGNALS]
        self._reactor.add(self._awake, lambda: self._awake.recv(64))
        return self

    def __exit__(self, *_) -> None:
        for number, handler in self._old:
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._old_fd)
        self._reactor.remove(self._awake)
        self._awake.close()
        self._wake.close()

    def _caught(self, number, frame) -> None:
        self.count += 1


class Keyboard:
    """The terminal's keys to the guest's console, each as it is: Ctrl-C and Ctrl-Z are for the
    guest's programs. Only while the kernel monitor waits for a command Ctrl-C is ours. A context
    manager.
    """

    def __init__(self, reactor: Reactor, console: Console) -> None:
        self._reactor = reactor
        self._console = console
        self._fd = sys.stdin.fileno()

    def __enter__(self) -> "Keyboard":
        self._old = termios.tcgetattr(self._fd)
        raw = termios.tcgetattr(self._fd)
        raw[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.IXON | termios.ISTRIP)
        raw[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG | termios.IEXTEN)
        termios.tcsetattr(self._fd, termios.TCSADRAIN, raw)
        self._open = True
        self._reactor.add(self._fd, self._pressed)
        return self

    def __exit__(self, *_) -> None:
        self._leave()
        termios.tcsetattr(self._fd, termios.TCSADRAIN, self._old)

    def _pressed(self) -> None:
        keys = os.read(self._fd, 256)
        if not keys or self._console.closed:
            self._leave()
        elif INTERRUPT in keys and self._console.at_prompt:
            # The machine stands still there; the request is heard when it goes on.
            self._console.send(b"continue\n")
            os.kill(os.getpid(), signal.SIGINT)
        else:
            self._console.send(keys)

    def _leave(self) -> None:
        if self._open:
            self._open = False
            self._reactor.remove(self._fd)
