"""What a session's database has: its tables, told apart, and their rows one by one."""

import sqlite3
from collections.abc import Iterator

from results import rows

# The first columns of each event table: rank in the merged trace, ns since boot, CPU.
EVENT_COLUMNS = ("id", "t", "cpu")
# What the project's own tools find their way by; it tells nothing about the session.
AIDS = ("moment", "keyframe", "keyframe_end", "live_ids", "span_table")


def quoted(name: str) -> str:
    """An identifier as SQL needs it; some columns are keywords."""
    return '"' + name.replace('"', '""') + '"'


def columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [name for name, in rows(database, "SELECT name FROM pragma_table_info(:table) "
                                             "ORDER BY cid", table=table)]


def state_tables(database: sqlite3.Connection) -> list[str]:
    """All but event tables, which have a row for each event of a kind, and aids; in the order of the
    schema.
    """
    return [table for table in all_tables(database)
            if table not in AIDS and not _is_event(database, table)]


def all_tables(database: sqlite3.Connection) -> list[str]:
    return [name for name, in rows(database, """
        SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'
        ORDER BY rowid""")]


def views(database: sqlite3.Connection) -> list[str]:
    return [name for name, in rows(database, "SELECT name FROM sqlite_schema WHERE type = 'view' "
                                             "ORDER BY rowid")]


def _is_event(database: sqlite3.Connection, table: str) -> bool:
    found = rows(database, "SELECT name, pk FROM pragma_table_info(:table) WHERE cid < 3 "
                           "ORDER BY cid", table=table)
    # Table fault has these columns too, but its id is no key.
    return tuple(name for name, _ in found) == EVENT_COLUMNS and found[0][1] == 1


def stream(database: sqlite3.Connection, sql: str, **parameters) -> Iterator[tuple]:
    """Rows one by one. Several streams may be read in turn. sqlite3.Error is the caller's."""
    return iter(database.execute(sql, parameters))
