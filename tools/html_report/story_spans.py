"""All spans that have to do with the page at one address of one address space, and those alive at an
instant. A story has few rows: they are all read once, and looked through.
"""

import sqlite3

from .clock import OPEN

Row = dict
PAGE_SIZE, HUGE_ORDER, HUGE_FRAMES = 4096, 9, 512


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
        self.huge = [row for row in self._among("page_life", "pfn", {pfn & -HUGE_FRAMES for pfn in pfns})
                     if row["order"] == HUGE_ORDER]
        self.lists = self._among("lru_span", "pfn", pfns) + self._lists_of_huge(pfns)
        self.flags = self._among("page_flags_span", "pfn", pfns)
        # Another content of the frame is somebody else's story: roots are taken from own mappings.
        roots = {row["mapping_id"] for row in self.mappings
                 if row["va"] == va and row["mm_id"] == mm_id}
        self.content = self._content(roots, pfns)
        self.vmas = self._vmas(roots)
        spaces = {row["mm_id"] for row in self.vmas} | {mm_id}
        self.tasks = self._among("task_span", "mm_id", spaces)
        self.entries = [row for place in sorted({(row["mm_id"], row["va"]) for row in self.vmas} | {(mm_id, va)})
                        for row in self._rows("SELECT * FROM pte_span WHERE mm_id = ? AND va = ? "
                                              "AND t_begin < ? AND t_end > ?", *place, self.end, self.begin)]

    def _lists_of_huge(self, pfns: set[int]) -> list[Row]:
        """Lists know a page of 2 MiB by its first frame: what they tell of it, as told of each frame."""
        heads = {row["pfn"] for row in self.huge}
        return [{**row, "pfn": pfn} for row in self._among("lru_span", "pfn", heads) if row["nr_frames"] > 1
                for pfn in pfns if row["pfn"] < pfn < row["pfn"] + row["nr_frames"]]

    def _content(self, roots: set[int], pfns: set[int]) -> list[Row]:
        """What the page cache had where a page of the story was."""
        places = {(row["mapping_id"], row["pgoff"]) for row in self._among("cache_span", "pfn", pfns)
                  if row["mapping_id"] in roots}
        return [row for mapping_id, pgoff in sorted(places) for row in self._rows(
            "SELECT * FROM cache_span WHERE mapping_id = ? AND pgoff = ? AND t_begin < ? AND t_end > ?",
            mapping_id, pgoff, self.end, self.begin)]

    def _vmas(self, roots: set[int]) -> list[Row]:
        """VMAs while an anon_vma (root) links to them, or while they are in the tree of a mapping (root) and cover the page:
        with root and va, where a walk from there looks for it.
        """
        found = [{**vma, "root": link["anon_vma_id"], "va": self.va}
                 for link, vma in self._linked("avc_span", "anon_vma_id", roots)]
        pgoffs = {row["mapping_id"]: row["pgoff"] for row in self.content}
        found += [{**vma, "root": link["mapping_id"],
                   "va": vma["va_start"] + (pgoffs[link["mapping_id"]] - link["pgoff"]) * PAGE_SIZE}
                  for link, vma in self._linked("i_mmap_span", "mapping_id", set(pgoffs))]
        return [vma for vma in found if vma["va_start"] <= vma["va"] < vma["va_end"]]

    def _linked(self, table: str, column: str, roots: set[int]) -> list[tuple[Row, dict]]:
        """Links, and their VMAs as long as both are there."""
        links = self._among(table, column, roots)
        vmas: dict[int, list[Row]] = {}
        for vma in self._among("vma_span", "vma_id", {link["vma_id"] for link in links}):
            vmas.setdefault(vma["vma_id"], []).append(vma)
        return [(link, {**vma, "t_begin": max(link["t_begin"], vma["t_begin"]), "t_end": min(link["t_end"], vma["t_end"])})
                for link in links for vma in vmas.get(link["vma_id"], [])
                if link["t_begin"] < vma["t_end"] and vma["t_begin"] < link["t_end"]]

    def _rows(self, sql: str, *parameters: int) -> list[Row]:
        cursor = self._database.execute(sql, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor]

    def _among(self, table: str, column: str, values: set[int]) -> list[Row]:
        """Rows of these objects that overlap the story."""
        return self._rows(f"SELECT * FROM {table} WHERE {column} IN ({_marks(values)}) "
                          "AND t_begin < ? AND t_end > ?", *values, self.end, self.begin)

    def instants(self) -> list[int]:
        """When anything that a drawing shows may have changed, while the address had an entry or
        between two that it had.
        """
        found: set[int] = set()
        for rows in (self.own, self.cached, self.lists, self.flags, self.content, self.huge, self.vmas,
                     self.tasks, self.entries):
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
