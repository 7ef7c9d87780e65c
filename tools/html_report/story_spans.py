"""All spans that have to do with the page at one address of one address space, and those alive at an
instant. A story has few rows: they are all read once, and looked through.
"""

import sqlite3

from .clock import OPEN

Row = sqlite3.Row


class Spans:
    def __init__(self, database: sqlite3.Connection, mm_id: int, va: int) -> None:
        self._database = database
        self.mm_id, self.va = mm_id, va
        self.own = self._rows("SELECT * FROM pte_span WHERE mm_id = ? AND va = ? ORDER BY t_begin",
                              mm_id, va)
        self.begin = self.own[0]["t_begin"] if self.own else 0
        self.end = max((row["t_end"] for row in self.own), default=0)
        slots = {row["slot"] for row in self.own if row["kind"] == "swap"}
        self.cached = self._among("swap_cache_span", "slot", slots)
        pfns = {row["pfn"] for row in self.own if row["kind"] == "page"}
        pfns |= {row["pfn"] for row in self.cached}
        self.mappings = self._among("rmap_span", "pfn", pfns)
        self.lists = self._among("lru_span", "pfn", pfns)
        self.flags = self._among("page_flags_span", "pfn", pfns)
        # Another content of the frame is somebody else's story: chains are taken from own mappings.
        anon_vmas = {row["mapping_id"] for row in self.mappings
                     if row["va"] == va and row["mm_id"] == mm_id}
        self.chain = self._among("avc_span", "anon_vma_id", anon_vmas)
        self.vmas = [row for row in self._among("vma_span", "vma_id",
                                                {row["vma_id"] for row in self.chain})
                     if row["va_start"] <= va < row["va_end"]]
        spaces = {row["mm_id"] for row in self.vmas} | {mm_id}
        self.tasks = self._among("task_span", "mm_id", spaces)
        self.entries = self._rows(
            f"SELECT * FROM pte_span WHERE va = ? AND mm_id IN ({_marks(spaces)}) "
            "AND t_begin < ? AND t_end > ?", va, *spaces, self.end, self.begin)

    def _rows(self, sql: str, *parameters: int) -> list[Row]:
        cursor = self._database.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(sql, parameters).fetchall()

    def _among(self, table: str, column: str, values: set[int]) -> list[Row]:
        """Rows of these objects that overlap the story."""
        return self._rows(f"SELECT * FROM {table} WHERE {column} IN ({_marks(values)}) "
                          "AND t_begin < ? AND t_end > ?", *values, self.end, self.begin)

    def instants(self) -> list[int]:
        """When anything that a drawing shows may have changed, while the address had an entry or
        between two that it had.
        """
        found: set[int] = set()
        for rows in (self.own, self.cached, self.lists, self.flags, self.chain, self.vmas, self.tasks,
                     self.entries):
            for row in rows:
                found.update((row["t_begin"], row["t_end"]))
        return sorted(t for t in found if self.begin <= t <= self.end and t < OPEN)

    def own_lists(self) -> list[dict]:
        """Where the page stood on the lists while the address referred to its frame."""
        found = []
        for entry in self.own:
            for row in self.lists:
                begin = max(entry["t_begin"], row["t_begin"])
                end = min(entry["t_end"], row["t_end"])
                if entry["kind"] == "page" and row["pfn"] == entry["pfn"] and begin < end:
                    found.append({"t_begin": begin, "t_end": end, "list": row["list"]})
        return found


def at(rows: list[Row], t: int) -> list[Row]:
    return [row for row in rows if row["t_begin"] <= t < row["t_end"]]


def _marks(values: set[int]) -> str:
    return ", ".join("?" * len(values))
