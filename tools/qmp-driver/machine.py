"""One QEMU: its command line, its sockets, its end.

    with Machine(config) as machine:
        machine.console.wait_line("init.* start", 60)
        visit = machine.monitor(["lru", "check"])
        machine.ctl("stop")
        machine.wait_end(60)

Leaving the block ends QEMU, whatever happened in it; the kernel ends it too should this process be
killed. QEMU connects to us: every listener exists before it starts, and nothing polls. Sockets
stand in a private directory with a short name (a unix path holds 108 bytes).
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import swapdisk
from console import Console, MonitorVisit
from errors import MachineError, MachineTimeout, ToolError
from qmp import QmpClient, QmpClosed
from reactor import Reactor, Stream
from swapdisk import SwapBehaviour

QEMU = "qemu-system-x86_64"
CPU_MODEL = "max,-erms,-fsrm,-la57"
MAX_CPUS = 16  # TRACE_MAX_CPUS
CONNECT_TIMEOUT_S = 30.0
QUIT_TIMEOUT_S = 5.0
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class MachineConfig:
    """What QEMU is started with. Paths may hold any character."""

    kernel: Path | None = None
    initrd: Path | None = None
    command_line: str = ""
    memory_bytes: int = 64 << 20
    cpus: int = 1
    accel: str = "tcg"
    swap: Path | None = None
    swap_behaviour: SwapBehaviour = SwapBehaviour()
    console_log: Path | None = None
    trace_directory: Path | None = None  # streams cpu0, cpu1, ... go here; None: no trace device
    error_log: Path | None = None  # QEMU's own messages
    extra: tuple[str, ...] = field(default=())


def _value(path: Path | str) -> str:
    """A value inside a QEMU option: a comma is written twice."""
    return str(path).replace(",", ",,")


def qemu_arguments(config: MachineConfig, sockets: Path) -> list[str]:
    """QEMU's arguments, without the program's name, in named groups."""
    accel = config.accel
    if accel == "tcg":
        accel += ",thread=" + ("multi" if config.cpus > 1 else "single")
    machine = ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
               "-machine", "q35", "-accel", accel, "-cpu", CPU_MODEL, "-smp", str(config.cpus),
               "-m", f"{config.memory_bytes >> 10}K"]
    boot = []
    if config.kernel is not None:
        boot += ["-kernel", str(config.kernel), "-append", config.command_line]
    if config.initrd is not None:
        boot += ["-initrd", str(config.initrd)]

    control = ["-chardev", f"socket,id=qmp,path={_value(sockets / 'qmp')}",
               "-mon", "chardev=qmp,mode=control",
               "-chardev", f"socket,id=console,path={_value(sockets / 'console')}",
               "-serial", "chardev:console",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]

    swap = []
    if config.swap is not None:
        swap = swapdisk.qemu_arguments(config.swap, config.swap_behaviour)

    trace = []
    if config.trace_directory is not None:
        trace = ["-device", "virtio-serial-pci,id=trace,max_ports=31,disable-legacy=on"]
        for cpu in range(config.cpus):
            stream = _value(config.trace_directory / f"cpu{cpu}")
            trace += ["-chardev", f"file,id=trace{cpu},path={stream}",
                      "-device", f"virtserialport,bus=trace.0,nr={cpu + 1},chardev=trace{cpu},"
                                 f"name=org.palimpsest.trace.{cpu}"]
        trace += ["-chardev", f"socket,id=ctl,path={_value(sockets / 'ctl')}",
                  "-device", f"virtserialport,bus=trace.0,nr={config.cpus + 1},chardev=ctl,"
                             "name=org.palimpsest.ctl"]
    return machine + boot + control + swap + trace + list(config.extra)


def find_qemu() -> str:
    path = shutil.which(QEMU)
    if path is None:
        raise ToolError(f"{QEMU} not found: run `make deps` (package qemu-system-x86)")
    return path


def _die_with_parent() -> None:
    """Runs in the child before exec: no QEMU outlives its driver."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Machine:
    """A running QEMU. A context manager; everything is read on the caller's thread (see
    reactor).
    """

    def __init__(self, config: MachineConfig, echo: Callable[[bytes], None] | None = None,
                 reactor: Reactor | None = None) -> None:
        self.config = config
        self.reactor = reactor or Reactor()
        self.arguments: list[str] = []
        self.exit_status: int | None = None
        self.qmp: QmpClient
        self.console: Console
        self._echo = echo
        self._ctl: Stream | None = None
        self._process: subprocess.Popen
        self._error_log: Path
        self._stack: ExitStack

    def __enter__(self) -> "Machine":
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_) -> None:
        with self._stack:
            self.quit()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        return self.exit_status is not None

    @property
    def shut_down(self) -> bool:
        """The guest asked for a reset or the power to go off, and QEMU keeps it as it was (-action
        shutdown=pause)."""
        return any(event["event"] == "SHUTDOWN" for event in self.qmp.events)

    @property
    def ended_in_order(self) -> bool:
        """The guest wrote isa-debug-exit, which makes QEMU's status odd (QEMU's own failure at
        start has an odd status too, but then no Machine comes into being).
        """
        return self.exit_status is not None and self.exit_status > 0 and self.exit_status % 2 == 1

    def wait(self, predicate: Callable[[], bool], timeout_s: float) -> bool:
        """Until predicate() holds or QEMU has ended; False when neither happened in time."""
        return self.reactor.wait_until(lambda: predicate() or self.ended, timeout_s)

    def wait_end(self, timeout_s: float) -> int:
        """QEMU's exit status; negative: the signal that ended it. All console output has been read
        then.
        """
        if not self.reactor.wait_until(lambda: self.ended and self.console.closed, timeout_s):
            raise MachineTimeout(f"the guest did not end within {timeout_s:g} s; "
                                 f"console: {self.console.tail()}")
        return self.exit_status

    def monitor(self, commands: list[str], timeout_s: float = 30.0) -> MonitorVisit:
        """Stop all CPUs, ask the kernel monitor, continue."""
        return self.console.visit_monitor(commands, timeout_s)

    def ctl(self, command: str) -> None:
        """Send one line to the guest's control port; it is read when the guest gets to it."""
        if self._ctl is None:
            raise MachineError("this machine has no control port")
        try:
            self._ctl.send(command.encode() + b"\n")
        except OSError as error:
            raise MachineError(f"control port: {error.strerror or error}") from error

    def quit(self) -> None:
        """End QEMU now: by QMP, and by force when it does not answer. Does nothing when it has
        ended.
        """
        if not self.ended:
            try:
                self.qmp.execute("quit", timeout_s=QUIT_TIMEOUT_S)
            except MachineError:
                # Ended before it answered, or deaf: the next lines see to both.
                pass
            if not self.reactor.wait_until(lambda: self.ended, QUIT_TIMEOUT_S):
                self._process.kill()
        # What the guest printed last is still in the socket.
        self.reactor.wait_until(lambda: self.ended and self.console.closed, QUIT_TIMEOUT_S)

    def error_text(self) -> str:
        """What QEMU itself had to say, in one line."""
        text = self._error_log.read_text(errors="replace")
        return " | ".join(line.strip() for line in text.splitlines()[-3:] if line.strip())

    def _start(self, stack: ExitStack) -> None:
        qemu = find_qemu()
        sockets = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plm-")))
        stack.callback(self.reactor.close)
        self._error_log = self.config.error_log or sockets / "errors"
        self.arguments = [qemu, *qemu_arguments(self.config, sockets)]
        accepted = self._connect(stack, sockets)
        self.console = Console(self.reactor, accepted["console"], self._hearers(stack))
        if "ctl" in accepted:
            self._ctl = Stream(self.reactor, accepted["ctl"], lambda data: None, lambda: None)
        self.qmp = QmpClient(self.reactor, accepted["qmp"])
        try:
            self.qmp.negotiate(CONNECT_TIMEOUT_S)
        except QmpClosed as error:
            self.reactor.wait_until(lambda: self.ended, QUIT_TIMEOUT_S)
            # A guest may be over before QEMU gets to its monitor; QEMU's own failures have a
            # message.
            if not self.ended_in_order or self.error_text():
                raise self._failed_at_start() from error

    def _hearers(self, stack: ExitStack) -> Callable[[bytes], None]:
        """What gets the console's bytes: the log, written here because QEMU's own log repeats bytes
        that the socket did not take at once, and who asked for an echo."""
        log = self.config.console_log
        file = stack.enter_context(open(log, "wb", buffering=0)) if log else None

        def hear(data: bytes) -> None:
            if file is not None:
                file.write(data)
            if self._echo is not None:
                self._echo(data)

        return hear

    def _connect(self, stack: ExitStack, sockets: Path) -> dict[str, socket.socket]:
        """Start QEMU and let it connect to every socket."""
        accepted: dict[str, socket.socket] = {}

        def listen(name: str, listening: ExitStack) -> None:
            listener = listening.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
            listener.bind(str(sockets / name))
            listener.listen(1)

            def accept() -> None:
                accepted[name] = stack.enter_context(listener.accept()[0])

            self.reactor.add(listener, accept)
            listening.callback(self.reactor.remove, listener)

        with ExitStack() as listening:
            names = ["qmp", "console"] + (["ctl"] if self.config.trace_directory else [])
            for name in names:
                listen(name, listening)
            self._launch(stack)
            if not self.wait(lambda: len(accepted) == len(names), CONNECT_TIMEOUT_S):
                raise MachineTimeout(f"QEMU did not connect within {CONNECT_TIMEOUT_S:g} s: "
                                     f"{self.error_text() or 'it said nothing'}")
        if len(accepted) < len(names):
            raise self._failed_at_start()
        return accepted

    def _launch(self, stack: ExitStack) -> None:
        with open(self._error_log, "wb") as errors:
            # A session of its own: Ctrl-C at the terminal is for the driver, which ends QEMU in
            # order.
            self._process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                start_new_session=True, preexec_fn=_die_with_parent)
        stack.callback(self._process.wait)
        stack.callback(self._process.kill)  # no effect on a process that has been waited for
        pidfd = os.pidfd_open(self._process.pid)
        stack.callback(os.close, pidfd)

        def process_ended() -> None:
            self.reactor.remove(pidfd)
            self.exit_status = self._process.wait()

        self.reactor.add(pidfd, process_ended)

    def _failed_at_start(self) -> MachineError:
        return MachineError(f"QEMU ended at once (status {self.exit_status}): "
                            f"{self.error_text() or 'it said nothing'}")
