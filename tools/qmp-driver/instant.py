"""--at: a moment of a session, as nanoseconds since boot."""

import re
import sqlite3

from errors import ToolError
from results import value

HELP = "moment: nanoseconds since boot, end, barrier#N or oom#N (default: end)"

MARKS = {
    "barrier": "SELECT t FROM trace_barrier WHERE n = :n",
    "oom": "SELECT t FROM oom_kill WHERE kill_id = :n",
}


def end(database: sqlite3.Connection) -> int:
    """The moment of the last event."""
    return int(value(database, "SELECT value FROM session WHERE key = 't_last'") or 0)


def resolve(database: sqlite3.Connection, text: str) -> int:
    if text == "end":
        return end(database)
    if re.fullmatch(r"\d+", text):
        return int(text)
    match = re.fullmatch(r"(barrier|oom)#(\d+)", text)
    if match is None:
        raise ToolError(f"--at {text}: expected nanoseconds, end, barrier#N or oom#N")
    found = value(database, MARKS[match.group(1)], n=int(match.group(2)))
    if found is None:
        raise ToolError(f"--at {text}: this session has no such mark")
    return found
