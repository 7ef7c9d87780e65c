"""Faults by time and latency, and refaults by time and distance, as counts."""

import math
import sqlite3
from array import array
from collections import Counter

from .clock import Clock

ROWS_A_DECADE = 8
LOWEST_NS = 100  # the first row begins here; what is faster is counted there too
NR_ROWS = 9 * ROWS_A_DECADE  # up to 100 s


def latency_row(latency_ns: int) -> int:
    row = int(math.log10(max(latency_ns, LOWEST_NS) / LOWEST_NS) * ROWS_A_DECADE)
    return min(row, NR_ROWS - 1)


def fault_latency(database: sqlite3.Connection, clock: Clock) -> dict:
    """Cells that are not empty, of faults that ended, at the bin of the trap."""
    kinds = [kind for kind, in database.execute(
        "SELECT kind FROM fault WHERE latency_ns IS NOT NULL GROUP BY kind ORDER BY count(*) DESC")]
    number = {kind: index for index, kind in enumerate(kinds)}
    cells: Counter = Counter()
    for t, latency, kind in database.execute(
            "SELECT t, latency_ns, kind FROM fault WHERE latency_ns IS NOT NULL"):
        cells[clock.bin_of(t), latency_row(latency), number[kind]] += 1
    unended = database.execute("SELECT count(*) FROM fault WHERE latency_ns IS NULL").fetchone()[0]
    return {"kinds": kinds, "rows_a_decade": ROWS_A_DECADE, "lowest_ns": LOWEST_NS,
            "rows": NR_ROWS, "unended": unended, **_columns(cells, ("bin", "H"), ("row", "B"),
                                                            ("kind", "B"))}


def refault_distance(database: sqlite3.Connection, clock: Clock) -> dict:
    """Refaults at the bin of the read: bucket 0 is distance 0, bucket n distances from 2^(n-1) on;
    waited: a fault waited for it.
    """
    cells: Counter = Counter()
    for t, distance, waited in database.execute(
            "SELECT t, distance_pages, latency_ns IS NOT NULL FROM refault"):
        cells[clock.bin_of(t), distance.bit_length(), waited] += 1
    return _columns(cells, ("bin", "H"), ("bucket", "B"), ("waited", "B"))


def _columns(cells: Counter, *names: tuple[str, str]) -> dict[str, array]:
    """Cells in order of their keys, as one array each for the parts of the key, and `n`."""
    found = sorted(cells.items())
    columns = {name: array(kind, (key[index] for key, _ in found))
               for index, (name, kind) in enumerate(names)}
    return {**columns, "n": array("I", (n for _, n in found))}
