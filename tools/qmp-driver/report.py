"""Summary of a session, from its beginning to a moment: programs, memory, faults, swap, reclaim,
LRU sizes, OOM decisions, and how complete the trace is; the verdict; a map of addresses over time.
Figures come from the database alone, the verdict also from scenario.toml and console.log.
"""

import json
import math
import sqlite3
import sys
import tomllib
from contextlib import closing
from pathlib import Path

import color
import expect
import heatmap
import instant
import page
import results
import scenario
import session
from build import Build, set_build_option
from errors import ToolError

SCHEMA_VERSION = 1
LABEL_WIDTH = 10
MAX_PROGRAMS = 6
MAX_CANDIDATES = 4
LRU_LISTS = ("active_anon", "inactive_anon", "active_file", "inactive_file", "unevictable")
RECLAIMERS = ("kswapd", "direct", "madvise")
ALWAYS_TOLD = 2  # of them


def set_argparser(parser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="default: the newest")
    parser.add_argument("--at", default="end", metavar="T", help=instant.HELP)
    parser.add_argument("--map", choices=(*heatmap.NAMES, "none"), default="faults",
                        help="what the map shows (default: faults)")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")
    parser.add_argument("--html", action="store_true",
                        help="a page with pictures of the whole session instead of text")
    parser.add_argument("-o", "--output", metavar="FILE.html",
                        help="where the page goes (default: report.html in the session)")
    parser.add_argument("--pid", metavar="P", type=parser.checked(page.number),
                        help="with --va: the page also tells of the page at an address of this task")
    parser.add_argument("--va", metavar="V", type=parser.checked(page.number), help="the address")
    parser.add_argument("--without-npm", action="store_true",
                        help="the page without the libraries that npm installs")
    set_build_option(parser)


def main(args) -> int:
    if args.html:
        return _write_page(args)
    with closing(session.open_database(args.session)) as database:
        data = collect(database, args.session, instant.resolve(database, args.at))
        data["verdict"] = verdict(data["trace"], unmet(database, args.session))
        heat = []
        if not args.json and args.map != "none":
            heat = heatmap.draw(database, args.map, data["session"]["t"])
    if args.json:
        json.dump(data, sys.stdout, indent=1)
        print()
    else:
        print("\n".join([*render(data), *render_verdict(data["verdict"]), *heat]))
    return 0


def _write_page(args) -> int:
    """report.html: all of the session, so that --at has nothing to choose."""
    from html_report import libraries, page as html_page  # only those who want the page wait for their import

    if args.json or args.at != "end":
        raise ToolError("report: --html is of the whole session: it goes with neither --at nor --json")
    if (args.session / session.LIVE_DATABASE).is_file():
        raise ToolError(f"{session.shown(args.session)} is still being recorded: the page is of a whole session")
    path = Path(args.output) if args.output else args.session / "report.html"
    found = libraries.load(Build(args.build).directory, use_npm=not args.without_npm)
    if found.missing and not args.without_npm:
        print(color.paint("palimpsest: the page has no SQL console: ", "yellow", sys.stderr)
              + found.missing, file=sys.stderr)
    with closing(session.open_database(args.session)) as database:
        text = html_page.build(database, args.session, found, _wanted_page(database, args))
    try:
        html_page.write(path, text)
    except OSError as error:
        raise ToolError(f"{path}: {error.strerror}") from error
    print(session.shown(path))
    return 0


def _wanted_page(database: sqlite3.Connection, args):
    from html_report import choices

    if (args.pid is None) != (args.va is None):
        raise ToolError("report: --pid and --va go together")
    if args.pid is None:
        return None
    choice = choices.of_task(database, args.pid, args.va)
    if choice is None:
        raise ToolError(f"report: pid {args.pid} never had anything at 0x{args.va:x}; "
                        "`tools/palimpsest page` with the same options says more")
    return choice


def verdict(trace: dict, unmet: tuple[int, list[str]] | None) -> dict:
    """Whether the trace can be believed, and what is wrong with it. unmet: how many expectations
    the session had, and those that do not hold; None: nobody can tell any more.
    """
    counters, equal = trace["vmstat"]["counters"], trace["vmstat"]["equal"]
    faults = [text for wrong, text in (
        (trace["discarded"], f"{trace['discarded']:,} events discarded"),
        (trace["missing"], f"{trace['missing']:,} events missing"),
        (trace["tail"] not in results.TAIL_COMPLETE, "nobody knows what is missing at its end"),
        (trace["order_violations"],
         f"{trace['order_violations']:,} events impossible in the state before them"),
        (equal < counters, f"{counters - equal} of {counters} vmstat counters differ from the "
                           "events"),
        (not counters, "the kernel told no vmstat counters"),
        (trace["memory"]["differences"],
         f"{trace['memory']['differences']:,} objects in guest memory are not as the trace says")) if wrong]
    count, failures = unmet or (None, [])
    return {"complete": not faults, "faults": faults, "received": trace["received"],
            "counters": counters, "expectations": count, "failures": failures}


def unmet(database: sqlite3.Connection, directory: Path) -> tuple[int, list[str]] | None:
    try:
        wanted = scenario.load(directory / "scenario.toml")
        console = (directory / "console.log").read_text(errors="replace").splitlines()
    except (ToolError, OSError):
        return None  # a session may be nothing but ctf/ and what ingest made of it
    return expect.check(wanted, database, console, [])


def render_verdict(found: dict) -> list[str]:
    """One line when all is well, else one more for each thing that is not."""
    if found["faults"]:
        lines = [color.paint(row("verdict", "trace NOT complete"), "red")]
    else:
        lines = [color.paint(row("verdict", (
            f"trace complete: {found['received']:,} events, none lost, none impossible, "
            f"{found['counters']} of {found['counters']} vmstat counters agree")), "green")]
    for text in (*found["faults"], *(f"expected: {text}" for text in found["failures"])):
        lines.append(color.paint(row("", text), "red"))
    if found["expectations"] and not found["failures"]:
        lines[0] += color.paint(f", {found['expectations']} expectations hold",
                                "red" if found["faults"] else "green")
    return lines


def collect(database: sqlite3.Connection, directory: Path, until: int | None) -> dict:
    """Everything the summary says, up to a moment (None: the end), as JSON can hold it."""
    t = instant.end(database) if until is None else until
    return {
        "schema_version": SCHEMA_VERSION,
        "session": {"directory": str(directory), "title": _title(directory), "t": t,
                    **_ending(database, t)},
        "machine": _machine(database),
        "programs": _programs(database, t),
        "faults": _faults(database, t),
        "swap": _swap(database, t),
        "files": _files(database, t),
        "huge": _huge(database, t),
        "reclaim": _reclaim(database, t),
        "lru": _lru(database, t),
        "oom": _oom(database, t),
        "trace": _trace(database),
        "pictures": sorted(str(path) for path in directory.glob("*.svg")),
    }


def _title(directory: Path) -> str:
    try:
        return tomllib.loads((directory / "scenario.toml").read_text()).get("title", "")
    except (OSError, tomllib.TOMLDecodeError):
        return ""  # a session may be nothing but ctf/ and what ingest made of it


def _ending(database: sqlite3.Connection, t: int) -> dict:
    reason = results.value(database, """
        SELECT n.name FROM session_end e
        JOIN enum_name n ON n.enum = 'session_reason' AND n.value = e.reason
        WHERE e.t <= :t""", t=t)
    return {"ended": reason}


def _machine(database: sqlite3.Connection) -> dict:
    names = ("nr_cpus", "nr_frames", "nr_slots", "watermark_min", "watermark_low", "watermark_high")
    found = results.rows(database, f"SELECT {', '.join(names)} FROM session_begin")
    return dict(zip(names, found[0])) if found else {}


def _programs(database: sqlite3.Connection, t: int) -> list[dict]:
    found = results.rows(database, """
        SELECT f.child_pid, coalesce(e.comm, x.comm, f.comm), e.status, f.t, coalesce(e.t, :t)
        FROM sched_process_fork f
        LEFT JOIN sched_process_exit e ON e.pid = f.child_pid AND e.t <= :t
        LEFT JOIN sched_process_exec x ON x.pid = f.child_pid AND x.t <= :t
        WHERE f.parent_pid = :init AND f.t <= :t ORDER BY f.t""", t=t, init=results.INIT_PID)
    return [{"pid": pid, "name": name, "elapsed_ns": end - begin,
             "status": None if status is None else results.exit_code(status)}
            for pid, name, status, begin, end in found]


def percentile(ordered: list[int], share: float) -> int:
    """Nearest rank, of a sorted list that is not empty."""
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


def _faults(database: sqlite3.Connection, t: int) -> list[dict]:
    latencies: dict[str, list[int]] = {}
    for kind, latency in results.rows(database, """
            SELECT kind, latency_ns FROM fault WHERE t + latency_ns <= :t
            ORDER BY latency_ns""", t=t):
        latencies.setdefault(kind, []).append(latency)
    return [{"kind": kind, "n": len(ordered), "p50_ns": percentile(ordered, 0.5),
             "p99_ns": percentile(ordered, 0.99)}
            for kind, ordered in sorted(latencies.items(), key=lambda item: -len(item[1]))]


def _swap(database: sqlite3.Connection, t: int) -> dict:
    moved = {direction: (done, failed, ahead) for direction, done, failed, ahead in results.rows(
        database, "SELECT direction, sum(error = 0), sum(error <> 0), sum(readahead) FROM swap_io "
                  "WHERE t_end <= :t GROUP BY direction", t=t)}
    out, read = moved.get("out", (0, 0, 0)), moved.get("in", (0, 0, 0))
    return {"pages_out": out[0], "pages_out_failed": out[1],
            "pages_in": read[0], "pages_in_failed": read[1], "pages_in_readahead": read[2],
            "refaults": results.value(database, "SELECT count(*) FROM refault WHERE t <= :t", t=t)}


def _files(database: sqlite3.Connection, t: int) -> dict:
    """The page cache at t, and how many of its pages ever left memory until then."""
    files, pages, slots = results.rows(database, """
        SELECT count(DISTINCT mapping_id), coalesce(sum(kind = 'page'), 0), coalesce(sum(kind = 'swap'), 0)
        FROM cache_span WHERE t_begin <= :t AND :t < t_end""", t=t)[0]
    return {"files": files, "pages": pages, "slots": slots,
            "evicted": results.value(database, "SELECT count(*) FROM file_eviction WHERE t <= :t", t=t)}


def _huge(database: sqlite3.Connection, t: int) -> dict:
    """Pages of 2 MiB until t, and the compactions that made room for them."""
    made, now, split = results.rows(database, """
        SELECT count(*), coalesce(sum(t_end > :t), 0), coalesce(sum(fate LIKE 'split%' AND t_end <= :t), 0)
        FROM huge_page WHERE t_begin <= :t""", t=t)[0]
    runs, succeeded, moved, failed = results.rows(database, """
        SELECT count(*), coalesce(sum(result = 'success'), 0), coalesce(sum(moved), 0), coalesce(sum(failed), 0)
        FROM compaction WHERE t_begin <= :t""", t=t)[0]
    return {"made": made, "now": now, "split": split, "compactions": runs, "succeeded": succeeded,
            "moved": moved, "not_moved": failed,
            "fallbacks": results.value(database, "SELECT count(*) FROM thp_fault_fallback WHERE t <= :t", t=t)}


def _reclaim(database: sqlite3.Connection, t: int) -> list[dict]:
    passes = {kind: (n, scanned) for kind, n, scanned in results.rows(database, """
        SELECT kind, count(*), coalesce(sum(nr_scanned), 0) FROM reclaim_pass
        WHERE t_end <= :t GROUP BY kind""", t=t)}
    evicted = dict(results.rows(
        database, "SELECT kind, count(*) FROM eviction WHERE t <= :t GROUP BY kind", t=t))
    lines = []
    for kind in RECLAIMERS:
        if kind not in (*RECLAIMERS[:ALWAYS_TOLD], *passes):
            continue
        n, scanned = passes.get(kind, (0, 0))
        lines.append({"who": kind, "passes": n, "scanned": scanned,
                      "reclaimed": evicted.get(kind, 0)})
    return lines


def _lru(database: sqlite3.Connection, t: int) -> list[dict]:
    most = dict(results.rows(database, """
        WITH change(list, t, delta) AS (
            SELECT list, t_begin, nr_frames FROM lru_span WHERE list <> 'isolated' AND t_begin <= :t
            UNION ALL
            SELECT list, t_end, -nr_frames FROM lru_span WHERE list <> 'isolated' AND t_end <= :t),
        size(list, n) AS (
            SELECT list, sum(delta) OVER (PARTITION BY list ORDER BY t, delta
                                          ROWS UNBOUNDED PRECEDING) FROM change)
        SELECT list, max(n) FROM size GROUP BY list""", t=t))
    now = dict(results.rows(database, """
        SELECT list, sum(nr_frames) FROM lru_span WHERE t_begin <= :t AND :t < t_end
        GROUP BY list""", t=t))
    return [{"list": name, "pages": now.get(name, 0), "most": most[name]}
            for name in LRU_LISTS if most.get(name)]


def _oom(database: sqlite3.Connection, t: int) -> list[dict]:
    names = ("pid", "comm", "resident", "swapped", "page_tables", "score", "eligible")
    kills = []
    for kill_id, when, pid, predicted, freed in results.rows(database, """
            SELECT kill_id, t, pid, predicted_pages, freed_pages FROM oom_kill
            WHERE t <= :t ORDER BY t""", t=t):
        scores = results.rows(database, f"""
            SELECT {', '.join(names)} FROM oom_candidate
            WHERE kill_id = :kill_id ORDER BY points DESC, pid""", kill_id=kill_id)
        kills.append({"kill_id": kill_id, "t": when, "pid": pid, "predicted_pages": predicted,
                      "freed_pages": freed,
                      "candidates": [dict(zip(names, score)) for score in scores]})
    return kills


def _trace(database: sqlite3.Connection) -> dict:
    """The whole trace, whatever the moment: a figure is as complete as the trace it comes from."""
    losses = results.loss(database)
    return {"received": losses.received, "discarded": losses.discarded,
            "missing": losses.unaccounted, "tail": losses.tail, "stalled_ns": losses.stalled_ns,
            "order_violations": results.value(database, "SELECT count(*) FROM order_violation"),
            "vmstat": results.vmstat_agreement(database),
            "memory": results.memory_agreement(database)}


def row(label: str, text: str) -> str:
    return f"{label:<{LABEL_WIDTH}}{text}"


def render(data: dict) -> list[str]:
    """The summary as lines, fewer than 40."""
    directory = Path(data["session"]["directory"])
    pictures = [session.shown(Path(path)) for path in data["pictures"]]
    return (_render_machine(data) + _render_programs(data["programs"])
            + _render_faults(data["faults"]) + _render_memory(data) + _render_oom(data["oom"])
            + _render_trace(data["trace"])
            + [row("database", session.shown(directory / session.DATABASE))]
            + ([row("pictures", "  ".join(pictures))] if pictures else []))


def _render_machine(data: dict) -> list[str]:
    about, machine = data["session"], data["machine"]
    ended = f"ended: {about['ended']}" if about["ended"] else "no end in the trace up to here"
    lines = [about["title"], f"{about['t'] / 1e9:.3f} s of guest time, {ended}"]
    lines = _labelled("session", [line for line in lines if line])
    if machine:
        marks = " / ".join(f"{machine[f'watermark_{name}']:,}" for name in ("min", "low", "high"))
        lines.append(row("machine", f"{machine['nr_cpus']} CPUs, {machine['nr_frames']:,} frames "
                                    f"of RAM, {machine['nr_slots']:,} swap slots; watermarks {marks}"))
    return lines


def _render_programs(programs: list[dict]) -> list[str]:
    lines = []
    for program in programs[:MAX_PROGRAMS]:
        status = "running" if program["status"] is None else f"status {program['status']}"
        lines.append(f"{program['name']:<15} pid {program['pid']:<4} {status:<11} "
                     f"{program['elapsed_ns'] / 1e9:9.3f} s")
    if len(programs) > MAX_PROGRAMS:
        lines.append(f"and {len(programs) - MAX_PROGRAMS} more")
    return _labelled("programs", lines)


def _render_faults(faults: list[dict]) -> list[str]:
    lines = [f"{'kind':<12}{'count':>10}{'p50 us':>12}{'p99 us':>12}"] if faults else []
    lines += [f"{f['kind']:<12}{f['n']:>10,}{f['p50_ns'] / 1e3:>12,.1f}{f['p99_ns'] / 1e3:>12,.1f}"
              for f in faults]
    return _labelled("faults", lines)


def _count(n: int, word: str) -> str:
    return f"{n:,} {word}{'s' * (n != 1)}"


def _render_memory(data: dict) -> list[str]:
    swap = data["swap"]
    failed = swap["pages_out_failed"] + swap["pages_in_failed"]
    lines = [row("swap", f"{swap['pages_out']:,} pages out, {swap['pages_in']:,} in "
                         f"({swap['pages_in_readahead']:,} by readahead), "
                         f"{swap['refaults']:,} refaults"
                         + (f", {_red(f'{failed:,} failed')}" if failed else ""))]
    files, huge = data["files"], data["huge"]
    lines.append(row("files", f"{files['files']:,} with {files['pages']:,} pages in memory and {files['slots']:,} in swap; "
                              f"{files['evicted']:,} evicted"))
    if huge["made"] or huge["fallbacks"] or huge["compactions"]:
        lines.append(row("2 MiB", f"{_count(huge['made'], 'page')} made, {huge['split']:,} split, {huge['now']:,} there; "
                                  f"{huge['fallbacks']:,} not to be had"))
    if huge["compactions"]:
        lines.append(row("", f"{_count(huge['compactions'], 'compaction')}, {huge['succeeded']:,} made one; "
                             f"{_count(huge['moved'], 'page')} moved, {huge['not_moved']:,} not"))
    lines += _labelled("reclaim", [
        f"{by['who']:<8}{by['passes']:>8,} passes  {by['scanned']:>9,} scanned  "
        f"{by['reclaimed']:>9,} reclaimed" for by in data["reclaim"]])
    return lines + _labelled("lru", [
        f"{size['list']:<14}{size['pages']:>9,} pages, {size['most']:>9,} at most"
        for size in data["lru"]])


def _render_oom(kills: list[dict]) -> list[str]:
    if not kills:
        return [row("oom", "no kill")]
    kill = kills[0]
    # The reaper may not have been done when the trace ended.
    freed = "?" if kill["freed_pages"] is None else f"{kill['freed_pages']:,}"
    lines = [f"kill {kill['kill_id']} at {kill['t'] / 1e9:.3f} s: pid {kill['pid']}, "
             f"{kill['predicted_pages']:,} pages predicted, {freed} freed",
             f"{'pid':>5}  {'name':<15}{'resident':>10}{'swapped':>10}{'tables':>8}{'score':>10}"]
    for candidate in kill["candidates"][:MAX_CANDIDATES]:
        note = "killed" if candidate["pid"] == kill["pid"] else candidate["eligible"]
        lines.append(f"{candidate['pid']:>5}  {candidate['comm']:<15}{candidate['resident']:>10,}"
                     f"{candidate['swapped']:>10,}{candidate['page_tables']:>8,}"
                     f"{candidate['score']:>10,}  {note}")
    more = []
    if len(kill["candidates"]) > MAX_CANDIDATES:
        more.append(f"{len(kill['candidates']) - MAX_CANDIDATES} more candidates")
    if len(kills) > 1:
        more.append(f"{len(kills) - 1} more kills: query \"SELECT * FROM oom_kill\"")
    return _labelled("oom", lines + (["; ".join(more)] if more else []))


def _render_trace(trace: dict) -> list[str]:
    lost = f"{trace['discarded']:,} discarded, {trace['missing']:,} missing, tail {trace['tail']}"
    if trace["discarded"] or trace["missing"] or trace["tail"] not in results.TAIL_COMPLETE:
        lost = _red(lost)
    agreement = trace["vmstat"]
    checks = (f"{trace['order_violations']:,} order violations, {agreement['equal']} of "
              f"{agreement['counters']} vmstat counters equal the event counts")
    good = not trace["order_violations"] and agreement["equal"] == agreement["counters"] > 0
    lines = [row("events", f"{trace['received']:,} recorded; {lost}; CPUs stalled "
                           f"{trace['stalled_ns'] / 1e6:,.1f} ms for the trace"),
             row("checks", checks if good else _red(checks))]
    memory = trace["memory"]
    if memory["instants"]:
        text = (f"read at {memory['instants']:,} instants: {memory['objects']:,} objects compared, "
                f"{memory['busy']:,} busy, {memory['differences']:,} different")
        lines.append(row("memory", _red(text) if memory["differences"] else text))
    return lines


def _labelled(label: str, lines: list[str]) -> list[str]:
    """The label before the first of the lines."""
    return [row(label if index == 0 else "", line).rstrip() for index, line in enumerate(lines)]


def _red(text: str) -> str:
    return color.paint(text, "red")
