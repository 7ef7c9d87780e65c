"""The memory state at one instant: tasks, VMAs, page tables, reverse map, cached files, LRU lists, swap
map and free memory.

Summaries; --full lists every object. What needs no address space is left out with --pid unless it
is asked for.
"""

import json
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass

import color
import instant
import session
import state
from errors import ToolError
from instant import seconds
from results import rows

SCHEMA_VERSION = 1
NR_ENDS = 8  # pages that a summary shows of each end of a list
ADDRESSES = {"va", "va_start", "va_end"}


@dataclass
class Listing:
    """Rows under a title. Addresses are integers; text shows them hexadecimal."""

    title: str
    columns: list[str]
    rows: list[tuple]


class Snapshot:
    """The state at one instant, for all tasks or for the address space of one."""

    def __init__(self, database: sqlite3.Connection, t: int, pid: int | None) -> None:
        self.state = state.at(database, t)
        self._flags = {}
        for enum, name, mask in rows(database, "SELECT enum, name, value FROM enum_name "
                                               "WHERE enum IN ('vma_flags', 'pte_flags')"):
            self._flags.setdefault(enum, []).append((name, mask))
        self.writable = dict(self._flags["pte_flags"])["w"]
        self.mm_id = None if pid is None else self._mm_of(pid)
        self.mine = "" if pid is None else f"WHERE mm_id = {self.mm_id}"

    def _mm_of(self, pid: int) -> int:
        found = self.state.rows("task_span", "mm_id", "pid = :pid", pid=pid)
        if not found:
            raise ToolError(f"pid {pid} did not exist at {seconds(self.state.t)} s")
        if not found[0][0]:
            raise ToolError(f"pid {pid} is a kernel thread: it has no address space")
        return found[0][0]

    def flags(self, enum: str, value: int) -> str:
        return " ".join(name for name, mask in self._flags[enum] if value & mask)

    def uncertain(self) -> Listing:
        """How much of what lives may have changed or ended unseen."""
        return Listing("events were lost: these objects are uncertain, and others may be unknown",
                       ["what", "objects", "uncertain"],
                       [(table.removesuffix("_span"), *self.state.nr_uncertain(table))
                        for table in COUNTED])

    def listing(self, title: str, columns: str, sql: str) -> Listing:
        """columns: their names, with blanks between. {TABLE} in sql is what lives of that table."""
        return Listing(title, columns.split(), self.state.select(sql))

    # ---- one method for each --what: the listings of a summary, or of everything ----

    def tasks(self, _full: bool) -> list[Listing]:
        return [self.listing("tasks", "pid tgid mm_id comm parent_pid pages slots zero", f"""
            SELECT pid, tgid, mm_id, comm, parent_pid, coalesce(pages, 0), coalesce(slots, 0),
                coalesce(zero, 0)
            FROM {{task_span}} LEFT JOIN (
                SELECT mm_id, sum(kind = 'page') AS pages, sum(kind = 'swap') AS slots,
                    sum(kind = 'zero') AS zero FROM {{pte_span}} GROUP BY mm_id) USING (mm_id)
            {self.mine} ORDER BY pid""")]

    def vma(self, full: bool) -> list[Listing]:
        if not full:
            return [self.listing("VMAs of each address space", "mm_id vmas bytes with_anon_vma", f"""
                SELECT mm_id, count(*), sum(va_end - va_start), sum(anon_vma_id <> 0)
                FROM {{vma_span}} {self.mine} GROUP BY mm_id""")]
        found = self.listing("VMAs", "mm_id va_start va_end flags vma_id anon_vma_id since", f"""
            SELECT mm_id, va_start, va_end, flags, vma_id, anon_vma_id, t_begin
            FROM {{vma_span}} {self.mine} ORDER BY mm_id, va_start""")
        found.rows = [(*row[:3], self.flags("vma_flags", row[3]), *row[4:]) for row in found.rows]
        return [found]

    def pagetables(self, full: bool) -> list[Listing]:
        if not full:
            return [
                self.listing("page tables of each address space", "mm_id level frames", f"""
                    SELECT mm_id, level, count(*) FROM (
                        SELECT mm_id, level FROM {{pgtable_span}}
                        UNION ALL SELECT mm_id, 4 FROM {{mm_span}}) {self.mine}
                    GROUP BY mm_id, level ORDER BY mm_id, level DESC"""),
                self.listing("entries of each address space", "mm_id kind entries writable", f"""
                    SELECT mm_id, kind, count(*), sum(kind = 'page' AND flags & {self.writable} <> 0)
                    FROM {{pte_span}} {self.mine} GROUP BY mm_id, kind ORDER BY mm_id, kind"""),
                *self._if_any(self.listing("entries of 2 MiB, each 512 of those", "mm_id entries writable", f"""
                    SELECT mm_id, count(*), sum(flags & {self.writable} <> 0)
                    FROM {{pmd_span}} {self.mine} GROUP BY mm_id ORDER BY mm_id"""))]
        entries = self.listing("entries", "mm_id va kind pfn slot flags since", f"""
            SELECT mm_id, va, kind, pfn, slot, flags, t_begin FROM {{pte_span}} {self.mine}
            ORDER BY mm_id, va""")
        entries.rows = [(*row[:5], self.flags("pte_flags", row[5]), row[6]) for row in entries.rows]
        huge = self.listing("entries of 2 MiB, each 512 of those above", "mm_id va pfn flags since", f"""
            SELECT mm_id, va, pfn, flags, t_begin FROM {{pmd_span}} {self.mine} ORDER BY mm_id, va""")
        huge.rows = [(*row[:3], self.flags("pte_flags", row[3]), row[4]) for row in huge.rows]
        return [self.listing("page tables", "mm_id level va pfn since", f"""
            SELECT * FROM (SELECT mm_id, level, va, pfn, t_begin FROM {{pgtable_span}}
                UNION ALL SELECT mm_id, 4, 0, pgd_pfn, t_begin FROM {{mm_span}}) {self.mine}
            ORDER BY mm_id, level DESC, va"""), entries, *self._if_any(huge)]

    @staticmethod
    def _if_any(listing: Listing) -> list[Listing]:
        """What few sessions have is not worth a title without rows."""
        return [listing] if listing.rows else []

    def rmap(self, full: bool) -> list[Listing]:
        if not full:
            return [self.listing("frames by the number of their mappings", "mappings frames", f"""
                SELECT n, count(*) FROM (SELECT count(*) AS n FROM {{rmap_span}} {self.mine}
                GROUP BY pfn) GROUP BY n ORDER BY n""")]
        return [self.listing("mappings", "pfn mm_id va mapping_id since", f"""
            SELECT pfn, mm_id, va, mapping_id, t_begin FROM {{rmap_span}} {self.mine}
            ORDER BY pfn, mm_id, va""")]

    def files(self, full: bool) -> list[Listing]:
        mine = ("" if self.mm_id is None else "WHERE mapping_id IN (SELECT mapping_id FROM {i_mmap_span} "
                f"JOIN {{vma_span}} USING (vma_id) {self.mine})")
        if not full:
            return [self.listing("mappings: the cached content of one file each",
                                 "mapping_id pages mapped slots vmas address_spaces", f"""
                SELECT mapping_id, coalesce(pages, 0), coalesce(mapped, 0), coalesce(slots, 0), coalesce(vmas, 0),
                    coalesce(spaces, 0)
                FROM {{mapping_span}}
                LEFT JOIN (SELECT mapping_id, sum(kind = 'page') AS pages, sum(kind = 'swap') AS slots,
                    sum(pfn IN (SELECT pfn FROM {{rmap_span}})) AS mapped
                    FROM {{cache_span}} GROUP BY mapping_id) USING (mapping_id)
                LEFT JOIN (SELECT mapping_id, count(*) AS vmas, count(DISTINCT mm_id) AS spaces
                    FROM {{i_mmap_span}} JOIN {{vma_span}} USING (vma_id) GROUP BY mapping_id) USING (mapping_id)
                {mine} ORDER BY mapping_id""")]
        return [self.listing("page cache", "mapping_id pgoff kind pfn slot since", f"""
                    SELECT mapping_id, pgoff, kind, pfn, slot, t_begin FROM {{cache_span}} {mine}
                    ORDER BY mapping_id, pgoff"""),
                self.listing("VMAs of files (i_mmap)", "mapping_id pgoff vma_id mm_id va_start since", f"""
                    SELECT mapping_id, pgoff, vma_id, mm_id, va_start, {{i_mmap_span}}.t_begin
                    FROM {{i_mmap_span}} JOIN {{vma_span}} USING (vma_id) {self.mine}
                    ORDER BY mapping_id, pgoff, vma_id""")]

    def lru(self, full: bool) -> list[Listing]:
        mine = ("" if self.mm_id is None else
                f"WHERE pfn IN (SELECT pfn FROM {{rmap_span}} {self.mine})")
        pages = self.state.select(f"SELECT list, pfn, nr_frames, t_begin FROM {{lru_span}} {mine} "
                                  "ORDER BY list, pos DESC")
        lists: dict[str, list[tuple[int, int, int]]] = {}
        for name, *page in pages:
            lists.setdefault(name, []).append(tuple(page))
        if not full:
            return [Listing("LRU lists, head to tail", ["list", "pages", "frames", "head", "tail"], [
                (name, len(on), sum(page[1] for page in on), *(" ".join(str(page[0]) for page in end)
                                  for end in (on[:NR_ENDS], on[-NR_ENDS:])))
                for name, on in lists.items()])]
        return [Listing(f"list {name}, head to tail", ["place", "pfn", "frames", "since"],
                        [(place, *page) for place, page in enumerate(on)])
                for name, on in lists.items()]

    def swap(self, full: bool) -> list[Listing]:
        mine = ("" if self.mm_id is None else
                f"WHERE slot IN (SELECT slot FROM {{pte_span}} {self.mine})")
        slots = f"""
            SELECT slot, max(refs) AS refs, max(pfn) AS pfn, min(t_begin) AS since FROM (
                SELECT slot, refs, NULL AS pfn, t_begin FROM {{swap_span}}
                UNION ALL SELECT slot, NULL, pfn, t_begin FROM {{swap_cache_span}}) {mine} GROUP BY slot"""
        if full:
            return [self.listing("swap slots", "slot references cached_pfn since",
                                 f"{slots} ORDER BY slot")]
        return [self.listing("swap slots by references (entries, and one for the swap cache)",
                             "references slots cached", f"""
            SELECT refs, count(*), count(pfn) FROM ({slots}) GROUP BY refs ORDER BY refs""")]

    def pages(self, full: bool) -> list[Listing]:
        if full:
            return [self.listing("allocated blocks", "pfn order kind since",
                                 'SELECT pfn, "order", kind, t_begin FROM {page_life} '
                                 "ORDER BY pfn")]
        return [self.listing("allocated blocks by kind", "kind order blocks frames", """
            SELECT kind, "order", count(*), count(*) << "order" FROM {page_life}
            GROUP BY kind, "order" ORDER BY kind, "order" """)]

    def free(self, full: bool) -> list[Listing]:
        if not full:
            return [
                self.listing("free blocks in the buddy lists", "order blocks frames", """
                    SELECT "order", count(*), count(*) << "order" FROM {free_span}
                    GROUP BY "order" ORDER BY "order" """),
                self.listing("free frames elsewhere", "where frames", """
                    SELECT coalesce('cpu' || cpu, 'zeroed'), count(*) FROM {pcp_span}
                    GROUP BY cpu ORDER BY cpu""")]
        return [self.listing("free blocks in the buddy lists", "pfn order since",
                             'SELECT pfn, "order", t_begin FROM {free_span} ORDER BY pfn'),
                self.listing("free frames elsewhere", "pfn where since",
                             "SELECT pfn, coalesce('cpu' || cpu, 'zeroed'), t_begin "
                             "FROM {pcp_span} ORDER BY pfn")]


COUNTED = ("task_span", "vma_span", "pgtable_span", "pte_span", "pmd_span", "rmap_span", "mapping_span", "cache_span",
           "i_mmap_span", "lru_span", "swap_span", "swap_cache_span", "page_life", "free_span", "pcp_span")
KINDS = ("tasks", "vma", "pagetables", "rmap", "files", "lru", "swap", "pages", "free")
OF_A_TASK = KINDS[:-2]


def set_argparser(parser) -> None:
    parser.add_argument("session", nargs="?", metavar="SESSION", help="default: the newest")
    parser.add_argument("--at", default="end", metavar="T", help=instant.HELP)
    parser.add_argument("--what", action="append", choices=KINDS, metavar="KIND",
                        help=f"{', '.join(KINDS)}; may be repeated (default: all)")
    parser.add_argument("--pid", type=int, metavar="P", help="of this task's address space alone")
    parser.add_argument("--full", action="store_true", help="every object instead of a summary")
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def main(args) -> int:
    with closing(session.open_database(args.session)) as database:
        t = instant.resolve(database, args.at)
        state.demand_known(database, t)
        snapshot = Snapshot(database, t, args.pid)
        kinds = args.what or (KINDS if args.pid is None else OF_A_TASK)
        found = {kind: getattr(snapshot, kind)(args.full) for kind in dict.fromkeys(kinds)}
        before = snapshot.state.uncertain_before
        if before is not None:
            found = {"uncertain": [snapshot.uncertain()], **found}
            for listings in found.values():
                for listing in listings:
                    mark_uncertain(listing, before)
    if args.json:
        json.dump({"schema_version": SCHEMA_VERSION, "kind": "state", "t": t, "at": args.at,
                   "state": {kind: [vars(listing) for listing in listings]
                             for kind, listings in found.items()}}, sys.stdout)
        print()
    else:
        print(f"state at {seconds(t)} s ({args.at})")
        for listing in (listing for listings in found.values() for listing in listings):
            print("\n" + "\n".join(as_text(listing)))
    return 0


def mark_uncertain(listing: Listing, before: int) -> None:
    """A column more for the objects that have been what they are since before a loss."""
    if "since" in listing.columns:
        since = listing.columns.index("since")
        listing.rows = [(*row, "?" if row[since] < before else "") for row in listing.rows]
        listing.columns.append("uncertain")


def as_text(listing: Listing) -> list[str]:
    """Right-aligned numbers, left-aligned words."""
    shown = [[_shown(name, value) for name, value in zip(listing.columns, row)]
             for row in listing.rows]
    widths = [max(map(len, column)) for column in zip(listing.columns, *shown)]
    numeric = [all(row[i] is None or isinstance(row[i], int) for row in listing.rows)
               for i in range(len(listing.columns))]

    def line(values: list[str]) -> str:
        return "  ".join(value.rjust(width) if right else value.ljust(width)
                         for value, width, right in zip(values, widths, numeric)).rstrip()

    return [color.paint(listing.title, "bold"), "  " + color.paint(line(listing.columns), "dim"),
            *("  " + line(row) for row in shown)]


def _shown(column: str, value) -> str:
    if value is None:
        return "-"
    return f"0x{value & (1 << 64) - 1:x}" if column in ADDRESSES else str(value)
