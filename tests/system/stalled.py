"""A host that stops taking the trace: the streams are FIFOs, and nobody reads them while the
program runs."""

import os
from contextlib import ExitStack
from pathlib import Path

import support
from machine import MachineConfig
from recording import Recording
from supervisor import Outcome

READ_BYTES = 1 << 16


class Fifo:
    """A stream on its way to its file."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._path = path
        self._copy = path.with_name(path.name + ".copy")
        os.mkfifo(path)
        # Open before QEMU opens its end, which would wait for that.
        self.fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        stack.callback(os.close, self.fd)
        self._file = stack.enter_context(open(self._copy, "wb"))

    def read(self) -> bool:
        """Takes what is there; False when that is nothing, now or for ever."""
        try:
            data = os.read(self.fd, READ_BYTES)
        except BlockingIOError:
            return False
        self._file.write(data)
        return bool(data)

    def finish(self) -> None:
        """QEMU has ended: the file takes the FIFO's place."""
        while self.read():
            pass
        self._file.flush()
        os.replace(self._copy, self._path)


class StalledRecording(Recording):
    """Takes the trace of the boot, nothing from the start of the first program to its end, and then
    the rest."""

    def run_to_end(self) -> Outcome:
        console, reactor = self.machine.console, self.machine.reactor
        console.wait_line(r"\[init\] start", support.SESSION_SECONDS)
        for fifo in self._fifos:
            reactor.remove(fifo.fd)
        console.wait_line(r"\[init\] exit", support.SESSION_SECONDS)
        for fifo in self._fifos:
            reactor.add(fifo.fd, fifo.read)
        outcome = super().run_to_end()
        for fifo in self._fifos:
            fifo.finish()
        return outcome

    def _boot(self, stack: ExitStack, config: MachineConfig) -> None:
        self._fifos = [Fifo(config.trace_directory / f"cpu{cpu}", stack)
                       for cpu in range(config.cpus)]
        super()._boot(stack, config)
        for fifo in self._fifos:
            self.machine.reactor.add(fifo.fd, fifo.read)
