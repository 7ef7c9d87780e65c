"""Compare sessions of one workload: where their evictions first differ, and what differs in faults, refaults, swapping, the
cost of scanning, waiting, and kills.

Every figure stands beside that of the first session. Sessions of different programs are refused unless --force.
"""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from itertools import zip_longest
from pathlib import Path

import scenario
import session
from errors import ToolError
from page import seconds
from results import rows, session_values, value
from visualize import compare_chart, lru_lists
from visualize.compare_chart import Line, Panel
from visualize.session_db import SessionDb, SessionError
from visualize.why_picture import since

SCHEMA_VERSION = 1
SAMPLES = 200
LISTS = ("active_anon", "inactive_anon")
NS_PER_MS = 1_000_000

SINGLE = {  # name: (words, query)
    "evictions": ("evictions", "SELECT count(*) FROM eviction"),
    "refaults": ("refaults", "SELECT count(*) FROM refault"),
    "refaults_waited": ("refaults somebody waited for", "SELECT count(*) FROM refault WHERE latency_ns IS NOT NULL"),
    "pages_out": ("pages written to swap", "SELECT count(*) FROM swap_io WHERE direction = 'out' AND error = 0"),
    "pages_in": ("pages read from swap", "SELECT count(*) FROM swap_io WHERE direction = 'in' AND error = 0"),
    "scanned": ("pages scanned", "SELECT coalesce(sum(nr_scanned + nr_active_scanned), 0) FROM reclaim_pass"),
    "scan_cost": ("scanned per page reclaimed", "SELECT round(1.0 * sum(nr_scanned + nr_active_scanned) / "
                  "nullif((SELECT count(*) FROM eviction), 0), 2) FROM reclaim_pass"),
    "direct_reclaims": ("direct reclaims", "SELECT count(*) FROM direct_reclaim"),
    "oom_kills": ("OOM kills", "SELECT count(*) FROM oom_kill"),
}
PERCENTILE = """SELECT latency_ns FROM fault WHERE latency_ns IS NOT NULL ORDER BY latency_ns
    LIMIT 1 OFFSET (SELECT max((count(*) * :percent + 99) / 100 - 1, 0) FROM fault WHERE latency_ns IS NOT NULL)"""


def set_argparser(parser) -> None:
    parser.add_argument("sessions", metavar="SESSION", nargs="+", help="two or more session directories or names")
    parser.add_argument("--force", action="store_true", help="also when their programs differ")
    parser.add_argument("-o", "--output", metavar="FILE.svg", type=Path,
                        help="draw free memory, LRU lists and waiting of all sessions on the same axes")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def main(args) -> int:
    if len(args.sessions) < 2:
        raise ToolError("compare: name two sessions or more")
    directories = [session.find(name) for name in args.sessions]
    names = _names(directories)
    differing = _settings(directories, names, args.force)
    with ExitStack() as stack:
        databases = [stack.enter_context(closing(session.open_database(path))) for path in directories]
        figures = [_figures(database) for database in databases]
        first = _first_difference(databases)
    document = {"schema_version": SCHEMA_VERSION, "kind": "compare", "settings": differing,
                "first_difference": first,
                "sessions": [{"name": name, "directory": str(path), **figure}
                             for name, path, figure in zip(names, directories, figures)]}
    if args.json:
        json.dump(document, sys.stdout, indent=1)
        print()
    else:
        print("\n".join(_render(document)))
    if args.output:
        _draw(directories, names, args.output)
        print(args.output, file=sys.stderr if args.json else sys.stdout)
    return 0


def _names(directories: list[Path]) -> list[str]:
    """The last part of each path, unless two are the same."""
    names = [path.name for path in directories]
    return names if len(set(names)) == len(names) else [session.shown(path) for path in directories]


# ---- one workload? ----

def _settings(directories: list[Path], names: list[str], force: bool) -> dict[str, list]:
    """What else the scenarios differ in, by key."""
    wanted = []
    for path in directories:
        file = path / "scenario.toml"
        if not file.is_file():
            if force:
                return {}
            raise ToolError(f"{path} has no scenario.toml: what ran there is not known; --force compares all the same")
        wanted.append(scenario.load(file))
    programs = [[" ".join([program.name, *program.args]) for program in one.programs] for one in wanted]
    for name, listed in zip(names, programs):
        if listed != programs[0] and not force:
            raise ToolError(f"{names[0]} ran {'; '.join(programs[0])}, but {name} ran {'; '.join(listed)}: "
                            "not one workload; --force compares all the same")
    keys = ("memory_bytes", "cpus", "swap_bytes", "trace", "seed", "parameters")
    return {key: [getattr(one, key) for one in wanted] for key in keys
            if any(getattr(one, key) != getattr(wanted[0], key) for one in wanted)}


# ---- figures ----

def _figures(database: sqlite3.Connection) -> dict:
    values = session_values(database)
    figures = {name: value(database, sql) for name, (_, sql) in SINGLE.items()}
    figures["duration_ns"] = int(values["t_last"]) - int(values["t_first"])
    figures["fault_p50_ns"] = value(database, PERCENTILE, percent=50)
    figures["fault_p99_ns"] = value(database, PERCENTILE, percent=99)
    figures["faults"] = dict(rows(database, "SELECT kind, count(*) FROM fault WHERE kind IS NOT NULL GROUP BY kind"))
    return figures


def _evictions(database: sqlite3.Connection) -> Iterator[dict]:
    """Evictions in their order. A content is named by the lowest entry that names its slot; that of a file by the page and the number
    of the file in the order of mappings: their serial numbers depend on what else was numbered.
    """
    tasks = dict(database.execute("SELECT mm_id, pid FROM task_span WHERE mm_id <> 0 ORDER BY t_begin DESC"))
    files = {mapping: n for n, (mapping,) in enumerate(
        database.execute("SELECT DISTINCT mapping_id FROM mapping_span ORDER BY mapping_id"), 1)}
    pages = {event: (files.get(mapping), pgoff) for event, mapping, pgoff in
             database.execute("SELECT eviction_id, mapping_id, pgoff FROM file_eviction")}
    for event, t, slot, verdict, kind in database.execute("SELECT id, t, slot, reason, kind FROM eviction ORDER BY id"):
        entry = database.execute("SELECT mm_id, va FROM pte_span WHERE slot = ? AND t_begin <= ? AND ? < t_end "
                                 "ORDER BY mm_id, va LIMIT 1", (slot, t, t)).fetchone()
        mm_id, va = entry or (None, None)
        file, pgoff = pages.get(event, (None, None))
        yield {"t": t, "pid": tasks.get(mm_id), "va": va, "file": file, "pgoff": pgoff, "verdict": verdict, "kind": kind}


def _first_difference(databases: list[sqlite3.Connection]) -> dict | None:
    """The number of the first eviction that is not of the same content with the same verdict everywhere, and what it was."""
    for n, evictions in enumerate(zip_longest(*map(_evictions, databases)), 1):
        told = {eviction and tuple(eviction[name] for name in ("pid", "va", "file", "pgoff", "verdict"))
                for eviction in evictions}
        if len(told) > 1:
            return {"n": n, "evictions": list(evictions)}
    return None


# ---- as text ----

def _change(first, other) -> str:
    if first is None or other is None or not first:
        return ""
    return f"{100 * (other - first) / first:+.1f}%"


def _shown(name: str, figure) -> str:
    if figure is None:
        return "-"
    return since(figure) if name.endswith("_ns") else f"{figure:,}"


def _table(lines: list[tuple[str, list[str]]]) -> list[str]:
    widths = [max(len(cells[n]) for _, cells in lines) for n in range(len(lines[0][1]))]
    left = max(len(label) for label, _ in lines)
    return [f"{label:<{left}}  " + "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths))
            for label, cells in lines]


def _render(document: dict) -> list[str]:
    sessions = document["sessions"]
    heads = [cell for n, one in enumerate(sessions) for cell in ([one["name"]] if n == 0 else [one["name"], "change"])]
    lines = [("", heads)]

    def add(label: str, name: str, figures: list) -> None:
        cells = [_shown(name, figures[0])]
        for figure in figures[1:]:
            cells += [_shown(name, figure), _change(figures[0], figure)]
        lines.append((label, cells))

    add("traced for", "duration_ns", [one["duration_ns"] for one in sessions])
    for kind in sorted({kind for one in sessions for kind in one["faults"]}):
        add(f"faults: {kind}", kind, [one["faults"].get(kind, 0) for one in sessions])
    add("fault latency, median", "fault_p50_ns", [one["fault_p50_ns"] for one in sessions])
    add("fault latency, 99 %", "fault_p99_ns", [one["fault_p99_ns"] for one in sessions])
    for name, (words, _) in SINGLE.items():
        add(words, name, [one[name] for one in sessions])
    differing = [f"{key}: {' | '.join(map(str, values))}" for key, values in document["settings"].items()]
    return [*differing, *([""] if differing else []), *_table(lines), "", *_render_first(document)]


def _render_first(document: dict) -> list[str]:
    first, names = document["first_difference"], [one["name"] for one in document["sessions"]]
    if first is None:
        return [f"all {document['sessions'][0]['evictions']:,} evictions are of the same pages, with the same verdicts"]
    lines = [f"the first {first['n'] - 1:,} evictions are of the same pages; number {first['n']:,} differs:"]
    for name, eviction in zip(names, first["evictions"]):
        if eviction is None:
            lines.append(f"  {name}: none any more")
            continue
        place = "a page nobody maps" if eviction["va"] is None else f"0x{eviction['va']:x} of pid {eviction['pid']}"
        if eviction["file"] is not None:
            place = f"page {eviction['pgoff']} of the file that was number {eviction['file']}"
        lines.append(f"  {name}: {place} at {seconds(eviction['t'])} s, {eviction['verdict']} by {eviction['kind']}")
    return lines


# ---- as a picture ----

def _waiting(db: SessionDb) -> list[tuple[int, float]]:
    """The 99th percentile of fault latency in ms, in steps of equal length."""
    found = db.rows("SELECT t, latency_ns FROM fault WHERE latency_ns IS NOT NULL ORDER BY t")
    if not found:
        return []
    begin, end = found[0]["t"], found[-1]["t"]
    step = (end - begin) // SAMPLES + 1
    steps: dict[int, list[int]] = {}
    for row in found:
        steps.setdefault((row["t"] - begin) // step, []).append(row["latency_ns"])
    points = []
    for n in range(SAMPLES):
        waits = sorted(steps.get(n, [0]))
        points.append((begin + n * step, waits[(len(waits) * 99 + 99) // 100 - 1] / NS_PER_MS))
    return points


def _draw(directories: list[Path], names: list[str], path: Path) -> None:
    panels = [Panel("Free memory, the least in each step", "frames", []),
              *(Panel(f"Frames on {name}", "frames", []) for name in LISTS),
              Panel("Fault latency, 99th percentile of each step", "ms", [])]
    try:
        for n, directory in enumerate(directories):
            with SessionDb(directory) as db:
                free = db.rows("SELECT t_begin, fewest FROM free_memory_watermarks ORDER BY t_begin")
                panels[0].lines.append(Line(n, [(row["t_begin"], row["fewest"]) for row in free]))
                sizes = lru_lists.sizes(db, SAMPLES)
                for panel, name in zip(panels[1:], LISTS):
                    panel.lines.append(Line(n, list(zip(sizes.times, sizes.lists[name]))))
                panels[-1].lines.append(Line(n, _waiting(db)))
        path.write_text(compare_chart.draw(names, panels), encoding="utf-8")
    except (SessionError, OSError, sqlite3.Error) as error:
        raise ToolError(f"compare: {error}") from error
