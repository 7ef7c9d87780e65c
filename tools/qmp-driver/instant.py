"""--at: an instant of a session, as nanoseconds since boot.

The state at an event is the one right after it and after all events of the same stamp.
"""

import re
import sqlite3

from errors import ToolError
from results import rows, value

HELP = "moment: nanoseconds since boot, end, event#N, barrier#N or oom#N (default: end)"

MARKS = {
    "barrier": "SELECT t FROM trace_barrier WHERE n = :n",
    "oom": "SELECT t FROM oom_kill WHERE kill_id = :n",
}


def end(database: sqlite3.Connection) -> int:
    """The moment of the last event."""
    return int(value(database, "SELECT value FROM session WHERE key = 't_last'") or 0)


def of_event(database: sqlite3.Connection, event: int) -> int | None:
    """When the event with this id happened; None without one. Each kind has a table of its own."""
    for (table,) in rows(database, "SELECT event FROM event_count JOIN sqlite_schema AS known "
                                   "ON known.name = event ORDER BY n DESC"):
        found = value(database, f"SELECT t FROM {table} WHERE id = :event", event=event)
        if found is not None:
            return found
    return None


def resolve(database: sqlite3.Connection, text: str) -> int:
    if text == "end":
        return end(database)
    if re.fullmatch(r"[0-9]+", text):
        return int(text)
    match = re.fullmatch(r"(event|barrier|oom)#([0-9]{1,18})", text)
    if match is None:
        raise ToolError(f"--at {text}: expected nanoseconds, end, event#N, barrier#N or oom#N")
    kind, n = match.group(1), int(match.group(2))
    found = of_event(database, n) if kind == "event" else value(database, MARKS[kind], n=n)
    if found is None:
        raise ToolError(f"--at {text}: this session has no {kind} of that number")
    return found


def seconds(t: int) -> str:
    """Nanoseconds since boot as people can read them."""
    whole, rest = divmod(t, 1_000_000_000)
    digits = f"{rest:09d}"
    return f"{whole}.{digits[:3]} {digits[3:6]} {digits[6:]}"
