"""Elementary operations: guest instructions for each, on both kernels."""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from build import ROOT, Build
from counts import Section
from errors import ToolError
from guest import Guest, Options, Palimpsest, Run, new_session
from linux import Linux
from figures import Goal, Row, median

ROUNDS = 3
OPERATION = re.compile(r"^micro (\S+) (\d+) operations (\d+) (\d+) ns$")
MISSING = re.compile(r"^missing (\S+) (.*)$")
MAJOR = re.compile(r"^swapin (\S+) (\d+) faults$")
# Every operation of bench/guest/micro.c, in words, with its goal.
OPERATIONS = {
    "null_call": ("system call that does nothing (getppid)", Goal(at_most=150)),
    "anon_fault": ("anonymous first-touch fault, page cleared", None),
    "zero_page_fault": ("read fault on the zero page", None),
    "cow_fault": ("copy-on-write fault", None),
    "file_read_fault": ("read fault on a mapped file", None),
    "file_write_fault": ("write fault on a private file mapping", None),
    "file_read": ("read() of 4 KiB of a file in memory", None),
    "file_write": ("write() of 4 KiB over it", None),
    "open_close": ("open + close", None),
    "stat": ("stat", None),
    "fork_exit": ("fork + exit + wait", Goal(at_most=60000)),
    "fork_exit_8m": ("fork + exit + wait, 8 MiB touched", None),
    "fork_exec": ("fork + exec + exit + wait", None),
    "thread": ("thread: create + exit + join", None),
    "pipe_page": ("write and read of 4 KiB through a pipe", None),
    "poll": ("poll() of two files that are ready", None),
    "pipe_switch": ("context switch through a pipe", None),
    "futex_switch": ("context switch by futex wake and wait", None),
    "yield_switch": ("sched_yield() between two tasks", None),
    "signal": ("signal: kill() of itself, handler, sigreturn", None),
    "mmap_munmap": ("mmap + munmap of 64 KiB", None),
    "mmap_touch_munmap": ("the same, one page touched", None),
    "mprotect": ("mprotect of 64 KiB", None),
    "swap_out": ("swap-out, per page (MADV_PAGEOUT)", None),
    "swap_in_sequential": ("swap-in in order, per page", None),
    "swap_in_random": ("swap-in of one page in sixteen, no order, per page", None),
}
NET_GOAL = Goal(at_most=1500)
ABOVE_GOAL = Goal(at_most=0)
MEDIAN_GOAL = Goal(at_most=0.5)


@dataclass(frozen=True)
class Operation:
    """One section of one round."""

    name: str
    count: int
    begin_ns: int
    end_ns: int
    section: Section

    @property
    def each(self) -> float:
        return self.section.count.total / self.count


@dataclass
class Rounds:
    """All rounds on one machine."""

    operations: list[Operation]
    missing: dict[str, str]
    majors: dict[str, list[int]]

    def of(self, name: str) -> list[Operation]:
        return [operation for operation in self.operations if operation.name == name]

    def each(self, name: str) -> float | None:
        """Instructions of one operation, the median of the rounds; None when it is missing."""
        found = self.of(name)
        return median([operation.each for operation in found]) if found else None

    def vdso(self, name: str) -> float | None:
        """Instructions of vdso_NAME or call_NAME alone, up to its return."""
        found = self.each(name)
        return found - self.each("nothing") + 1 if found is not None else None


def read(run: Run) -> Rounds:
    """What micro printed, joined with the sections in the same order."""
    found = [match for line in run.lines if (match := OPERATION.match(line))]
    sections = run.counts.sections
    if len(found) != len(sections):
        raise ToolError(f"micro named {len(found)} sections and marked {len(sections)}")
    operations = [Operation(m[1], int(m[2]), int(m[3]), int(m[4]), section)
                  for m, section in zip(found, sections)]
    missing = {m[1]: m[2] for line in run.lines if (m := MISSING.match(line))}
    majors: dict[str, list[int]] = {}
    for line in run.lines:
        if match := MAJOR.match(line):
            majors.setdefault(match[1], []).append(int(match[2]))
    return Rounds(operations, missing, majors)


def measure(guest: Guest, options: Options, rounds: int = ROUNDS) -> Rounds:
    """Several rounds in one machine."""
    program = guest.build.require("bench/micro")
    run = guest.run([["run", "/bin/micro"]] * rounds, {"micro": program}, options)
    if run.statuses["micro"] != 0:
        raise ToolError(f"micro failed on {guest.name}: {' | '.join(run.lines[-3:])}")
    return read(run)


class Machines:
    """The machines that parts share: each is measured once."""

    def __init__(self, build: Build) -> None:
        self.build = build
        self._known: dict[str, Rounds] = {}
        self._holder = tempfile.TemporaryDirectory(prefix="plm-bench-")
        self.session: Path | None = None  # of the traced machine

    def close(self) -> None:
        self._holder.cleanup()

    def off(self) -> Rounds:
        """This kernel, tracing off."""
        return self._once("off", lambda: measure(Palimpsest(self.build), Options(functions=True)))

    def on(self) -> Rounds:
        """This kernel, everything traced; self.session is its directory."""

        def traced() -> Rounds:
            self.session = new_session(Path(self._holder.name), self.build)
            return measure(Palimpsest(self.build),
                           Options(trace_directory=self.session / "ctf"))

        return self._once("on", traced)

    def without(self) -> Rounds:
        """This kernel, built without any event."""

        def untraced() -> Rounds:
            directory = self.build.directory / "bench" / "notrace"
            subprocess.run(["make", "-s", "-C", str(ROOT), f"O={directory}", "NO_TRACE=1",
                            "kernel"], check=True, stdout=subprocess.DEVNULL)
            return measure(Palimpsest(self.build, directory / "kernel.elf"), Options())

        return self._once("without", untraced)

    def linux(self) -> Rounds:
        return self._once("linux", lambda: measure(Linux(self.build), Options()))

    def _once(self, name: str, take) -> Rounds:
        if name not in self._known:
            self._known[name] = take()
        return self._known[name]


def net_of_clearing(operations: Sequence[Operation]) -> float:
    """Instructions of one fault without those that clear its page."""
    return median([(operation.section.count.total - operation.section.count.stores)
                   / operation.count for operation in operations])


def run(machines: Machines, quick: bool) -> list[Row]:
    off, on, linux = machines.off(), machines.on(), machines.linux()
    rows = []
    for name, (words, goal) in OPERATIONS.items():
        rows.append(Row(words, "instructions", off.each(name), linux.each(name), goal,
                        missing=off.missing.get(name, ""),
                        linux_missing=linux.missing.get(name, ""),
                        details=_details(name, off, on, linux)))
        if name == "anon_fault":
            rows.append(Row("the same, net of clearing", "instructions",
                            net_of_clearing(off.of(name)), net_of_clearing(linux.of(name)),
                            NET_GOAL))
    return rows + summary(off, linux)


def summary(off: Rounds, linux: Rounds) -> list[Row]:
    """How all operations compare; one that is missing here counts as above Linux."""
    ratios = {}
    for name in OPERATIONS:
        here, there = off.each(name), linux.each(name)
        if there is not None:
            ratios[name] = here / there if here is not None else float("inf")
    above = [name for name, ratio in ratios.items() if ratio > 1]
    return [Row("operations above Linux", f"of {len(ratios)}", len(above), goal=ABOVE_GOAL,
                details={"above": above}),
            Row("here / Linux, the median of all operations", "", median(list(ratios.values())),
                goal=MEDIAN_GOAL,
                details={"ratios": {name: round(ratio, 3) for name, ratio in ratios.items()}})]


def _details(name: str, off: Rounds, on: Rounds, linux: Rounds) -> dict:
    details = {"traced": on.each(name),
               "rounds": [round(operation.each, 1) for operation in off.of(name)],
               "rounds_linux": [round(operation.each, 1) for operation in linux.of(name)]}
    if name in off.majors:
        details |= {"major_faults": off.majors[name], "major_faults_linux": linux.majors[name]}
    return details
