"""Tables of a session as CSV files (RFC 4180): a header, a row a line, CR LF at its end; NULL is an
empty field.
"""

import csv
import sqlite3
from pathlib import Path

from errors import ToolError
from export.output import BUFFER
from export.tables import all_tables, columns, quoted, state_tables, stream, views
from results import value

ALL = "all"


def chosen(database: sqlite3.Connection, names: str | None) -> list[str]:
    """Names of tables and views, as --tables gives them: by default the state tables; all: every
    table.
    """
    if names is None:
        return state_tables(database)
    tables = all_tables(database)
    if names == ALL:
        return tables
    known, wanted = tables + views(database), names.split(",")
    for name in wanted:
        if name not in known:
            raise ToolError(f"--tables: this session has no table {name!r}; schema.sql lists all")
    return wanted


def write(database: sqlite3.Connection, tables: list[str], directory: Path) -> None:
    """One file a table. Rows come in the order in which ingest wrote them; those of a view as it
    sorts them.
    """
    for table in tables:
        names = columns(database, table)
        with open(directory / f"{table}.csv", "w", encoding="utf-8", newline="",
                  buffering=BUFFER) as file:
            writer = csv.writer(file)  # its defaults are RFC 4180
            writer.writerow(names)
            writer.writerows(stream(
                database, f"SELECT * FROM {quoted(table)} {_order(database, table)}"))


def _order(database: sqlite3.Connection, table: str) -> str:
    """A table with a rowid by that; one without is stored by its key, which is then its order."""
    sql = value(database, "SELECT sql FROM sqlite_schema WHERE name = :table AND type = 'table'",
                table=table)
    return "" if sql is None or sql.rstrip().endswith("WITHOUT ROWID") else "ORDER BY rowid"
