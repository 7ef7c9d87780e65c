"""
A session's database, opened read-only, and the state that its span tables hold at one instant.

Kinds, lists and reasons are names in these tables; sets of flags are numbers.
"""

import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

import instant
import state
from errors import ToolError

SCHEMA_VERSION = 1  # of the --json output of every picture
OPEN_END = 9223372036854775807  # t_end of what still existed when the trace ended


class SessionError(Exception):
    """The session cannot answer; the text says why and what would."""


@dataclass(frozen=True)
class Moment:
    """An instant of a session, and the words it was asked for with."""

    t: int
    asked: str

    def __str__(self) -> str:
        seconds, ns = divmod(self.t, 1_000_000_000)
        digits = f"{ns:09d}"
        text = f"{seconds}.{digits[:3]} {digits[3:6]} {digits[6:]} s after boot"
        return text if self.asked.isdigit() else f"{text} ({self.asked})"


def hexadecimal(value: int) -> str:
    """An address of any half of the address space; SQLite keeps it as a signed number."""
    return f"0x{value & 0xFFFFFFFFFFFFFFFF:x}"


class SessionDb:
    """Use as a context manager. Every *_at method asks of a span: t_begin <= t AND t < t_end."""

    def __init__(self, directory: Path | str | None) -> None:
        self.directory = Path(directory or "sessions/latest")
        self.path = self.directory / "session.db"
        if not self.path.is_file():
            raise SessionError(f"no {self.path}: record a session, or rebuild it with `ingest`")
        uri = f"{self.path.resolve().as_uri()}?mode=ro"
        self._db = sqlite3.connect(uri, uri=True)
        self._db.row_factory = sqlite3.Row
        self._flags: dict[str, dict[str, int]] = {}

    def __enter__(self) -> "SessionDb":
        return self

    def __exit__(self, *exc: object) -> None:
        self._db.close()

    def rows(self, sql: str, *parameters: Any) -> list[sqlite3.Row]:
        with closing(self._db.execute(sql, parameters)) as cursor:
            return cursor.fetchall()

    def value(self, sql: str, *parameters: Any) -> Any:
        """The first column of the first row; None without a row."""
        row = self._db.execute(sql, parameters).fetchone()
        return row[0] if row else None

    def spans_at(self, table: str, t: int, where: str = "1", *parameters: Any) -> list[sqlite3.Row]:
        return self.rows(f"SELECT * FROM {table} WHERE t_begin <= ? AND ? < t_end AND ({where})",
                         t, t, *parameters)

    def uncertain_before(self, t: int) -> int | None:
        """See state.py: what lives at t and began before this is uncertain. None: all is certain."""
        return state.uncertain_before(self._db, t)

    def flags(self, enum: str) -> dict[str, int]:
        """Name -> mask of each bit of a set of flags."""
        if enum not in self._flags:
            rows = self.rows("SELECT name, value FROM enum_name WHERE enum = ? ORDER BY value",
                             enum)
            self._flags[enum] = {row["name"]: row["value"] for row in rows}
        return self._flags[enum]

    def flag_names(self, enum: str, value: int) -> list[str]:
        return [name for name, mask in self.flags(enum).items() if value & mask]

    def last_instant(self) -> int:
        """The time of the last event."""
        return instant.end(self._db)

    def moment(self, asked: str, peak: Callable[[], int]) -> Moment:
        """Resolves what --at was given; `peak` finds the most telling instant of the picture."""
        if asked == "peak":
            return Moment(peak(), asked)
        try:
            return Moment(instant.resolve(self._db, asked), asked)
        except ToolError as error:
            raise SessionError(f"{error} (pictures also know peak)") from error

    def owners_at(self, t: int) -> dict[int, tuple[int, str]]:
        """Address space -> (pid, name) of the task that uses it; of several threads, their leader."""
        found = self.spans_at("task_span", t, "mm_id <> 0")
        found.sort(key=lambda row: row["pid"] == row["tgid"])
        return {row["mm_id"]: (row["pid"], row["comm"]) for row in found}

    def threads_at(self, t: int) -> dict[int, int]:
        """Address space -> how many tasks use it."""
        return Counter(row["mm_id"] for row in self.spans_at("task_span", t, "mm_id <> 0"))

    def swap_cache_at(self, t: int) -> dict[int, int]:
        """Frame -> slot of every page that has an identity in swap."""
        return {row["pfn"]: row["slot"] for row in self.spans_at("swap_cache_span", t)}
