"""Instants of a recording at which guest memory is read: for `palimpsest verify`.

When so much trace more has come, at distances that the scenario's seed draws, the machine is stopped
over QMP, its memory is dumped, and it goes on; a process of low priority walks the dump meanwhile
and leaves the objects it found in the session:

  verify/N.json.gz     instant N: its kind, and the objects by kind (tools/guestram/walk.py)

Kinds of instants:
  barrier     the guest is asked to hold at a trace_barrier: every CPU is parked until the dump is
              taken
  arbitrary   the machine stops wherever its CPUs are
"""

import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sizes
from build import ROOT
from machine import Machine
from qmp import QmpClosed

DIRECTORY = "verify"
BARRIER, ARBITRARY = "barrier", "arbitrary"
HELD_LINE = re.compile(r"palimpsest: held at barrier (\d+)")
START_LINE = re.compile(r"\[init\] start ")
QMP_SECONDS = 120.0
MAX_WALKS = 2  # dumps on the disk
SPARE_BYTES = 256 << 20


@dataclass(frozen=True)
class Plan:
    """How many instants of each kind, and how many bytes of trace lie between two, on average."""

    barriers: int = 0
    arbitrary: int = 0
    every_bytes: int = 1 << 20

    @property
    def count(self) -> int:
        return self.barriers + self.arbitrary


class Instants:
    """Takes the instants of a plan; tick() is called all the time while the guest runs."""

    def __init__(self, plan: Plan, seed: int, machine: Machine, kernel: Path, session: Path,
                 tell: Callable[[str], None]) -> None:
        self.taken = 0
        self._machine = machine
        self._directory = session / DIRECTORY
        self._tell = tell
        draw = random.Random(seed)
        kinds = [BARRIER] * plan.barriers + [ARBITRARY] * plan.arbitrary
        draw.shuffle(kinds)
        self._left = [(kind, int(plan.every_bytes * draw.uniform(0.5, 1.5))) for kind in kinds]
        self._goal: int | None = None  # trace bytes from which the next distance counts; None: no program has started
        self._lines_read = 0
        self._held: str | None = None  # number of the barrier at which the guest stands still
        self._asked = False  # it was asked to
        self._directory.mkdir()
        self._walker = Walker(kernel, tell)

    def tick(self) -> None:
        """Look at how far the guest is, and take the next instant when it is due."""
        self._read_console()
        if not self._left or self._machine.ended:
            return
        kind, distance = self._left[0]
        if self._goal is None or (not self._asked and self._trace_bytes() < self._goal + distance):
            return
        if kind == BARRIER and self._held is None:
            if not self._asked:
                self._machine.ctl("hold")
                self._asked = True
            return
        self._take(kind)
        self._left.pop(0)
        self._goal = self._trace_bytes()

    def finish(self) -> None:
        """Wait for the walks under way. After the guest's end."""
        self._walker.end()

    def _read_console(self) -> None:
        lines = self._machine.console.lines
        for line in lines[self._lines_read:]:
            if self._goal is None and START_LINE.search(line):
                self._goal = self._trace_bytes()
            elif match := HELD_LINE.search(line):
                self._held = match.group(1)
        self._lines_read = len(lines)

    def _trace_bytes(self) -> int:
        return sum(path.stat().st_size for path in self._machine.config.trace_directory.glob("cpu*"))

    def _take(self, kind: str) -> None:
        machine = self._machine
        try:
            machine.qmp.execute("stop", timeout_s=QMP_SECONDS)
            self._dump(kind)
            # While the machine stands still: it would run away from the next instant.
            self._walker.wait(MAX_WALKS - 1)
            machine.qmp.execute("cont", timeout_s=QMP_SECONDS)
            if self._held is not None:
                machine.ctl("go")
        except QmpClosed:
            pass  # the guest has ended: the instants that are missing are counted
        self._held, self._asked = None, False

    def _dump(self, kind: str) -> None:
        number = self.taken + 1
        path = self._directory / f"{number}.dump"
        free = shutil.disk_usage(self._directory).free
        if free < self._machine.config.memory_bytes + SPARE_BYTES:
            self._tell(f"no instant: {sizes.human(free)} left on the disk are not enough for a dump")
            return
        self._machine.qmp.execute("dump-guest-memory", {
            "paging": False, "protocol": f"file:{path}"}, timeout_s=QMP_SECONDS)
        values = {"instant": number, "kind": kind}
        if kind == BARRIER:
            values["barrier"] = int(self._held)
        self._walker.add(path, self._directory / f"{number}.json.gz", values)
        self.taken = number


class Walker:
    """The process that walks dumps (tools/guestram), one after the other, and deletes them."""

    def __init__(self, kernel: Path, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._dumps: list[Path] = []  # not walked yet
        self._process = subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / "guestram" / "__main__.py"), str(kernel)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def add(self, dump: Path, output: Path, values: dict) -> None:
        """Have a dump walked; the output repeats the values."""
        self._dumps.append(dump)
        try:
            print(json.dumps({"dump": str(dump), "output": str(output)} | values),
                  file=self._process.stdin, flush=True)
        except BrokenPipeError:
            pass  # it has said why, and wait() notices

    def wait(self, most: int) -> None:
        """Until at most so many are left."""
        while len(self._dumps) > most:
            dump = self._dumps.pop(0)
            answer = self._process.stdout.readline()
            dump.unlink()
            if answer.strip() or not answer:
                self._tell(f"{dump}: {answer.strip() or 'the process that reads dumps has ended'}")

    def end(self) -> None:
        self.wait(0)
        with self._process:
            pass  # closes its input, which ends it, and waits
