"""Watches a recording until QEMU has ended, and ends it when it must.

Why a recording ends (Outcome.cause):
  exit        the guest's init exited, and the guest ended the session in order
  interrupt   Ctrl-C, SIGTERM or SIGHUP
  timeout     the scenario's time limit
  disk        free disk space ran short
  silent      no sign of life: the guest does not boot, hangs, or stalls for SILENCE_S
  panic       the kernel panicked
  reset       the guest reset its CPU (a triple fault), or another end that it should not have
  died        QEMU ended without the guest having ended the session

For interrupt, timeout and disk the guest is asked to stop and has STOP_GRACE_S to drain its trace;
another Ctrl-C or the end of that time makes it a cut: QEMU is ended by QMP. Before a cut, and when
a guest stopped that can send nothing any more, last_look is called: it may read the rings out of
guest memory. What the trace files hold by then, and it, is the session.
"""

import re
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass

import sizes
from errors import MachineError
from machine import Machine
from terminal import Interrupts, Terminal

TICK_S = 0.5
# Nothing tells the driver that a stream has grown: how often it looks when somebody waits for that.
WATCH_S = 0.02
STOP_GRACE_S = 30.0
PANIC_GRACE_S = 10.0
# Shared hosts are slow, but QEMU's TCG prints the kernel's first line within a second.
FIRST_LINE_S = {"tcg": 60.0, "kvm": 10.0}
# A guest may compute without printing or tracing, so it is asked for a barrier before it is called
# silent.
PROBE_S = 10.0
BARRIER_S = 1.0
SILENCE_S = 30.0
# The database is written after the trace and is of the order of its size.
MIN_FREE_BYTES = 512 << 20
DATABASE_PER_TRACE_BYTE = 3

# What the kernel prints when it panicked and could not send all of its trace.
TRACE_IN_MEMORY_LINE = "palimpsest: stopped, the end of the trace is in memory"
PANIC_LINE = re.compile(r"kernel panic: (.*)")
START_LINE = re.compile(r"\[init\] start (\S+) pid \d+")


@dataclass(frozen=True)
class Outcome:
    """How a recording ended. message is empty when the guest ended it by itself, in order."""

    cause: str
    message: str
    in_order: bool
    elapsed_s: float


class Supervisor:
    """Runs one machine to its end."""

    def __init__(self, machine: Machine, timeout_s: float, traced: bool,
                 interrupts: Interrupts, terminal: Terminal,
                 last_look: Callable[[], None] = lambda: None, barriers: bool = False,
                 watch: Callable[[], None] | None = None) -> None:
        self._machine = machine
        self._last_look = last_look
        self._watch = watch  # called all the time while the guest runs and nobody ends it
        self._trace_directory = machine.config.trace_directory
        self._timeout_s = timeout_s
        self._traced = traced
        self._interrupts = interrupts
        self._terminal = terminal
        self._begin = time.monotonic()
        self._active = self._begin  # when the guest last showed a sign of life
        self._activity = (0, 0)
        self._probed = False
        self._barriers = barriers  # one a second, so that who follows the trace is not behind
        self._last_barrier = self._begin
        self._lines_read = 0
        self._guest_state = "booting"
        self._panic: str | None = None
        self._stopped = False
        self._cause: str | None = None
        self._message = ""
        self._deadline = 0.0  # for an end that was asked for
        self._interrupts_taken = 0

    def run(self) -> Outcome:
        """Until QEMU has ended and its console is read."""
        while not self._machine.ended:
            taken = self._interrupts_taken
            self._machine.wait(lambda: self._interrupts.count != taken,
                               WATCH_S if self._watch else TICK_S)
            if not self._machine.ended:
                self._tick(time.monotonic())
        self._machine.quit()  # ended already: reads what the guest printed last
        self._read_console()
        self._terminal.done()
        return self._outcome()

    def _outcome(self) -> Outcome:
        in_order = self._machine.ended_in_order and self._panic is None
        cause, message = self._cause, self._message
        if self._panic is not None:
            cause, message = "panic", f"the kernel panicked: {self._panic}"
        elif cause is None and in_order:
            cause = "exit"
        elif cause is None:
            status = self._machine.exit_status
            how = f"signal {-status}" if status < 0 else f"status {status}"
            said = self._machine.error_text() or f"console: {self._machine.console.tail()}"
            cause = "died"
            message = f"QEMU ended ({how}) before the guest ended the session: {said}"
        return Outcome(cause, message, in_order, time.monotonic() - self._begin)

    def _tick(self, now: float) -> None:
        self._read_console()
        self._note_activity(now)
        if self._cause is None:
            self._look_for_a_reason(now)
            if self._watch is not None and self._cause is None:
                self._watch()
            if self._barriers and now - self._last_barrier >= BARRIER_S:
                self._last_barrier = now
                self._ctl("barrier")
        elif self._interrupts.count > self._interrupts_taken or self._too_late(now):
            self._interrupts_taken = self._interrupts.count
            self._message += ", and cut off: it did not end in order"
            self._end_machine()
        self._terminal.progress(f"{now - self._begin:7.1f} s  {self._guest_state}  "
                                f"trace {sizes.human(self._activity[0])}")

    def _too_late(self, now: float) -> bool:
        if self._cause == "panic" and self._machine.console.at_prompt:
            # panic=monitor: somebody may be looking around; the scenario's limit still holds.
            return bool(self._timeout_s) and now - self._begin > self._timeout_s
        return now > self._deadline

    def _look_for_a_reason(self, now: float) -> None:
        free = shutil.disk_usage(self._trace_directory).free
        trace_bytes = self._activity[0]
        needed = MIN_FREE_BYTES + DATABASE_PER_TRACE_BYTE * trace_bytes
        if self._machine.shut_down:
            self._cut("reset", "the guest reset its CPU: a triple fault; console: "
                               + self._machine.console.tail())
        elif self._stopped:
            self._cut("panic", "")
        elif self._interrupts.count:
            self._interrupts_taken = self._interrupts.count
            self._stop("interrupt", "interrupted")
            self._terminal.message("ending the recording in order; once more to cut it off")
        elif self._panic is not None:
            # It drains and ends by itself, unless it cannot.
            self._cause, self._message = "panic", ""
            self._deadline = now + PANIC_GRACE_S
        elif self._timeout_s and now - self._begin > self._timeout_s:
            self._stop("timeout", f"ended after its time limit of {self._timeout_s:g} s")
        elif free < needed:
            self._stop("disk", f"ended because {self._trace_directory} has {sizes.human(free)} "
                               f"left, and {sizes.human(needed)} are kept for the database of a trace of "
                               f"{sizes.human(trace_bytes)}")
        else:
            self._check_silence(now)

    def _check_silence(self, now: float) -> None:
        console = self._machine.console
        silent_s = now - self._active
        if not console.lines:
            limit_s = FIRST_LINE_S[self._machine.config.accel]
            if silent_s > limit_s:
                hint = "; try --accel tcg" if self._machine.config.accel == "kvm" else ""
                self._cut("silent", f"the guest printed nothing within {limit_s:g} s{hint}")
        elif console.at_prompt or not self._traced:
            # The monitor waits for the user; without a trace silence proves nothing.
            self._active = now
        elif silent_s > SILENCE_S:
            self._cut("silent", f"the guest was silent for {SILENCE_S:g} s (no trace, no output, "
                                f"no barrier when asked); console: {console.tail()}")
        elif silent_s > PROBE_S and not self._probed:
            self._probed = True
            self._ctl("barrier")

    def _stop(self, cause: str, message: str) -> None:
        self._cause, self._message = cause, message
        self._guest_state = "ending"
        self._deadline = time.monotonic() + STOP_GRACE_S
        self._ctl("stop")

    def _cut(self, cause: str, message: str) -> None:
        self._cause, self._message = cause, message
        self._end_machine()

    def _end_machine(self) -> None:
        self._last_look()
        self._machine.quit()

    def _ctl(self, command: str) -> None:
        try:
            self._machine.ctl(command)
        except MachineError:
            # QEMU is ending at this moment, or the deadline that runs now finds out.
            pass

    def _read_console(self) -> None:
        lines = self._machine.console.lines
        for line in lines[self._lines_read:]:
            if line == TRACE_IN_MEMORY_LINE:
                self._stopped = True
            elif match := PANIC_LINE.search(line):
                self._panic = self._panic or match.group(1)
            elif (match := START_LINE.search(line)) and self._cause is None:
                self._guest_state = f"running {match.group(1)}"
        self._lines_read = len(lines)

    def _note_activity(self, now: float) -> None:
        trace_bytes = sum(path.stat().st_size for path in self._trace_directory.glob("cpu*"))
        activity = (trace_bytes, len(self._machine.console.lines))
        if activity != self._activity:
            self._activity = activity
            self._active = now
            self._probed = False
