"""From the kernel's first instruction to the first one of process 1; the least RAM that works.

Guest time is read from the time-stamp counter, which under `-icount shift=0` counts nanoseconds
since the machine started; what the firmware executed before the kernel is taken off. Linux is entered
unpacked: its decompressor is not counted.
"""

import re
import struct
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from build import ROOT, Build
from counts import INIT_BEGIN
from errors import ToolError
from figures import Goal, Row
from guest import Guest, Options, Palimpsest, Run, new_session
from linux import Linux
from micro import Machines

XEN_PHYS32_ENTRY = 18
PT_NOTE = 4
BOOT_GOAL = Goal(at_most=0.5)
MEMORY_GOAL = Goal(at_most=24)
# What runs in the least RAM: bytes of thrash by bytes of RAM, behind the smoke scenario's own program.
SESSIONS = {"least RAM for a traced session (smoke)": 0.0,
            "the same, and thrash of 1.5 times the RAM": 1.5}
MIB = 1 << 20


def pvh_entry(kernel: Path) -> int:
    """Where QEMU enters an ELF64 kernel: the PHYS32_ENTRY note."""
    image = kernel.read_bytes()
    table, = struct.unpack_from("<Q", image, 32)
    size, count = struct.unpack_from("<HH", image, 54)
    for n in range(count):
        kind, _, offset, _, _, length = struct.unpack_from("<IIQQQQ", image, table + n * size)
        if kind == PT_NOTE and (entry := _entry_note(image[offset:offset + length])):
            return entry
    raise ToolError(f"{kernel}: no PVH entry")


def _entry_note(notes: bytes) -> int | None:
    at = 0
    while at + 12 <= len(notes):
        name_size, size, kind = struct.unpack_from("<III", notes, at)
        content = at + 12 + (name_size + 3 & ~3)
        if notes[at + 12:at + 15] == b"Xen" and kind == XEN_PHYS32_ENTRY:
            return int.from_bytes(notes[content:content + min(size, 8)], "little")
        at = content + (size + 3 & ~3)
    return None


def first_program(run: Run, entry: int) -> tuple[int, float]:
    """Instructions and guest seconds from entry to process 1."""
    if entry not in run.counts.starts:
        raise ToolError(f"the kernel never executed its entry {entry:#x}")
    start = run.counts.starts[entry]
    init = next(count for value, count in run.counts.marks if value == INIT_BEGIN)
    tsc = int(run.line(r"tsc (\d+)")[1])
    return (init - start).total, (tsc - start.total) / 1e9


def boot(guest: Guest, entry: int, options: Options) -> tuple[int, float]:
    options.starts = (entry,)
    return first_program(guest.run([["memory"]], {}, options), entry)


def least(works: Callable[[int], bool], low: int, high: int, step: int) -> int:
    """The least multiple of step in (low, high] that works, if all above it do; high must."""
    if not works(high):
        raise ToolError(f"it does not even run in {high >> 20} MiB")
    while high - low > step:
        middle = low + (high - low) // 2 // step * step
        if works(middle):
            high = middle
        else:
            low = middle
    return high


def session_text(smoke: str, memory_bytes: int, thrash: float) -> str:
    """The smoke scenario in a machine of that size, with thrash behind its program."""
    text = re.sub(r'^memory = "\w+"$', f'memory = "{memory_bytes >> 10}K"', smoke,
                  flags=re.MULTILINE)
    if thrash:
        size = int(thrash * memory_bytes) >> 10
        text += f'\n[[program]]\nname = "thrash"\nargs = ["--size", "{size}K", "--rounds", "1"]\n'
    return text


def session_runs(build: Build, memory_bytes: int, thrash: float) -> bool:
    """Whether a traced session holds all that its scenario expects, in a machine of that size."""
    smoke = (ROOT / "scenarios" / "smoke.toml").read_text()
    with tempfile.TemporaryDirectory(prefix="plm-bench-") as holder:
        scenario = Path(holder) / "least.toml"
        scenario.write_text(session_text(smoke, memory_bytes, thrash))
        done = subprocess.run([str(ROOT / "tools" / "palimpsest"), "run", str(scenario), "--build",
                               str(build.directory), "-o", str(Path(holder) / "session")],
                              capture_output=True)
    return done.returncode == 0


def linux_runs(linux: Linux, memory_bytes: int) -> bool:
    """Whether Linux boots in a machine of that size, swaps, and runs a program."""
    try:
        run = linux.run([["run", "/bin/hello"]], {"hello": linux.build.require("user/hello")},
                        Options(memory_bytes=memory_bytes))
    except ToolError:
        return False
    return run.statuses.get("hello") == 0


def boot_rows(build: Build) -> list[Row]:
    ours, linux = Palimpsest(build), Linux(build)
    entry, linux_entry = pvh_entry(ours.kernel()), pvh_entry(linux.kernel())
    off = boot(ours, entry, Options())
    with tempfile.TemporaryDirectory(prefix="plm-bench-") as holder:
        on = boot(ours, entry,
                  Options(trace_directory=new_session(Path(holder), build) / "ctf"))
    theirs = boot(linux, linux_entry, Options())
    return [
        Row("boot to process 1, instructions", "M", off[0] / 1e6, theirs[0] / 1e6),
        Row("boot to process 1, guest time", "s", off[1], theirs[1], BOOT_GOAL),
        Row("the same with tracing, its baseline included", "s", on[1], goal=BOOT_GOAL),
    ]


def run(machines: Machines, quick: bool) -> list[Row]:
    build = machines.build
    rows = boot_rows(build)
    for words, thrash in SESSIONS.items():
        size = least(lambda memory: session_runs(build, memory, thrash), 7 * MIB, 48 * MIB, MIB)
        rows.append(Row(words, "MiB", size / MIB, goal=MEMORY_GOAL))
    linux = Linux(build)
    theirs = least(lambda memory: linux_runs(linux, memory), 56 * MIB, 128 * MIB, 4 * MIB)
    rows.append(Row("least RAM to boot, swap and run a program", "MiB", size / MIB, theirs / MIB))
    return rows
