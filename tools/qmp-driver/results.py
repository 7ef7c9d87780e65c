"""What a session's database says, as plain values: the questions that more than one subcommand
asks.
"""

import os
import sqlite3
from dataclasses import dataclass

from errors import ToolError

INIT_PID = 1
TAIL_COMPLETE = ("none", "recovered")


@dataclass(frozen=True)
class Loss:
    """Events of all CPUs together. unaccounted: neither received nor counted as discarded."""

    emitted: int
    received: int
    discarded: int
    stalled_ns: int
    tail: str

    @property
    def unaccounted(self) -> int:
        return self.emitted - self.received - self.discarded

    @property
    def complete(self) -> bool:
        return not self.discarded and not self.unaccounted and self.tail in TAIL_COMPLETE


@dataclass(frozen=True)
class ProgramRun:
    """A program that init started. status None: it had not ended when the trace did."""

    pid: int
    name: str
    status: int | None


def rows(database: sqlite3.Connection, sql: str, **parameters) -> list[tuple]:
    """All rows of a query of the tool's own; an error means that the database is not one of this
    version.
    """
    try:
        return database.execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise ToolError(f"session database: {error}; "
                        "rebuild it with `tools/palimpsest ingest`") from error


def value(database: sqlite3.Connection, sql: str, **parameters):
    """The first column of the first row, None without one."""
    found = rows(database, sql, **parameters)
    return found[0][0] if found else None


def session_values(database: sqlite3.Connection) -> dict[str, str]:
    return dict(rows(database, "SELECT key, value FROM session"))


def loss(database: sqlite3.Connection) -> Loss:
    counts = rows(database, "SELECT emitted, received, discarded, stalled_ns, tail FROM loss")
    tails = {row[4] for row in counts}
    # Without a stream nobody knows what is missing.
    tail = next((tail for tail in ("unknown", "recovered", "none") if tail in tails), "unknown")
    return Loss(*(sum(row[column] for row in counts) for column in range(4)), tail)


def program_runs(database: sqlite3.Connection) -> list[ProgramRun]:
    """Init's children in the order of the plan: the name and wait status each had at its end."""
    found = rows(database, """
        SELECT f.child_pid, coalesce(e.comm, f.comm), e.status
        FROM sched_process_fork f LEFT JOIN sched_process_exit e ON e.pid = f.child_pid
        WHERE f.parent_pid = :init ORDER BY f.rowid""", init=INIT_PID)
    return [ProgramRun(*row) for row in found]


def exit_code(wait_status: int) -> int:
    """A wait status as a shell shows it: the exit status, or 128 + signal."""
    code = os.waitstatus_to_exitcode(wait_status)
    return code if code >= 0 else 128 - code


def vmstat_agreement(database: sqlite3.Connection) -> dict[str, int]:
    """How many of the kernel's own counters were printed, and how many equal the count of their
    events.
    """
    counters, equal = rows(
        database, "SELECT count(*), coalesce(sum(equal), 0) FROM vmstat_check")[0]
    return {"counters": counters, "equal": equal}


def memory_agreement(database: sqlite3.Connection) -> dict[str, int]:
    """At how many instants guest memory was compared with the state rebuilt from the trace, how many
    objects that were, all together, and how many of them were busy or different.
    """
    names = ("instants", "objects", "busy", "differences")
    return dict(zip(names, rows(database, """
        SELECT count(*), coalesce(sum(objects), 0), coalesce(sum(busy), 0),
               coalesce(sum(differences), 0) FROM verification""")[0]))
