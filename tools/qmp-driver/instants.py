"""Instants of a recording at which guest memory is read: for `palimpsest verify`.

When so much trace more has come, at distances that the scenario's seed draws, the machine is stopped
over QMP, its memory is dumped, and it goes on; a process of low priority walks the dump meanwhile
and leaves the objects it found in the session:

  verify/N.json.gz     instant N: its kind, and the objects by kind (tools/guest/walk.py)

Kinds of instants:
  barrier     the guest is asked to hold at a trace_barrier: every CPU is parked until the dump is
              taken
  arbitrary   the machine stops wherever its CPUs are
"""

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
from errors import MachineError
from machine import Machine

DIRECTORY = "verify"
BARRIER, ARBITRARY = "barrier", "arbitrary"
HELD_LINE = re.compile(r"palimpsest: held at barrier (\d+)")
START_LINE = re.compile(r"\[init\] start ")
QMP_SECONDS = 120.0
MAX_WALKS = 2  # at a time: each has a dump on the disk
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
        self._kernel = kernel
        self._directory = session / DIRECTORY
        self._tell = tell
        draw = random.Random(seed)
        kinds = [BARRIER] * plan.barriers + [ARBITRARY] * plan.arbitrary
        draw.shuffle(kinds)
        self._left = [(kind, int(plan.every_bytes * draw.uniform(0.5, 1.5))) for kind in kinds]
        self._goal: int | None = None  # trace bytes; None: no program has started
        self._lines_read = 0
        self._held: str | None = None  # number of the barrier at which the guest stands still
        self._asked = False  # it was asked to
        self._walks: list[tuple[subprocess.Popen, Path, int]] = []
        self._directory.mkdir()

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
        self._goal += distance

    def finish(self) -> None:
        """Wait for the walks under way. After the guest's end."""
        while self._walks:
            self._end_walk()

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
        while len(self._walks) >= MAX_WALKS:
            self._end_walk()
        try:
            machine.qmp.execute("stop", timeout_s=QMP_SECONDS)
            try:
                self._dump(kind)
            finally:
                machine.qmp.execute("cont", timeout_s=QMP_SECONDS)
            if self._held is not None:
                machine.ctl("go")
        except MachineError as error:
            # The guest may be ending at this moment; else the supervisor finds out.
            self._tell(f"no instant: {error}")
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
        words = [f"instant={number}", f"kind={kind}"]
        if kind == BARRIER:
            words.append(f"barrier={self._held}")
        walk = subprocess.Popen(
            [sys.executable, str(ROOT / "tools" / "guest" / "__main__.py"), str(self._kernel),
             str(path), str(self._directory / f"{number}.json.gz"), *words],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self._walks.append((walk, path, number))
        self.taken = number

    def _end_walk(self) -> None:
        walk, dump, number = self._walks.pop(0)
        said = walk.communicate()[1].strip()
        dump.unlink()
        if walk.returncode:
            self._tell(f"instant {number} could not be read: {said or f'status {walk.returncode}'}")
