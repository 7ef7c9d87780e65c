"""How fast a trace becomes a database, beside two others that read or write as much.

One traced run of thrash is the input of all. The programs run in turn, so that whatever else the
host does falls on each; figures are CPU seconds of the program, medians of the rounds.
"""

import os
import re
import subprocess
import tempfile
from pathlib import Path

from build import Build
from errors import ToolError
from figures import Goal, Row, median
from micro import Machines
from tracing import emitted, thrash

ROUNDS, QUICK_ROUNDS = 5, 3


def cpu_of(command: list[str], output: int = subprocess.DEVNULL) -> tuple[float, str]:
    """CPU seconds of a program, and what it printed when asked for. ToolError when it fails."""
    try:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError as error:
        raise ToolError(f"{command[0]} is missing: run `make deps`") from error
    text, errors = process.stdout.read() if process.stdout else "", process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    for pipe in filter(None, (process.stdout, process.stderr)):
        pipe.close()
    if process.returncode != 0:
        raise ToolError(f"{' '.join(command)}: status {process.returncode}: {errors.strip()}")
    return usage.ru_utime + usage.ru_stime, text


def sqlite_loop(build: Build, source: Path, target: Path) -> tuple[int, float]:
    """Rows and CPU seconds of the bare insert loop."""
    target.unlink(missing_ok=True)
    loop = str(build.require("bench/sqlite_loop"))
    _, text = cpu_of([loop, str(source), str(target)], subprocess.PIPE)
    match = re.fullmatch(r"rows (\d+) cpu_ns (\d+)\n", text)
    if match is None:
        raise ToolError(f"sqlite_loop printed {text!r}")
    return int(match[1]), int(match[2]) / 1e9


def one_round(build: Build, session: Path, spent: dict[str, list[float]]) -> int:
    """Every program once; the rows of the insert loop."""
    ingest, streams = str(build.ingest), str(session / "ctf")
    events_only = session / "events.db"
    commands = {
        "all": [ingest, "-o", str(session / "session.db"), str(session)],
        "events": [ingest, "--events-only", "-o", str(events_only), str(session)],
        "decode": ["babeltrace2", streams, "-o", "dummy"],
        "text": ["babeltrace2", streams],
    }
    for name, command in commands.items():
        spent.setdefault(name, []).append(cpu_of(command)[0])
    rows, loop = sqlite_loop(build, events_only, session / "loop.db")
    spent.setdefault("loop", []).append(loop)
    return rows


def run(machines: Machines, quick: bool) -> list[Row]:
    build = machines.build
    spent: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory(prefix="plm-bench-") as holder:
        _, session = thrash(build, True, Path(holder))
        for _ in range(QUICK_ROUNDS if quick else ROUNDS):
            rows = one_round(build, session, spent)
        events = emitted(session / "session.db")
    if rows != events:
        raise ToolError(f"the insert loop wrote {rows} rows of {events} events")

    def rate(name: str, words: str, goal: Goal | None = None) -> Row:
        return Row(words, "M events/CPU s", events / median(spent[name]) / 1e6, goal=goal,
                   details={"cpu_s": spent[name]})

    ratios = [loop / everything for loop, everything in zip(spent["loop"], spent["all"])]
    return [
        Row("events of the trace", "M", events / 1e6),
        rate("all", "palimpsest-ingest, all included", Goal(at_least=0.5)),
        rate("events", "palimpsest-ingest, event tables alone", Goal(at_least=2)),
        rate("loop", "bare libsqlite insert loop over the same rows"),
        Row("all included, as a share of the bare loop's rate", "", median(ratios),
            goal=Goal(at_least=0.6), details={"rounds": ratios}),
        rate("decode", "babeltrace2, decoding only"),
        rate("text", "babeltrace2, printing text"),
    ]
