"""The memory state at one instant: the rows of the span tables that are alive then.

A span holds from t_begin until just before t_end, so the state at the time of an event is the one
right after it, with all events of the same stamp included. Keyframes (schema.sql) make any state
cheap; without one, while a session is being recorded, all spans are looked at.
"""

import sqlite3

import results
from errors import ToolError
from instant import seconds

LAST = 9223372036854775807

# Rows that may be alive: those noted in a keyframe, and those that ended near it.
CANDIDATES = """
    SELECT span_id FROM live WHERE k = {k} AND table_id = {id}
    UNION ALL SELECT rowid FROM {table}
    WHERE rowid > {low} AND rowid <= {high} AND t_begin <= :t AND :t < t_end"""


def uncertain_before(database: sqlite3.Connection, t: int) -> int | None:
    """Events were lost: what lives at t and began before this may have changed or ended unseen.
    None: all is certain.
    """
    return results.value(database, "SELECT before FROM uncertain WHERE t_begin <= :t AND :t < t_end",
                         t=t)


def demand_known(database: sqlite3.Connection, t: int) -> None:
    """A ToolError when tracing was paused at t."""
    for begin, end in results.rows(database, "SELECT t_begin, t_end FROM pause "
                                             "WHERE t_begin <= :t AND :t < t_end", t=t):
        until = "to the end" if end == LAST else f"until {seconds(end)} s"
        raise ToolError(f"the state at {seconds(t)} s is not known: "
                        f"tracing was off from {seconds(begin)} s {until}")


class State:
    """What existed at t, nanoseconds since boot. uncertain_before: see the function."""

    def __init__(self, database: sqlite3.Connection, t: int) -> None:
        self._database = database
        self.t = t
        self.uncertain_before = uncertain_before(database, t)
        # Behind the last keyframe the next one does not exist: nothing is noted there, and no row
        # is behind its end.
        self._keyframe = results.value(
            database, "SELECT 1 + coalesce(max(k), 0) FROM keyframe WHERE t < :t", t=t)
        self._tables = dict(results.rows(database, "SELECT name, table_id FROM span_table"))
        self._ends = {(k, table): last for k, table, last in results.rows(
            database, "SELECT k, table_id, last_id FROM keyframe_end WHERE k BETWEEN :k - 1 AND :k",
            k=self._keyframe)}

    def rows(self, table: str, columns: str = "*", where: str = "", **parameters) -> list[tuple]:
        """The rows of a span table alive at t. `columns` and `where` are SQL and name columns of
        the table; :name in them is a parameter (:t is taken).
        """
        return results.rows(self._database, self.sql(table, columns, where), t=self.t,
                            **parameters)

    def nr_uncertain(self, table: str) -> tuple[int, int]:
        """How many of the rows of a span table alive at t there are, and how many are uncertain."""
        (n, uncertain), = self.rows(table, "count(*), coalesce(sum(t_begin < :before), 0)",
                                    before=self.uncertain_before or 0)
        return n, uncertain

    def sql(self, table: str, columns: str = "*", where: str = "") -> str:
        """The query of rows(), for use inside another one, with :t."""
        condition = f" AND ({where})" if where else ""
        if table in self._tables:
            number = self._tables[table]
            candidates = CANDIDATES.format(
                k=self._keyframe, id=number, table=table,
                low=self._ends.get((self._keyframe - 1, number), 0),
                high=self._ends.get((self._keyframe, number), LAST))
            condition += f" AND rowid IN ({candidates})"
        return (f"SELECT {columns} FROM {table} "
                f"WHERE t_begin <= :t AND :t < t_end{condition}")


    def select(self, sql: str, **parameters) -> list[tuple]:
        """Rows of a SELECT in which {TABLE} stands for what is alive at t of a span table."""
        alive = _Alive()
        sql = sql.format_map(alive)
        # Not materialized, a join would look for candidates again for each row of its other side.
        tables = ", ".join(f"{name} AS MATERIALIZED ({self.sql(table)})"
                           for table, name in alive.items())
        return results.rows(self._database, f"WITH {tables} {sql}", t=self.t, **parameters)


class _Alive(dict):
    """Span table -> what the part of it that is alive is called in a query."""

    def __missing__(self, table: str) -> str:
        self[table] = f"alive_{table}"
        return self[table]


def at(database: sqlite3.Connection, t: int) -> State:
    """The state at t; instant.resolve() makes a time of an event or of a name."""
    return State(database, t)
