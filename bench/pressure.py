"""The workloads under memory pressure, on both kernels, at equal available memory.

Linux decides: its available memory after boot (MemAvailable of /proc/meminfo in a machine of
128 MiB) is what this kernel's machine is sized to have free. Workloads are sized to a multiple of
it. Disk completions come in the host's time, so no run repeats exactly: medians.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from counts import Count
from errors import ToolError
from guest import Guest, Options, Run

PAGE = 4096
# What both kernels count under these names.
COUNTERS = ("pgfault", "pgmajfault", "pswpin", "pswpout", "pgscan_kswapd", "pgscan_direct",
            "allocstall")
# Linux has this one by zone.
SUMMED = {"allocstall": ("allocstall_normal", "allocstall_dma", "allocstall_dma32",
                         "allocstall_movable")}
VMSTAT_LINE = re.compile(r"^(?:vmstat )?([a-z_0-9]+) (\d+)$")


@dataclass(frozen=True)
class Pressure:
    """One workload in one machine."""

    run: Run
    available_bytes: int
    counters: dict[str, int]
    status: int

    @property
    def count(self) -> Count:
        return self.run.counts.programs[0].count

    @property
    def pages_in_out(self) -> int:
        return self.counters["pswpin"] + self.counters["pswpout"]


def counters_of(lines: Sequence[str]) -> dict[str, int]:
    """The counters among the console's lines; of equal names the last."""
    found = {match[1]: int(match[2]) for line in lines if (match := VMSTAT_LINE.match(line))}
    for name, parts in SUMMED.items():
        if name not in found and any(part in found for part in parts):
            found[name] = sum(found.get(part, 0) for part in parts)
    return {name: found[name] for name in COUNTERS if name in found}


def difference(run: Run, program: str) -> dict[str, int]:
    """The counters that a program's run added: what was printed behind its exit, less what was
    printed before (nothing is: they began at the machine's start).
    """
    at = next((n for n, line in enumerate(run.lines) if f"exit /bin/{program} " in line), None)
    if at is None:
        raise ToolError(f"{program} did not end; last: {' | '.join(run.lines[-3:])}")
    before, after = counters_of(run.lines[:at]), counters_of(run.lines[at:])
    return {name: after[name] - before.get(name, 0) for name in after}


def available(run: Run) -> int:
    """Bytes that programs may use: MemAvailable, or where that is missing the free frames."""
    for line in run.lines:
        if match := re.match(r"MemAvailable: +(\d+) kB", line):
            return int(match[1]) << 10
    return int(run.line(r"memory \d+ (\d+) bytes")[1])


def measure(guest: Guest, file: Path, arguments: Sequence[str], options: Options) -> Pressure:
    """Run one program alone in a machine."""
    is_linux = guest.name == "linux"
    before = [["memory"]] + ([["show", "/proc/meminfo"], ["show", "/proc/vmstat"]]
                             if is_linux else [])
    after = [["show", "/proc/vmstat"]] if is_linux else []
    run = guest.run([*before, ["run", f"/bin/{file.name}", *arguments], *after],
                    {file.name: file}, options)
    return Pressure(run, available(run), difference(run, file.name), run.statuses[file.name])


def available_after_boot(guest: Guest, memory_bytes: int) -> int:
    run = guest.run([["memory"]] + ([["show", "/proc/meminfo"]] if guest.name == "linux" else []),
                    {}, Options(memory_bytes=memory_bytes))
    return available(run)


def equal_memory(guest: Guest, wanted_bytes: int) -> int:
    """RAM with which the machine has that much available, to a page; what the kernel itself takes grows
    with RAM, so try, correct, and try again.
    """
    memory = wanted_bytes + (6 << 20)
    for _ in range(4):
        short = wanted_bytes - available_after_boot(guest, memory)
        if abs(short) < 16 * PAGE:
            return memory
        memory += short
    return memory
