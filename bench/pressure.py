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

    available_bytes: int  # before it began
    count: Count
    counters: dict[str, int]

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


def complete(counters: dict[str, int]) -> dict[str, int]:
    """ToolError when one is missing: its line was not printed whole."""
    if lost := [name for name in COUNTERS if name not in counters]:
        raise ToolError(f"the guest printed no counter {' '.join(lost)}")
    return counters


def differences(lines: Sequence[str], program: str) -> list[dict[str, int]]:
    """The counters that each run of a program added: those printed behind its exit, less those printed
    before it, or nothing: they began at the machine's start.
    """
    exits = [n for n, line in enumerate(lines) if f"exit /bin/{program} " in line]
    if not exits:
        raise ToolError(f"{program} did not end; last: {' | '.join(lines[-3:])}")
    ends = [*exits[1:], len(lines)]
    before, added = counters_of(lines[:exits[0]]), []
    for begin, end in zip(exits, ends):
        after = counters_of(lines[begin:end])
        added.append({name: after[name] - before.get(name, 0) for name in after})
        before = after
    return added


def available(lines: Sequence[str]) -> list[int]:
    """Bytes that programs may use, wherever it was printed: MemAvailable, or where that is missing the
    free frames.
    """
    found = [int(m[1]) << 10 for line in lines if (m := re.match(r"MemAvailable: +(\d+) kB", line))]
    return found or [int(m[1]) for line in lines
                     if (m := re.search(r"memory \d+ (\d+) bytes", line))]


def look(guest: Guest) -> list[list[str]]:
    """The steps that print memory and counters."""
    if guest.name == "linux":
        return [["show", "/proc/meminfo"], ["show", "/proc/vmstat"]]
    return [["memory"]]  # the counters are printed at the machine's end


def run_once(guest: Guest, file: Path, arguments: Sequence[str], options: Options,
             times: int = 1) -> Run:
    """Run one program alone in a machine, one time after the other."""
    step = [["run", f"/bin/{file.name}", *arguments], *look(guest)]
    return guest.run([*look(guest), *step * times], {file.name: file}, options)


def measure(guest: Guest, file: Path, arguments: Sequence[str], options: Options,
            times: int) -> list[Pressure]:
    """One program several times. Linux, whose boot takes longer than any workload here and which tells
    its counters at any time, boots once for all; this kernel each time. ToolError when it fails.
    """
    together = times if guest.name == "linux" else 1
    done: list[Pressure] = []
    while len(done) < times:
        run = run_once(guest, file, arguments, options, together)
        if run.statuses[file.name] != 0:
            raise ToolError(f"{file.name} on {guest.name}: wait status {run.statuses[file.name]}")
        done += [Pressure(*parts) for parts in zip(
            available(run.lines), (program.count for program in run.counts.programs),
            map(complete, differences(run.lines, file.name)))]
    return done


def available_after_boot(guest: Guest, memory_bytes: int) -> int:
    return available(guest.run(look(guest), {}, Options(memory_bytes=memory_bytes)).lines)[0]


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
