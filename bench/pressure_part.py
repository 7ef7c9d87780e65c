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
# How many times its --size a workload takes at the least, and its other arguments. forkshare's parent and each of its
# children write a quarter of their copy: with two children it takes 1.5 times its size where one ends before the next
# begins, 1.75 times where they overlap. With the eight of its default it would be 1.5 or 3.25 times,
# and the figures would compare schedulers.
WORKLOADS = {"seqscan": (1.0, []), "zipf": (1.0, []), "hotcold": (1.0, []),
             "forkshare": (1.5, ["--children", "2"])}
SHOWN = {"major faults": "pgmajfault", "pages scanned by kswapd": "pgscan_kswapd",
         "pages scanned by direct reclaim": "pgscan_direct"}


def arguments_of(name: str, available_bytes: int) -> list[str]:
    takes, others = WORKLOADS[name]
    return ["--size", f"{int(FACTOR / takes * available_bytes) >> 10}K", *others]


def several(guest: Guest, program: str, arguments: list[str], options: Options,
            runs: int) -> list[Pressure]:
    done = measure(guest, guest.build.require(f"user/{program}"), arguments, options, runs)
    print(f"bench: {program} {' '.join(arguments)} on {guest.name}: pages in and out "
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
    for name in WORKLOADS:
        arguments = arguments_of(name, wanted)
        rows += rows_of(name, several(ours, name, arguments, Options(memory_bytes=memory), runs),
                        several(linux, name, arguments, Options(), runs))
    return rows
