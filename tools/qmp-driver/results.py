"""What a session's database says, as plain values: the questions that more than one subcommand
asks.
"""

import os
import sqlite3
from dataclasses import dataclass

from errors import ToolError

INIT_PID = 1
FOREVER = (1 << 63) - 1
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
    """Init's children in the order of the plan: the name and wait status each had at its end. Of several threads the last
    one that ends has the status of the process, and its pid may have been that of two."""
    found = rows(database, """
        WITH child AS (
            SELECT id, t, child_pid AS pid, parent_pid, comm,
                lead(t, 1, :forever) OVER (PARTITION BY child_pid ORDER BY id) AS t_next
            FROM sched_process_fork),
        thread AS (
            SELECT child.id, span.* FROM child JOIN task_span span ON span.tgid = child.pid
                AND child.t <= span.t_begin AND span.t_begin < child.t_next
            WHERE child.parent_pid = :init)
        SELECT pid,
            coalesce((SELECT comm FROM thread WHERE thread.id = child.id AND thread.pid = child.pid
                ORDER BY t_begin DESC LIMIT 1), comm),
            (SELECT status FROM thread WHERE thread.id = child.id AND t_exit IS NOT NULL
                AND NOT EXISTS (SELECT * FROM thread AS other
                    WHERE other.id = child.id AND other.t_exit IS NULL AND other.t_end = :forever)
                ORDER BY t_exit DESC LIMIT 1)
        FROM child WHERE parent_pid = :init ORDER BY id""", init=INIT_PID, forever=FOREVER)
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
