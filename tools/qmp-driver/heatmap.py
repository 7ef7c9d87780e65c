"""Addresses over time as a picture of characters: where a session's faults, evictions or refaults
were.

A row is an equal share of the pages that something happened to, so that what is far apart in an
address space lies together here; its label is the first address of the share. The busiest address
spaces are drawn, one below the other. Shades are logarithmic: each stands for so many times more
than the one before.
"""

import itertools
import math
import shutil
import sqlite3
import sys
from collections import Counter

import color
from results import rows

MAPS = {  # name: address space, address and time of each thing that is counted
    "faults": "SELECT mm_id, va & -4096 AS va, t FROM fault WHERE t <= :t",
    "evictions": "SELECT mm_id, va, t_begin AS t FROM pte_span "
                 "WHERE why_in = 'swapout' AND t_begin <= :t",
    "refaults": "SELECT mm_id, va, t_begin AS t FROM pte_span "
                "WHERE why_in = 'swapin' AND t_begin <= :t",
}
NAMES = tuple(MAPS)
ROWS = 12
MAX_SPACES = 3
LABEL_WIDTH = 16
MIN_COLUMNS, MAX_COLUMNS = 20, 160
BLOCKS, ASCII = " ░▒▓█", " .:*#"
SHADES = ("dim", "blue", "cyan", "yellow", "red")


def columns_of_terminal() -> int:
    width = shutil.get_terminal_size(fallback=(80, 24)).columns
    return min(max(width - LABEL_WIDTH - 1, MIN_COLUMNS), MAX_COLUMNS)


def shades_of(stream) -> str:
    """Unicode blocks only for a terminal that shows them."""
    encoding = (getattr(stream, "encoding", None) or "").lower().replace("-", "")
    return BLOCKS if encoding == "utf8" and stream.isatty() else ASCII


def draw(database: sqlite3.Connection, name: str, t_end: int, columns: int | None = None,
         shades: str | None = None) -> list[str]:
    """The map as lines; none when nothing of the kind happened."""
    columns = columns or columns_of_terminal()
    shades = shades or shades_of(sys.stdout)
    begin = rows(database, "SELECT min(t) FROM page_fault_user")[0][0]
    if begin is None or t_end <= begin:
        return []
    cells = rows(database, f"""
        SELECT mm_id, va, (t - :begin) * :columns / (:t - :begin + 1) AS place, count(*)
        FROM ({MAPS[name]}) WHERE t >= :begin GROUP BY mm_id, va, place""",
        begin=begin, t=t_end, columns=columns)
    busy = Counter()
    for mm_id, _, _, n in cells:
        busy[mm_id] += n
    spaces = [mm_id for mm_id, _ in busy.most_common(MAX_SPACES)]
    grids = [(mm_id, *_grid([c[1:] for c in cells if c[0] == mm_id], ROWS // len(spaces)))
             for mm_id in sorted(spaces)]
    most = max((n for _, grid, _ in grids for n in grid.values()), default=0)
    if not most:
        return []
    lines = [f"{name} by address and time, {begin / 1e9:.3f} to {t_end / 1e9:.3f} s; "
             f"{_legend(most, shades)}"]
    for mm_id, grid, first in grids:
        lines.append(color.paint(_owner(database, mm_id, busy[mm_id], name), "bold"))
        for row, va in enumerate(first):
            levels = [_level(grid[row, place], most, shades) for place in range(columns)]
            lines.append(f"{va:>{LABEL_WIDTH}x} " + _row(levels, shades))
    hidden = len(busy) - len(spaces)
    if hidden:
        lines.append(f"and {hidden} more address space{'s' * (hidden > 1)}")
    return lines


def _grid(cells: list[tuple[int, int, int]], nr_rows: int) -> tuple[Counter, list[int]]:
    """Counts by (row, place), and the first address of each row."""
    pages = sorted({va for va, _, _ in cells})
    nr_rows = min(nr_rows, len(pages))
    row_of = {va: index * nr_rows // len(pages) for index, va in enumerate(pages)}
    grid = Counter()
    for va, place, n in cells:
        grid[row_of[va], place] += n
    first = [pages[-(-row * len(pages) // nr_rows)] for row in range(nr_rows)]
    return grid, first


def _level(n: int, most: int, shades: str) -> int:
    """0 for none, else 1 to the darkest."""
    steps = len(shades) - 1
    return n and min(1 + int(steps * math.log(n) / math.log(most + 1)), steps)


def _row(levels: list[int], shades: str) -> str:
    while levels and not levels[-1]:
        levels.pop()
    runs = ((level, len(list(same))) for level, same in itertools.groupby(levels))
    return "".join(color.paint(shades[level] * n, SHADES[level]) if level else " " * n
                   for level, n in runs)


def _legend(most: int, shades: str) -> str:
    """Each shade with the fewest that it stands for."""
    parts = []
    for level in range(1, len(shades)):
        fewest = next((n for n in range(1, most + 1) if _level(n, most, shades) == level), None)
        if fewest:
            parts.append(f"{shades[level]} {fewest:,}+")
    return "  ".join(parts)


def _owner(database: sqlite3.Connection, mm_id: int, n: int, name: str) -> str:
    owner = rows(database, "SELECT pid, comm FROM task_span WHERE mm_id = :mm "
                           "ORDER BY t_begin DESC LIMIT 1", mm=mm_id)
    who = f"pid {owner[0][0]} ({owner[0][1]})" if owner else f"address space {mm_id}"
    return f"{who}: {n:,} {name}"
