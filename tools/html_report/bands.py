"""What lies behind every panel over time: when kswapd and direct reclaim worked, when the trace cannot
be believed, and marks with names.
"""

import sqlite3

from results import TAIL_COMPLETE, loss, rows, session_values

from .clock import OPEN, Clock, merged

# Spans closer than this share of the session are drawn as one: less than a pixel.
GAP = 1 / 16384
MAX_MARKS = 64  # of each kind; the page says how many there are


def reclaim(database: sqlite3.Connection, clock: Clock) -> dict:
    gap = (clock.end - clock.begin) * GAP
    found = {}
    for name, table in (("kswapd", "kswapd_span"), ("direct", "direct_reclaim")):
        spans = [(begin, min(end, clock.end)) for begin, end in rows(
            database, f"SELECT t_begin, t_end FROM {table}")]
        begins, ends = merged(spans, gap)
        found[name] = {"n": len(spans), "begin": begins, "end": ends,
                       "total_ns": sum(end - begin for begin, end in spans)}
    return found


def doubtful(database: sqlite3.Connection, clock: Clock) -> list[dict]:
    """Periods in which the state tables may be wrong: begin, end (ns), why."""
    about = session_values(database)
    found = []
    begin = about.get("uncertain_from")
    losses = loss(database)
    if begin is not None:
        found.append({"begin": max(int(begin), clock.begin), "end": clock.end,
                      "why": "events are missing: the state is exact only before this"})
    elif losses.discarded or losses.unaccounted:
        found.append({"begin": clock.begin, "end": clock.end,
                      "why": "events are missing, and nobody knows where"})
    if losses.tail not in TAIL_COMPLETE:
        found.append({"begin": clock.end - (clock.end - clock.begin) // 200, "end": clock.end,
                      "why": "the trace just stops here: what came after is unknown"})
    return found


def marks(database: sqlite3.Connection) -> list[dict]:
    """Moments with a name, as --at takes them."""
    kills = rows(database, """
        SELECT 'oom#' || kill_id, t, 'OOM kill ' || kill_id || ': ' || coalesce(comm, '?') || ' (pid '
            || oom_kill.pid || ')' FROM oom_kill LEFT JOIN oom_candidate USING (kill_id, pid)
        ORDER BY t LIMIT :n""", n=MAX_MARKS)
    barriers = rows(database, "SELECT 'barrier#' || n, t, 'barrier ' || n FROM barrier "
                              "ORDER BY t LIMIT :n", n=MAX_MARKS)
    return [{"name": name, "t": t, "text": text, "kind": name.partition("#")[0]}
            for name, t, text in sorted(kills + barriers, key=lambda mark: mark[1])]


def stalls(database: sqlite3.Connection, clock: Clock) -> dict:
    """When a CPU waited because its ring was full."""
    begins, ends = merged([(t - stalled, t) for t, stalled in rows(
        database, "SELECT t, stalled_ns FROM trace_stall")], (clock.end - clock.begin) * GAP)
    return {"begin": begins, "end": ends}


def programs(database: sqlite3.Connection, clock: Clock) -> list[dict]:
    """When each program that init started ran, from its fork to its exit."""
    found = rows(database, """
        SELECT pid, comm, min(t_begin), max(t_end) FROM task_span AS last
        WHERE mm_id <> 0 AND t_end = (SELECT max(t_end) FROM task_span WHERE pid = last.pid)
        AND parent_pid = 1 GROUP BY pid ORDER BY min(t_begin)""")
    begins = dict(rows(database, "SELECT pid, min(t_begin) FROM task_span GROUP BY pid"))
    return [{"pid": pid, "name": comm, "begin": begins[pid],
             "end": clock.end if end == OPEN else end} for pid, comm, _, end in found]
