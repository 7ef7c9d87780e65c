"""What lies behind every panel over time: when kswapd and direct reclaim worked, when the trace cannot
be believed, and marks with names.
"""

import sqlite3

from results import loss, rows

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
    """Periods: kind (missing: events are; uncertain: the state is in part), begin, end (ns), why."""
    found = _missing(database, clock)
    found += [_period(clock, "uncertain", begin, end, "what began before "
                      f"{min(before, clock.end) / 1e9:.6f} s may have changed or ended unseen")
              for begin, end, before in rows(database, "SELECT t_begin, t_end, before FROM uncertain")]
    losses = loss(database)
    if not any(period["kind"] == "missing" for period in found) and not losses.complete:
        found.append(_period(clock, "missing", clock.begin, clock.end,
                             "events are missing, and nobody knows where"))
    return found


def _missing(database: sqlite3.Connection, clock: Clock) -> list[dict]:
    """Where events are missing; times closer together than a pixel are one period."""
    found: list[list] = []
    for begin, end, cpu, events in rows(
            database, "SELECT t_from, t_to, cpu, events FROM loss_window ORDER BY t_from"):
        if found and begin - found[-1][1] <= (clock.end - clock.begin) * GAP:
            found[-1][1] = max(found[-1][1], end)
            found[-1][2].append((cpu, events))
        else:
            found.append([begin, end, [(cpu, events)]])
    return [_period(clock, "missing", begin, end, _lost(lost)) for begin, end, lost in found]


def _lost(lost: list[tuple[int, int | None]]) -> str:
    cpus = ", ".join(map(str, sorted({cpu for cpu, _ in lost})))
    known = [events for _, events in lost if events is not None]
    n = f"{sum(known):,} events" if len(known) == len(lost) else "an unknown number of events"
    return f"{n} of CPU {cpus} {'is' if n.startswith('an ') else 'are'} missing"


def _period(clock: Clock, kind: str, begin: int, end: int, why: str) -> dict:
    return {"kind": kind, "begin": min(max(begin, clock.begin), clock.end),
            "end": min(end, clock.end), "why": why}


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
