"""The session's database inside the page, as much of it as fits.

What is tried, in this order: whole; `tables`, all tables without indexes and keyframes, which answers the
same more slowly; `questions`, of the events that there are many of only those that a view or the cookbook asks for; `states`, none of
these, and not the views that need them; none: the page asks for session.db.
"""

import base64
import gzip
import os
import re
import shutil
import sqlite3
import tempfile
from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from errors import ToolError

from .recipes import recipes

# No database was seen to compress better than to 0.38 of its size, none to have less than 0.33 of it in
# `states`. What could not fit with less than these is not tried.
MIN_RATIO = 0.3
MIN_STATES = 0.25
LEVEL = 6
# Event tables that are kept in `states`: with at most so many rows.
SMALL_TABLE_ROWS = 2000
KEYFRAMES = ("live_ids", "keyframe_end", "keyframe")


@dataclass(frozen=True)
class Embedded:
    kind: str  # whole, tables, questions, states or none
    data: bytes  # compressed
    size_bytes: int  # of the database in it
    left_out: tuple[str, ...] = ()  # tables and views that it lacks


def embed(path: Path, limit_bytes: int) -> Embedded:
    """limit_bytes: of the compressed database. path: nobody writes to it any more."""
    with tempfile.TemporaryDirectory(prefix="plm-report-") as scratch:
        if (data := _compressed(path, limit_bytes)) is not None:
            return Embedded("whole", data, path.stat().st_size)
        copy = Path(scratch) / "session.db"
        left_out: list[str] = []
        try:
            for kind, reduce in (("tables", _drop_indexes), ("questions", _drop_unasked),
                                 ("states", _drop_events)):
                # Each goes on with what the one before has left.
                if not copy.exists():
                    if path.stat().st_size * MIN_RATIO * MIN_STATES > limit_bytes:
                        break
                    shutil.copyfile(path, copy)
                left_out += reduce(copy)
                if (data := _compressed(copy, limit_bytes)) is not None:
                    return Embedded(kind, data, copy.stat().st_size, tuple(left_out))
        except (OSError, sqlite3.Error) as error:
            raise ToolError(f"{copy}: a copy of {path} could not be made smaller: {error}") from error
    return Embedded("none", b"", 0)


def as_text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _compressed(path: Path, limit_bytes: int) -> bytes | None:
    if os.path.getsize(path) * MIN_RATIO > limit_bytes:
        return None
    data = gzip.compress(path.read_bytes(), LEVEL, mtime=0)
    return data if len(data) <= limit_bytes else None


def _scratch(path: Path) -> sqlite3.Connection:
    """A copy of which nobody wants anything after a crash."""
    database = sqlite3.connect(path, isolation_level=None)
    database.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;")
    return database


def _drop_indexes(path: Path) -> list[str]:
    with closing(_scratch(path)) as database:
        for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'index' "
                                      "AND sql IS NOT NULL").fetchall():
            database.execute(f'DROP INDEX "{name}"')
        # Keyframes name rows by their rowid, which VACUUM may change.
        for name in KEYFRAMES:
            database.execute(f'DROP TABLE "{name}"')
        views = _drop_broken_views(database)
        database.execute("VACUUM")
    return [*KEYFRAMES, *views]


def _drop_unasked(path: Path) -> list[str]:
    asked = " ".join(recipe["sql"] for recipe in recipes())
    with closing(sqlite3.connect(path)) as database:
        asked += " ".join(sql for sql, in database.execute(
            "SELECT sql FROM sqlite_master WHERE type = 'view'"))
    return _drop_events(path, set(re.findall(r"\w+", asked)))


def _drop_events(path: Path, kept: Collection[str] = ()) -> list[str]:
    """Removes the event tables with many rows and the views that cannot do without them."""
    with closing(_scratch(path)) as database:
        large = [name for name, in database.execute(
            "SELECT event FROM event_count JOIN sqlite_master ON event = name "
            "WHERE n > ? ORDER BY event", (SMALL_TABLE_ROWS,)) if name not in kept]
        for name in large:
            database.execute(f'DROP TABLE "{name}"')
        views = _drop_broken_views(database)
        database.execute("VACUUM")
    return [*large, *views]


def _drop_broken_views(database: sqlite3.Connection) -> list[str]:
    dropped = []
    for name, in database.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
        try:
            database.execute(f'EXPLAIN SELECT * FROM "{name}"')
        except sqlite3.OperationalError as error:
            if not re.search(r"no such (table|view)", str(error)):
                raise
            dropped.append(name)
    for name in dropped:
        database.execute(f'DROP VIEW "{name}"')
    return dropped
