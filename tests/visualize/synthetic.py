"""
A small session.db made by hand: a parent and children that share pages, copies, swapped pages, and
a history of the lists.

Times are in milliseconds here and nanoseconds in the database.
"""

import sqlite3
import tempfile
import unittest
from pathlib import Path

OPEN = 9223372036854775807
MS = 1_000_000

TABLES = """
CREATE TABLE session(key TEXT, value TEXT);
CREATE TABLE enum_name(enum TEXT, value INTEGER, name TEXT, doc TEXT);
CREATE TABLE task_span(pid INTEGER, mm_id INTEGER, comm TEXT, t_begin INTEGER, t_end INTEGER, tgid INTEGER);
CREATE TABLE mm_span(mm_id INTEGER, t_begin INTEGER, t_end INTEGER);
CREATE TABLE page_life(pfn INTEGER, t_begin INTEGER, t_end INTEGER, kind TEXT, "order" INTEGER);
CREATE TABLE pte_span(mm_id INTEGER, va INTEGER, kind TEXT, pfn INTEGER, slot INTEGER,
                      flags INTEGER, t_begin INTEGER, t_end INTEGER);
CREATE TABLE rmap_span(pfn INTEGER, mm_id INTEGER, va INTEGER, mapping_id INTEGER,
                       t_begin INTEGER, t_end INTEGER);
CREATE TABLE pmd_span(mm_id INTEGER, va INTEGER, pfn INTEGER, flags INTEGER, t_begin INTEGER,
                      t_end INTEGER);
CREATE TABLE cache_span(mapping_id INTEGER, pgoff INTEGER, kind TEXT, pfn INTEGER, slot INTEGER,
                        t_begin INTEGER, t_end INTEGER);
CREATE TABLE i_mmap_span(vma_id INTEGER, mapping_id INTEGER, pgoff INTEGER, t_begin INTEGER,
                         t_end INTEGER);
CREATE TABLE anon_vma_span(anon_vma_id INTEGER, root_id INTEGER, t_begin INTEGER, t_end INTEGER);
CREATE TABLE avc_span(vma_id INTEGER, anon_vma_id INTEGER, t_begin INTEGER, t_end INTEGER);
CREATE TABLE lru_span(pfn INTEGER, list TEXT, pos INTEGER, t_begin INTEGER, t_end INTEGER,
                      why_in TEXT, why_out TEXT, nr_frames INTEGER);
CREATE TABLE vma_span(vma_id INTEGER, mm_id INTEGER, va_start INTEGER, va_end INTEGER,
                      flags INTEGER, t_begin INTEGER, t_end INTEGER);
CREATE TABLE swap_span(slot INTEGER, t_begin INTEGER, t_end INTEGER, refs INTEGER);
CREATE TABLE swap_cache_span(slot INTEGER, pfn INTEGER, t_begin INTEGER, t_end INTEGER);
CREATE VIEW uncertain AS SELECT t_from AS t_begin, 9223372036854775807 AS t_end, t_to AS before
    FROM loss_window;
CREATE TABLE loss_window(t_from INTEGER, t_to INTEGER);
CREATE TABLE trace_barrier(id INTEGER, t INTEGER, cpu INTEGER, n INTEGER);
CREATE TABLE oom_kill(kill_id INTEGER, t INTEGER, pid INTEGER, predicted_pages INTEGER,
                      freed_pages INTEGER);
"""

FLAGS = {
    "pte_flags": {"w": 1, "x": 2, "a": 4, "d": 8, "n": 16},
    "vma_flags": {"r": 1, "w": 2, "x": 4, "s": 8, "g": 256},
}
WRITE, ACCESSED, DIRTY = 1, 4, 8
INACTIVE, ACTIVE = "inactive_anon", "active_anon"


class Builder:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.db = sqlite3.connect(directory / "session.db")
        self.db.executescript(TABLES)
        for enum, flags in FLAGS.items():
            self.db.executemany("INSERT INTO enum_name VALUES (?, ?, ?, '')",
                                [(enum, value, name) for name, value in flags.items()])

    def add(self, table: str, *values: object) -> None:
        marks = ", ".join("?" * len(values))
        self.db.execute(f"INSERT INTO {table} VALUES ({marks})", values)

    def close(self, t_last: int = 3500) -> None:
        self.db.execute("INSERT INTO session VALUES ('t_last', ?)", (t_last * MS,))
        self.db.commit()
        self.db.close()

    def task(self, pid: int, mm_id: int, comm: str, begin: int, end: int = OPEN) -> None:
        self.add("task_span", pid, mm_id, comm, begin * MS, _ns(end), pid)
        self.add("mm_span", mm_id, begin * MS, _ns(end))

    def thread(self, pid: int, tgid: int, mm_id: int, comm: str, begin: int) -> None:
        self.add("task_span", pid, mm_id, comm, begin * MS, OPEN, tgid)

    def mapped(self, pfn: int, mm_id: int, va: int, anon_vma_id: int, begin: int, end: int = OPEN,
               flags: int = ACCESSED) -> None:
        self.add("pte_span", mm_id, va, "page", pfn, None, flags, begin * MS, _ns(end))
        self.add("rmap_span", pfn, mm_id, va, anon_vma_id, begin * MS, _ns(end))

    def listed(self, pfn: int, which: int, pos: int, begin: int, end: int = OPEN) -> None:
        why_out = None if end == OPEN else "free"
        self.add("lru_span", pfn, which, pos, begin * MS, _ns(end), "new", why_out, 1)


def _ns(milliseconds: int) -> int:
    return OPEN if milliseconds == OPEN else milliseconds * MS


BASE = 0x7F00_0000_0000


def shared_pages(b: Builder, children: int = 8) -> None:
    """
    pid 10 (mm 1, VMA 1, anon_vma 1) fills frames 0x100.. at 10 ms and forks `children` at 20 ms. At
    30 ms the first child writes page 1 (its own copy, frame 0x200), the second has it swapped (slot
    7, which is page 1's in the swap cache), the third unmaps it.
    """
    b.task(10, 1, "forkshare", 5)
    b.add("anon_vma_span", 1, 1, 10 * MS, OPEN)
    b.add("vma_span", 1, 1, BASE, BASE + 0x10000, 3, 6 * MS, OPEN)
    b.add("avc_span", 1, 1, 10 * MS, OPEN)
    for i in range(4):
        b.add("page_life", 0x100 + i, 10 * MS, OPEN, "anon", 0)
        b.mapped(0x100 + i, 1, BASE + i * 0x1000, 1, 10)
        b.listed(0x100 + i, ACTIVE if i < 2 else INACTIVE, i, 10)
    b.add("swap_cache_span", 7, 0x101, 25 * MS, OPEN)
    for child in range(1, children + 1):
        mm, vma = child + 1, child + 1
        b.task(10 + child, mm, "forkshare", 20)
        b.add("vma_span", vma, mm, BASE, BASE + 0x10000, 3, 20 * MS, OPEN)
        b.add("anon_vma_span", child + 1, 1, 20 * MS, OPEN)
        b.add("avc_span", vma, 1, 20 * MS, OPEN)
        b.add("avc_span", vma, child + 1, 20 * MS, OPEN)
        for i in range(4):
            end = 30 if i == 1 and child <= 3 else OPEN
            b.mapped(0x100 + i, mm, BASE + i * 0x1000, 1, 20, end)
    b.add("page_life", 0x200, 30 * MS, OPEN, "anon", 0)
    b.mapped(0x200, 2, BASE + 0x1000, 2, 30, flags=WRITE | ACCESSED | DIRTY)
    if children >= 2:
        b.add("pte_span", 3, BASE + 0x1000, "swap", None, 7, 0, 30 * MS, OPEN)
    b.add("trace_barrier", 1, 40 * MS, 0, 1)
    b.add("oom_kill", 1, 45 * MS, 10, 100, 90)


def file_page(b: Builder) -> None:
    """
    Mapping 40 has page 5 in frame 0x300 and page 6 in slot 9. At 20 ms pid 30, of two threads, maps all of
    it, pid 31 pages 4 to 7 privately, pid 32 only page 0. Only pid 30 has touched page 5; pid 31 wrote to it:
    a copy of its own in frame 0x301.
    """
    b.task(30, 60, "reader", 5)
    b.thread(35, 30, 60, "worker", 6)
    b.task(31, 61, "writer", 5)
    b.task(32, 62, "other", 5)
    b.add("page_life", 0x300, 10 * MS, OPEN, "shmem", 0)
    b.add("page_life", 0x301, 21 * MS, OPEN, "anon", 0)
    b.add("cache_span", 40, 5, "page", 0x300, None, 10 * MS, OPEN)
    b.add("cache_span", 40, 6, "swap", None, 9, 10 * MS, OPEN)
    b.listed(0x300, INACTIVE, 1, 10)
    for vma, mm, first, nr, flags in ((70, 60, 0, 8, 11), (71, 61, 4, 4, 3), (72, 62, 0, 1, 9)):
        b.add("vma_span", vma, mm, BASE, BASE + nr * 0x1000, flags, 20 * MS, OPEN)
        b.add("i_mmap_span", vma, 40, first, 20 * MS, OPEN)
    b.mapped(0x300, 60, BASE + 0x5000, 40, 20, flags=WRITE)
    b.add("anon_vma_span", 41, 41, 21 * MS, OPEN)
    b.add("avc_span", 71, 41, 21 * MS, OPEN)
    b.mapped(0x301, 61, BASE + 0x1000, 41, 21, flags=WRITE | DIRTY)


def huge_page(b: Builder) -> None:
    """pid 40 has a page of 2 MiB, frames 0x400 to 0x5ff, at BASE; its child has it since 20 ms, and gave it up at 30 ms."""
    b.task(40, 80, "large", 5)
    b.task(41, 81, "child", 20)
    b.add("page_life", 0x400, 10 * MS, OPEN, "anon", 9)
    b.add("anon_vma_span", 50, 50, 10 * MS, OPEN)
    b.add("lru_span", 0x400, ACTIVE, 1, 10 * MS, OPEN, "new", None, 512)
    for vma, mm, begin, end in ((90, 80, 10, OPEN), (91, 81, 20, 30)):
        b.add("vma_span", vma, mm, BASE, BASE + 0x200000, 3, begin * MS, OPEN)
        b.add("avc_span", vma, 50, begin * MS, OPEN)
        b.add("pmd_span", mm, BASE, 0x400, WRITE | DIRTY, begin * MS, _ns(end))
        for part in range(512):
            b.mapped(0x400 + part, mm, BASE + part * 0x1000, 50, begin, end, WRITE | DIRTY)


class SessionTest(unittest.TestCase):
    """Gives each test a session directory and a Builder; call built() when the rows are in."""

    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.directory = Path(holder.name)
        self.builder = Builder(self.directory)

    def built(self) -> str:
        self.builder.close()
        return str(self.directory)


def long_lists(b: Builder, nr_pages: int = 6000) -> None:
    """
    pid 20 fills the lists over three seconds; a third of its pages are active. Pages near the tail
    of the inactive list are idle, most of them saved in swap; pages near the heads are accessed. At
    3.2 s a tenth of them goes.
    """
    b.task(20, 50, "thrash", 1)
    for i in range(nr_pages):
        begin = 1 + i * 3000 // nr_pages
        end = 3200 if i % 10 == 0 else OPEN
        pfn = 0x1000 + i
        noise = (i * 2654435761 >> 7) % 100
        accessed = noise < 100 * i // nr_pages
        saved = (i * 40503 >> 4) % 100 < 70 - 60 * i // nr_pages
        b.add("page_life", pfn, begin * MS, _ns(end), "anon", 0)
        if noise != 50:
            b.mapped(pfn, 50, BASE + i * 0x1000, 9, begin, end, ACCESSED if accessed else 0)
        b.listed(pfn, ACTIVE if i % 3 == 0 else INACTIVE, i, begin, end)
        if saved:
            b.add("swap_cache_span", i, pfn, begin * MS, _ns(end))
    b.add("trace_barrier", 1, 3100 * MS, 0, 1)
    b.add("oom_kill", 1, 3200 * MS, 20, 500, 480)
