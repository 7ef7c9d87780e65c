"""Pages in and out of the workloads at 1.2 times the available memory, on both kernels."""

import sys

from build import Build
from figures import Goal, Row, median
from guest import DEFAULT_MEMORY, Guest, Options, Palimpsest
from linux import Linux
from micro import Machines
from pressure import Pressure, available_after_boot, equal_memory, measure

FACTOR = 1.2
RUNS, QUICK_RUNS = 5, 3
# Which part of the memory in use --size is. forkshare's eight children each write a quarter of their copy, so that
# it takes three times its size where they run at the same time, as on Linux; where each ends in
# its first time slice it takes little more than once.
WORKLOADS = {"seqscan": 1.0, "zipf": 1.0, "hotcold": 1.0, "forkshare": 1 / 3}
SHOWN = {"major faults": "pgmajfault", "pages scanned by kswapd": "pgscan_kswapd",
         "pages scanned by direct reclaim": "pgscan_direct"}


def size_of(part: float, available_bytes: int) -> str:
    return f"{int(FACTOR * part * available_bytes) >> 10}K"


def several(guest: Guest, program: str, size: str, options: Options, runs: int) -> list[Pressure]:
    done = measure(guest, guest.build.require(f"user/{program}"), ["--size", size], options, runs)
    print(f"bench: {program} {size} on {guest.name}: pages in and out "
          f"{[run.pages_in_out for run in done]}", file=sys.stderr, flush=True)
    return done


def middle(runs: list[Pressure], what) -> float:
    return median([what(run) for run in runs])


def rows_of(name: str, ours: list[Pressure], theirs: list[Pressure]) -> list[Row]:
    def row(words: str, unit: str, what, goal: Goal | None = None) -> Row:
        return Row(f"{name}: {words}", unit, middle(ours, what), middle(theirs, what), goal,
                   details={"runs": [what(run) for run in ours],
                            "runs_linux": [what(run) for run in theirs]})

    rows = [row("pages in and out", "pages", lambda run: run.pages_in_out,
                Goal(not_above_linux=True)),
            row("pages in", "pages", lambda run: run.counters["pswpin"]),
            row("pages out", "pages", lambda run: run.counters["pswpout"]),
            row("kernel", "M instructions", lambda run: run.count.kernel / 1e6)]
    return rows + [row(words, "", lambda run, key=key: run.counters[key])
                   for words, key in SHOWN.items()]


def run(machines: Machines, quick: bool) -> list[Row]:
    build: Build = machines.build
    ours, linux = Palimpsest(build), Linux(build)
    wanted = available_after_boot(linux, DEFAULT_MEMORY)
    memory = equal_memory(ours, wanted)
    own = available_after_boot(ours, memory)
    rows = [Row("memory of the machine", "KiB", memory >> 10, DEFAULT_MEMORY >> 10),
            Row("available after boot", "KiB", own >> 10, wanted >> 10)]
    runs = QUICK_RUNS if quick else RUNS
    for name, part in WORKLOADS.items():
        size = size_of(part, wanted)
        rows += rows_of(name, several(ours, name, size, Options(memory_bytes=memory), runs),
                        several(linux, name, size, Options(), runs))
    return rows
