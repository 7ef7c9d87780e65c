"""What it costs to look at a session: the state at an instant of a long one, and the report of one of
about a million events.

Both are traced runs of thrash. CPU seconds of the program that looks, or of all of Chromium's
processes; the time on the clock decides nothing.
"""

import json
import shutil
import sqlite3
import subprocess
import tempfile
import time
from contextlib import closing
from pathlib import Path

import session
import state
from build import ROOT, Build
from errors import ToolError
from figures import Goal, Row, median
from html_report import libraries
from ingest_rate import cpu_of
from micro import Machines
from tracing import emitted, ingest, thrash

LONG_ROUNDS, SHORT_SIZE = 15, "61M"  # about ten million events, and about one
INSTANTS, COMMANDS = 40, 10
PALIMPSEST = ROOT / "tools" / "palimpsest"
# The memory state: page tables, reverse mapping, LRU lists, swap map, VMAs, free lists.
TABLES = ("pte_span", "pgtable_span", "rmap_span", "lru_span", "swap_span", "vma_span",
          "free_span", "pcp_span")
PAINTS, QUICK_PAINTS = 5, 3


def state_seconds(directory: Path, t: int) -> float:
    """CPU seconds of opening the database and reading every span of TABLES that lives at t."""
    before = time.process_time()
    with closing(session.open_database(directory)) as database:
        instant = state.at(database, t)
        rows = sum(len(instant.rows(name)) for name in TABLES)
    if not rows:
        raise ToolError(f"{directory}: nothing exists at {t}")
    return time.process_time() - before


def instants(database: Path) -> list[int]:
    """Evenly over the session, from its first baseline on."""
    with closing(sqlite3.connect(database)) as db:
        begin, = db.execute("SELECT min(t) FROM state_end").fetchone()
        end, = db.execute("SELECT value FROM session WHERE key = 't_last'").fetchone()
    return [begin + (end - begin) * n // INSTANTS for n in range(1, INSTANTS + 1)]


def state_rows(build: Build, holder: Path) -> list[Row]:
    _, directory = thrash(build, True, holder, "--rounds", str(LONG_ROUNDS))
    database = ingest(directory, build)
    times = instants(database)
    spent = [1000 * state_seconds(directory, t) for t in times]
    printed = [1000 * cpu_of([str(PALIMPSEST), "state", str(directory), "--at", str(t)])[0]
               for t in times[::INSTANTS // COMMANDS]]
    return [Row("events of a long session", "M", emitted(database) / 1e6),
            Row(f"its memory state at an instant: the dearest of {INSTANTS}", "ms of CPU", max(spent),
                goal=Goal(at_most=200), details={"instants": spent}),
            Row("the same, the median", "ms of CPU", median(spent)),
            Row("palimpsest state, the command, the median", "ms of CPU", median(printed),
                details={"instants": printed})]


def paint_seconds(build: Build, page: Path, times: int) -> list[float]:
    """CPU seconds of opening the page, each time in a new browser."""


    modules = libraries.install(build.directory, for_tests=True)
    chromium = shutil.which("chromium")
    if chromium is None:
        raise ToolError("chromium is missing: run `make deps`")
    _, text = cpu_of(["node", str(ROOT / "bench" / "paint.cjs"), str(modules / "playwright-core"),
                      chromium, str(page), str(times)], output=subprocess.PIPE)
    return json.loads(text)


def report_rows(build: Build, holder: Path, quick: bool) -> list[Row]:
    _, directory = thrash(build, True, holder, "--size", SHORT_SIZE)
    events = emitted(ingest(directory, build))
    page = directory / "report.html"
    written, _ = cpu_of([str(PALIMPSEST), "report", "--html", str(directory)])
    painted = paint_seconds(build, page, QUICK_PAINTS if quick else PAINTS)
    return [Row("events of a short session", "M", events / 1e6),
            Row("its report: size", "MB", page.stat().st_size / 1e6, goal=Goal(at_most=25)),
            Row("writing it", "CPU s", written),
            Row("opening it in Chromium until it has drawn itself", "CPU s", median(painted),
                goal=Goal(at_most=3), details={"times": painted})]


def run(machines: Machines, quick: bool) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="plm-bench-") as holder:
        return [*state_rows(machines.build, Path(holder)),
                *report_rows(machines.build, Path(holder), quick)]
