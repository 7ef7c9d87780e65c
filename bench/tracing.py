"""What tracing costs: instructions an event, on and off, bytes an event, and a whole workload.

On: micro's sections without disk I/O, traced less untraced, divided by the events whose time lies in
the section. Off: the same sections on this kernel less those on a kernel built without events,
divided by the same number, which is that of the sites passed. That is more than their checks: what a
site keeps the compiler from inlining or leaving in registers is in it. The check alone is counted in
the disassembly.
"""

import os
import re
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from build import Build
from errors import ToolError
from guest import Options, Palimpsest, Run, new_session
from micro import Machines, Operation, Rounds
from figures import Goal, Row, median

# Sections that do the same work in every run; those that wait for the disk do not.
SECTIONS = ("anon_fault", "zero_page_fault", "cow_fault", "fork_exit", "fork_exit_8m", "fork_exec",
            "mmap_munmap", "mmap_touch_munmap", "mprotect")
THRASH = ("--size", "67M", "--rounds", "1", "--seed", "1")
THRASH_MEMORY = 60 << 20
THRASH_RUNS = 3


def ingest(session: Path, build: Build) -> Path:
    """The session's database. ToolError when the trace is not whole."""
    done = subprocess.run([str(build.ingest), str(session)], capture_output=True, text=True)
    if done.returncode != 0:
        raise ToolError(f"palimpsest-ingest: status {done.returncode}: {done.stderr.strip()}")
    return session / "session.db"


def event_names(session: Path) -> list[str]:
    """Every event's name, from the layout that the session keeps."""
    lines = (session / "events.tsv").read_text().splitlines()
    return [line.split("\t")[1] for line in lines if line and line[0].isdigit()]


def events_within(database: Path, names: Iterable[str],
                  spans: Iterable[tuple[int, int]]) -> list[int]:
    """How many events have their time in each span."""
    counts = []
    with closing(sqlite3.connect(database)) as db:
        for begin, end in spans:
            counts.append(sum(
                db.execute(f"SELECT count(*) FROM {name} WHERE t BETWEEN ? AND ?",
                           (begin, end)).fetchone()[0] for name in names))
    return counts


def traced_bytes(session: Path) -> int:
    return sum(os.path.getsize(file) for file in (session / "ctf").glob("cpu*"))


def emitted(database: Path) -> int:
    with closing(sqlite3.connect(database)) as db:
        return db.execute("SELECT sum(emitted) FROM loss").fetchone()[0]


def per_event(more: Rounds, less: Rounds, events: dict[str, float]) -> dict[str, float]:
    """By section, the instructions that one has more than the other, by event."""
    return {name: (total(more.of(name)) - total(less.of(name))) / events[name]
            for name in SECTIONS if events[name]}


def total(operations: list[Operation]) -> float:
    return median([operation.section.count.total for operation in operations])


def all_sections(more: Rounds, less: Rounds, events: dict[str, float]) -> float:
    """The same over all sections together."""
    instructions = sum(total(more.of(name)) - total(less.of(name)) for name in SECTIONS)
    return instructions / sum(events.values())


def check_lengths(disassembly: str) -> list[int]:
    """Instructions of every site's check in objdump's text: a comparison with memory and a jump, or a load
    in front of them.
    """
    mnemonics = re.findall(r"^\s*[0-9a-f]+:\s+(\w+) .*<trace_enabled", disassembly, re.MULTILINE)
    return [2 if mnemonic.startswith(("cmp", "test")) else 3 for mnemonic in mnemonics]


def site_check(kernel: Path) -> float:
    """The same, the mean of a kernel."""
    done = subprocess.run(["objdump", "-d", "--no-show-raw-insn", str(kernel)], check=True,
                          capture_output=True, text=True)
    lengths = check_lengths(done.stdout)
    if not lengths:
        raise ToolError(f"{kernel}: no check of an event found in its disassembly")
    return sum(lengths) / len(lengths)


def stalled_ns(database: Path) -> int:
    with closing(sqlite3.connect(database)) as db:
        return db.execute("SELECT sum(stalled_ns) FROM loss").fetchone()[0]


def thrash(build: Build, traced: bool, holder: Path, *more: str) -> tuple[Run, Path | None]:
    """A run of thrash, and its session when it is traced. more: arguments behind the usual ones."""
    session = new_session(holder, build) if traced else None
    options = Options(memory_bytes=THRASH_MEMORY,
                      trace_directory=session / "ctf" if session else None)
    run = Palimpsest(build).run([["run", "/bin/thrash", *THRASH, *more]],
                                {"thrash": build.require("user/thrash")}, options)
    if run.statuses["thrash"] != 0:
        raise ToolError(f"thrash failed: {' | '.join(run.lines[-3:])}")
    return run, session


def thrash_rows(build: Build) -> list[Row]:
    off, on = [], []
    with tempfile.TemporaryDirectory(prefix="plm-bench-") as holder:
        for _ in range(THRASH_RUNS):
            off.append(thrash(build, False, Path(holder))[0].counts.programs[0].count.total)
            run, session = thrash(build, True, Path(holder))
            on.append(run.counts.programs[0].count.total)
        database = ingest(session, build)
        events, stalled = emitted(database), stalled_ns(database)
        size = traced_bytes(session)
    more = median(on) - median(off)
    return [
        Row("bytes of trace per event (thrash)", "bytes", size / events, goal=Goal(at_most=40)),
        Row("thrash with everything traced: more instructions, user and kernel", "%",
            100 * more / median(off), goal=Goal(at_most=10),
            details={"off": off, "on": on, "events": events, "stalled_ns": stalled}),
        Row("the same, by event of the session", "instructions", more / events),
    ]


def run(machines: Machines, quick: bool) -> list[Row]:
    off, on, without = machines.off(), machines.on(), machines.without()
    session = machines.session
    operations = [operation for name in SECTIONS for operation in on.of(name)]
    database = ingest(session, machines.build)
    counted = events_within(database, event_names(session), [
        (operation.begin_ns, operation.end_ns) for operation in operations])
    by_name: dict[str, list[int]] = {}
    for operation, count in zip(operations, counted):
        by_name.setdefault(operation.name, []).append(count)
    events = {name: median(counts) for name, counts in by_name.items()}

    rows = [
        Row("event, tracing on", "instructions", all_sections(on, off, events),
            goal=Goal(at_most=40),
            details={"by_section": per_event(on, off, events), "events": events,
                     "stalled_ns": stalled_ns(database)}),
        Row("event, tracing off: the check of a site", "instructions",
            site_check(machines.build.kernel), goal=Goal(at_most=3)),
        Row("event, tracing off: all that its site adds to a kernel without events", "instructions",
            all_sections(off, without, events), goal=Goal(at_most=3),
            details={"by_section": per_event(off, without, events)}),
    ]
    return rows + thrash_rows(machines.build)
