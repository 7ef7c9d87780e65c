"""The memory state at one instant: the rows of the span tables that are alive then.

A span holds from t_begin until just before t_end, so the state at the time of an event is the one
right after it, with all events of the same stamp included.
"""

import sqlite3

import results


class State:
    """What existed at t, nanoseconds since boot."""

    def __init__(self, database: sqlite3.Connection, t: int) -> None:
        self._database = database
        self.t = t

    def rows(self, table: str, columns: str = "*", where: str = "", **parameters) -> list[tuple]:
        """The rows of a span table alive at t. `columns` and `where` are SQL and name columns of
        the table; :name in them is a parameter (:t is taken).
        """
        condition = f" AND ({where})" if where else ""
        return results.rows(self._database, f"SELECT {columns} FROM {table} "
                            f"WHERE t_begin <= :t AND :t < t_end{condition}",
                            t=self.t, **parameters)


def at(database: sqlite3.Connection, t: int) -> State:
    """The state at t; instant.resolve() makes a time of an event or of a name."""
    return State(database, t)
